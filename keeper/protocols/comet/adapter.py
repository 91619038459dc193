"""Compound v3 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.base import Book, Reads
from keeper.protocols.comet.event_table import TABLE
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.opening import open_deployment
from keeper.protocols.comet.recording import CometRecording
from keeper.protocols.comet.records import RECORD_TYPES
from keeper.protocols.settings import contract


class Comet:
    """Implements `keeper.protocols.adapter.Adapter`. One market a deployment, the comet of a base token."""

    protocol = "comet"
    record_types = RECORD_TYPES
    recording = CometRecording()
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[CometMarket]:
        """Find everything from `settings["comet"]`.

        Raises:
            ConfigError: it is missing or no comet.
        """
        yield from open_deployment(deployment, contract(deployment, settings, "comet"), book)
        return CometMarket(deployment, book)
