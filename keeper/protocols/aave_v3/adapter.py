"""Aave v3 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.aave_v3.event_table import TABLE
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.opening import open_deployment
from keeper.protocols.aave_v3.recording import AaveV3Recording
from keeper.protocols.aave_v3.records import RECORD_TYPES
from keeper.protocols.base import Book, Reads
from keeper.protocols.settings import contract


class AaveV3:
    """Implements `keeper.protocols.adapter.Adapter`. A deployment has one market, the pool."""

    protocol = "aave-v3"
    record_types = RECORD_TYPES
    recording = AaveV3Recording()
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[AaveV3Market]:
        """Find everything from `settings["addresses_provider"]`.

        A release this keeper does not know is watched by asking the pool, and is in doubt.

        Raises:
            ConfigError: it is missing or no PoolAddressesProvider, or the oracle does not quote in USD.
        """
        yield from open_deployment(deployment, contract(deployment, settings, "addresses_provider"), book)
        return AaveV3Market(deployment, book)
