"""Aave v2 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.aave_v2.market import AaveV2Market
from keeper.protocols.aave_v2.opening import open_deployment
from keeper.protocols.aave_v3.records import RECORD_TYPES
from keeper.protocols.base import Book, Reads
from keeper.types import Address, parse_address


class AaveV2:
    """Implements `keeper.protocols.base.Adapter`. A deployment has one market, the lending pool."""

    protocol = "aave-v2"
    record_types = RECORD_TYPES
    recording = None

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[AaveV2Market]:
        """Find everything from `settings["addresses_provider"]`.

        Raises:
            ConfigError: it is missing or no LendingPoolAddressesProvider, or the oracle does not quote in
                ether.
        """
        yield from open_deployment(deployment, _provider(deployment, settings), book)
        return AaveV2Market(deployment, book)


def _provider(deployment: str, settings: Mapping[str, Any]) -> Address:
    try:
        return parse_address(str(settings.get("addresses_provider", "")))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: addresses_provider: {error}") from None
