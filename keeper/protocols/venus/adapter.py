"""Venus' core pool and Compound v2 as the rest of the keeper sees them."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.base import Book, Reads
from keeper.protocols.settings import contract
from keeper.protocols.venus.curve import Curve
from keeper.protocols.venus.event_table import TABLE
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.opening import open_deployment
from keeper.protocols.venus.recording import VenusRecording
from keeper.protocols.venus.records import RECORD_TYPES
from keeper.protocols.venus.rules import COMPOUND_V2, VENUS, Rules


class Comptroller:
    """Implements `keeper.protocols.adapter.Adapter` for one dialect. One market a deployment, the core."""

    record_types: tuple[type, ...] = (*RECORD_TYPES, Curve)
    events = TABLE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.protocol = rules.protocol
        self.recording = VenusRecording(rules)

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[VenusMarket]:
        """Find everything from `settings["comptroller"]`.

        Raises:
            ConfigError: it is missing or no comptroller of this dialect.
        """
        yield from open_deployment(
            deployment, contract(deployment, settings, "comptroller"), self._rules, book
        )
        return VenusMarket(deployment, book, self._rules)


def venus() -> Comptroller:
    """Venus' core pool."""
    return Comptroller(VENUS)


def compound_v2() -> Comptroller:
    """Compound v2, and forks that keep to it."""
    return Comptroller(COMPOUND_V2)
