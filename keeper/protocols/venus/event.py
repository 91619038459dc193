"""A log on its way into the book."""

from collections.abc import Callable
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.types import Log


class Event(NamedTuple):
    """One log with what its handler needs besides: the market's number (-1: no market), seconds."""

    log: Log
    number: int
    timestamp: int


Handler = Callable[[Book, Event], None]
