"""A row of the table of events."""

from collections.abc import Callable
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.types import Log

Handler = Callable[[Book, Log, int], None]
"""Takes the book, the log and its block's timestamp."""


class Coverage(NamedTuple):
    """One event: its handler, or the reason why it may be ignored."""

    signature: str
    handler: Handler | None
    reason: str = ""
