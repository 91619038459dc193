"""Aave v3 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.opening import open_deployment, start
from keeper.protocols.aave_v3.records import RECORD_TYPES
from keeper.protocols.aave_v3.releases import RULES
from keeper.protocols.base import Book, Reads
from keeper.types import Address, parse_address


class AaveV3:
    """Implements `keeper.protocols.base.Adapter`. A deployment has one market, the pool."""

    protocol = "aave-v3"
    record_types = RECORD_TYPES

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[AaveV3Market]:
        """Find everything from `settings["addresses_provider"]`.

        Raises:
            ConfigError: it is missing or no PoolAddressesProvider, or the release is not supported.
        """
        provider = _provider(deployment, settings)
        rules = yield from open_deployment(deployment, provider, book)
        return AaveV3Market(deployment, book, rules)

    def recorded(
        self, deployment: str, settings: Mapping[str, Any], revision: int, book: Book
    ) -> AaveV3Market:
        """A market for recorded logs: nothing is read, `revision` is the pool's.

        Raises:
            ConfigError: `settings` name no provider, or the revision is not supported.
        """
        if revision not in RULES:
            known = ", ".join(str(number) for number in RULES)
            raise ConfigError(f"{deployment!r} was recorded at pool revision {revision}, known is {known}")
        start(book, _provider(deployment, settings))
        return AaveV3Market(deployment, book, RULES[revision])


def _provider(deployment: str, settings: Mapping[str, Any]) -> Address:
    try:
        return parse_address(str(settings.get("addresses_provider", "")))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: addresses_provider: {error}") from None
