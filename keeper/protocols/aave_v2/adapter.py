"""Aave v2 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.aave_v2.event_table import TABLE
from keeper.protocols.aave_v2.market import AaveV2Market
from keeper.protocols.aave_v2.opening import open_deployment
from keeper.protocols.aave_v3.records import RECORD_TYPES
from keeper.protocols.base import Book, Reads
from keeper.protocols.settings import contract


class AaveV2:
    """Implements `keeper.protocols.adapter.Adapter`. A deployment has one market, the lending pool."""

    protocol = "aave-v2"
    record_types = RECORD_TYPES
    recording = None
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[AaveV2Market]:
        """Find everything from `settings["addresses_provider"]`.

        Raises:
            ConfigError: it is missing or no LendingPoolAddressesProvider, or the oracle does not quote in
                ether.
        """
        yield from open_deployment(deployment, contract(deployment, settings, "addresses_provider"), book)
        return AaveV2Market(deployment, book)
