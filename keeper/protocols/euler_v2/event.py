"""A log on its way into the book."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.types import Address, Log


class Event(NamedTuple):
    """One log with what its handler needs besides.

    `vault` is the number of the vault that emitted it, -1 elsewhere; `genuine` tells of implementations
    whether they were seen to be vaults of the deployment's connector.
    """

    log: Log
    vault: int
    timestamp: int
    genuine: Mapping[Address, bool]


Handler = Callable[[Book, Event], None]
