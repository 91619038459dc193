"""A log on its way into the book."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from keeper.protocols.aave_v4.implementations import Implementation
from keeper.protocols.base import Book
from keeper.types import Address, Log


class Event(NamedTuple):
    """One log with what its handler needs besides.

    `implementations` are the facts about contracts that proxies point to, as far as they were read.
    """

    log: Log
    timestamp: int
    implementations: Mapping[Address, Implementation]


Handler = Callable[[Book, Event], None]
