"""Venus' core pool and Compound v2 as the rest of the keeper sees them."""

from collections.abc import Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.base import Book, Reads
from keeper.protocols.venus.curve import Curve
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.opening import open_deployment
from keeper.protocols.venus.recording import VenusRecording
from keeper.protocols.venus.records import RECORD_TYPES
from keeper.protocols.venus.rules import COMPOUND_V2, VENUS, Rules
from keeper.types import Address, parse_address


class Comptroller:
    """Implements `keeper.protocols.base.Adapter` for one dialect. A deployment has one market, the core."""

    record_types: tuple[type, ...] = (*RECORD_TYPES, Curve)

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.protocol = rules.protocol
        self.recording = VenusRecording(rules)

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[VenusMarket]:
        """Find everything from `settings["comptroller"]`.

        Raises:
            ConfigError: it is missing or no comptroller of this dialect.
        """
        yield from open_deployment(deployment, _comptroller(deployment, settings), self._rules, book)
        return VenusMarket(deployment, book, self._rules)


def _comptroller(deployment: str, settings: Mapping[str, Any]) -> Address:
    try:
        return parse_address(str(settings.get("comptroller", "")))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: comptroller: {error}") from None


def venus() -> Comptroller:
    """Venus' core pool."""
    return Comptroller(VENUS)


def compound_v2() -> Comptroller:
    """Compound v2, and forks that keep to it."""
    return Comptroller(COMPOUND_V2)
