"""Compound v3 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.protocols.base import Book, Reads
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.opening import open_deployment
from keeper.protocols.comet.recording import CometRecording
from keeper.protocols.comet.records import RECORD_TYPES
from keeper.types import Address, parse_address


class Comet:
    """Implements `keeper.protocols.base.Adapter`. A deployment has one market, the comet of a base token."""

    protocol = "comet"
    record_types = RECORD_TYPES
    recording = CometRecording()

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[CometMarket]:
        """Find everything from `settings["comet"]`.

        Raises:
            ConfigError: it is missing or no comet.
        """
        yield from open_deployment(deployment, _comet(deployment, settings), book)
        return CometMarket(deployment, book)


def _comet(deployment: str, settings: Mapping[str, Any]) -> Address:
    try:
        return parse_address(str(settings.get("comet", "")))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: comet: {error}") from None
