"""Morpho Blue as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.base import Book, Reads
from keeper.protocols.morpho_blue.event_table import TABLE
from keeper.protocols.morpho_blue.market import MorphoBlueMarket
from keeper.protocols.morpho_blue.opening import open_deployment
from keeper.protocols.morpho_blue.recording import MorphoBlueRecording
from keeper.protocols.morpho_blue.records import RECORD_TYPES
from keeper.protocols.morpho_blue.rules import Settings


class MorphoBlue:
    """Implements `keeper.protocols.adapter.Adapter`: all markets of a deployment live in one book."""

    protocol = "morpho-blue"
    record_types = RECORD_TYPES
    recording = MorphoBlueRecording()
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[MorphoBlueMarket]:
        """Check the contracts that `settings` name (`keeper.protocols.morpho_blue.rules.Settings`).

        Raises:
            ConfigError: a setting is wrong, or a contract is not what it is configured as.
        """
        parsed = Settings.of(deployment, settings)
        yield from open_deployment(deployment, parsed, book)
        return MorphoBlueMarket(deployment, book, parsed)
