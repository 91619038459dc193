"""Euler v2 as the rest of the keeper sees it."""

from collections.abc import Mapping
from typing import Any

from keeper.protocols.base import Book, Reads
from keeper.protocols.euler_v2.event_table import TABLE
from keeper.protocols.euler_v2.market import EulerV2Market
from keeper.protocols.euler_v2.opening import open_deployment
from keeper.protocols.euler_v2.recording import EulerV2Recording
from keeper.protocols.euler_v2.records import RECORD_TYPES
from keeper.protocols.settings import contract


class EulerV2:
    """Implements `keeper.protocols.adapter.Adapter`. A deployment has one market, the vaults of a factory."""

    protocol = "euler-v2"
    record_types = RECORD_TYPES
    recording = EulerV2Recording()
    events = TABLE

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[EulerV2Market]:
        """Find everything from `settings["vault_factory"]` and `settings["evc"]`.

        Raises:
            ConfigError: one is missing or another contract, or they do not belong together.
        """
        factory = contract(deployment, settings, "vault_factory")
        connector = contract(deployment, settings, "evc")
        yield from open_deployment(deployment, factory, connector, book)
        return EulerV2Market(deployment, book)
