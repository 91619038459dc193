"""A log on its way into the book."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from keeper.protocols.aave_v3.implementations import Implementation
from keeper.protocols.base import Book
from keeper.types import Address, Log


class Event(Struct, frozen=True, gc=False):
    """One log with what its handler needs besides.

    `reserve` is the reserve id where a token emitted it, -1 elsewhere; `implementations` are the
    facts about contracts that proxies point to, as far as they were read.
    """

    log: Log
    reserve: int
    timestamp: int
    implementations: Mapping[Address, Implementation]


Handler = Callable[[Book, Event], None]
