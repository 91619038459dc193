"""A log on its way into the book."""

from typing import NamedTuple

from keeper.protocols.aave_v3.rules import Rules
from keeper.types import Log


class Event(NamedTuple):
    """One log with what its handler needs besides: the reserve id where a token emitted it, block time."""

    log: Log
    reserve: int
    timestamp: int
    rules: Rules
