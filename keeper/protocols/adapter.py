"""What a protocol brings along: how its deployments are opened, its events, and how it is held to account."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from keeper.protocols.base import Book, Market, Reads
from keeper.protocols.coverage import EventTable


class Check(NamedTuple):
    """One number (or set of numbers) as the contracts reported it and as the market derived it."""

    what: str
    expected: Any
    actual: Any


class Recording(Protocol):
    """How a market is held against a recorded run of the protocol's contracts.

    The documents' format: README.md beside the recorded runs. `document`, `reading`, `checkpoint` and
    `attempt` are parsed JSON as it stands there.
    """

    def open(self, document: Mapping[str, Any], book: Book) -> Market:
        """A market over `book` that has folded nothing yet; all it may read is the document.

        Raises:
            ConfigError: a version or revision that is not known.
        """
        ...

    def read(self, market: Market, reading: Mapping[str, Any]) -> None:
        """Take over what no log carries and the run therefore recorded as a read."""
        ...

    def subjects(self, checkpoint: Mapping[str, Any]) -> int:
        """How many accounts and markets a checkpoint describes."""
        ...

    def checkpoint(self, market: Market, checkpoint: Mapping[str, Any]) -> Iterable[Check]:
        """Everything a checkpoint says against the market that folded every log up to its block."""
        ...

    def liquidation(self, market: Market, attempt: Mapping[str, Any]) -> Iterable[Check]:
        """A liquidation attempt against what the market says would happen on the state before it."""
        ...


class Adapter(Protocol):
    """A protocol: opens markets of a deployment."""

    protocol: str
    record_types: tuple[type, ...]
    """Named tuples this protocol keeps as records, so that a saved book can be read back."""

    @property
    def recording(self) -> Recording | None:
        """How recorded runs of this protocol are replayed, None where there are none."""
        ...

    @property
    def events(self) -> EventTable:
        """What becomes of every event of the contracts it watches."""
        ...

    def open(self, deployment: str, settings: Mapping[str, Any], book: Book) -> Reads[Market]:
        """Probe the deployment on chain and return its market over `book` (empty or restored).

        Raises:
            ConfigError: no such contract. One of a revision this adapter does not know is watched as well
            as can be, and the market is in doubt.
        """
        ...
