"""A row of the table of events."""

from collections.abc import Callable
from typing import NamedTuple

from keeper.protocols.aave_v4.event import Event
from keeper.protocols.aave_v4.records import Role
from keeper.protocols.base import Book

Handler = Callable[[Book, Event], None]


class Coverage(NamedTuple):
    """One event: its handler, or the reason why it may be ignored."""

    role: Role
    signature: str
    handler: Handler | None
    reason: str = ""


def handled(role: Role, handlers: dict[str, Handler]) -> list[Coverage]:
    """Rows of events with a handler."""
    return [Coverage(role, signature, handler) for signature, handler in handlers.items()]


def ignored(role: Role, reasons: dict[str, str]) -> list[Coverage]:
    """Rows of events that nobody needs."""
    return [Coverage(role, signature, None, reason) for signature, reason in reasons.items()]
