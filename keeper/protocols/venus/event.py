"""A log on its way into the book, and a row of the table of events."""

from collections.abc import Callable
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.venus.records import Role
from keeper.types import Log


class Event(NamedTuple):
    """One log with what its handler needs besides: the market's number (-1: no market), seconds."""

    log: Log
    number: int
    timestamp: int


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
