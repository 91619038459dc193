"""Compound v3 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.base import Book, Reads
from keeper.protocols.comet.dollars import check_oracle
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
        """Find everything from `settings["comet"]`; `usd_oracle` is for feeds that do not quote in USD.

        Raises:
            ConfigError: it is missing or no comet, or the oracle does not quote in USD.
        """
        yield from open_deployment(deployment, contract(deployment, settings, "comet"), book)
        oracle = contract(deployment, settings, "usd_oracle") if settings.get("usd_oracle") else None
        if oracle is not None:
            yield from check_oracle(deployment, oracle)
        return CometMarket(deployment, book, oracle)
