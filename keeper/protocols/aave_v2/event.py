"""A log on its way into the book."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import NamedTuple

from keeper.protocols.aave_v2.facts import Fact
from keeper.protocols.aave_v3 import event as v3
from keeper.protocols.base import Book
from keeper.types import Address, Log


class Event(NamedTuple):
    """One log with what its handler needs besides.

    `reserve` is the reserve id where a token emitted it, -1 elsewhere; `facts` are those of the
    contracts that logs name, as far as they were read.
    """

    log: Log
    reserve: int
    timestamp: int
    facts: Mapping[Address, Fact]


Handler = Callable[[Book, Event], None]


def shared(handler: Callable[[Book, v3.Event], None]) -> Handler:
    """A handler of v3 for an event that v2 emits in the same form and sense."""

    @wraps(handler)
    def handle(book: Book, event: Event) -> None:
        handler(book, v3.Event(event.log, event.reserve, event.timestamp, {}))

    return handle
