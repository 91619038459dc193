"""The table of events: of every event a protocol's contracts emit, who handles it, or why nobody needs to.

The table is the dispatch of `fold` and the page for people in one, so that neither can forget an event.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

from keeper.protocols.base import Book
from keeper.protocols.decode import topic
from keeper.types import Log

LogHandler = Callable[[Book, Log, int], None]
"""The plainest handler: folds one log of a block at a timestamp."""

H = TypeVar("H", bound=Callable[..., None])


class Coverage(NamedTuple, Generic[H]):
    """One event of the contracts in `role`: its handler, or the reason why it may be ignored."""

    role: IntEnum
    signature: str
    handler: H | None
    reason: str = ""


def handled(role: IntEnum, handlers: Mapping[str, H]) -> list[Coverage[H]]:
    """Rows of events with a handler."""
    return [Coverage(role, signature, handler) for signature, handler in handlers.items()]


def ignored(role: IntEnum, reasons: Mapping[str, str]) -> list[Coverage[Any]]:
    """Rows of events that nobody needs."""
    return [Coverage(role, signature, None, reason) for signature, reason in reasons.items()]


def dispatch(rows: Iterable[Coverage[H]], roles: type[IntEnum]) -> Mapping[int, Mapping[str, H]]:
    """Handlers by role and first topic; every one of `roles` is there."""
    tables: dict[int, dict[str, H]] = {int(role): {} for role in roles}
    for row in rows:
        if row.handler is not None:
            tables[row.role][topic(row.signature)] = row.handler
    return tables


class EventTable(NamedTuple):
    """A protocol's events and how they are shown: `docs/<page>`, written by scripts/build_docs.

    `head` is what stands above the sections, which come in the order of `titles`.
    """

    page: str
    head: str
    titles: Mapping[Any, str]
    rows: Sequence[Coverage[Any]]

    def markdown(self) -> str:
        """The whole page."""
        return "\n".join([self.head, *(self._section(role) for role in self.titles)])

    def _section(self, role: IntEnum) -> str:
        rows = sorted(_row(row) for row in self.rows if row.role is role)
        return "\n".join([f"## {self.titles[role]}", "", "| event | |", "|---|---|", *rows, ""])


def _row(row: Coverage[Any]) -> str:
    if row.handler is None:
        return f"| `{row.signature}` | ignored: {row.reason} |"
    module = ".".join(row.handler.__module__.split(".")[2:])
    return f"| `{row.signature}` | handled: `{module}.{row.handler.__name__}` |"
