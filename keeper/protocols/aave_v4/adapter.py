"""Aave v4 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.aave_v4.event_table import TABLE
from keeper.protocols.aave_v4.market import AaveV4Market
from keeper.protocols.aave_v4.opening import open_deployment
from keeper.protocols.aave_v4.recording import AaveV4Recording
from keeper.protocols.aave_v4.records import RECORD_TYPES
from keeper.protocols.base import Book, Reads
from keeper.protocols.settings import contract


class AaveV4:
    """Implements `keeper.protocols.adapter.Adapter`. A deployment is a spoke; its reserves name its hubs."""

    protocol = "aave-v4"
    record_types = RECORD_TYPES
    recording = AaveV4Recording()
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[AaveV4Market]:
        """Find everything from `settings["spoke"]`; `settings["hub"]` may name a hub, and need not.

        A revision this keeper does not know is watched, and is in doubt.

        Raises:
            ConfigError: the spoke is missing or none.
        """
        spoke = contract(deployment, settings, "spoke")
        hub = contract(deployment, settings, "hub") if settings.get("hub") else None
        yield from open_deployment(deployment, spoke, hub, book)
        return AaveV4Market(deployment, book)
