"""A row of the table of events."""

from collections.abc import Callable
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.morpho_blue.records import Role
from keeper.types import Log

Handler = Callable[[Book, Log, int], None]
"""Folds one log of the given timestamp."""


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
