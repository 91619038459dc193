"""Is the process alive, and is it ready?"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from keeper.clock import Clock


class Component(NamedTuple):
    """One thing that must work: "synced", "store", "signer", … and how it is."""

    name: str
    ok: bool
    detail: str


Readiness = Callable[[], Awaitable[Sequence[Component]]]
"""Looks at every component now. May raise a KeeperError, which counts as not ready."""


class Heartbeat:
    """Knows when the main loop last turned. `limit` is how many seconds a turn may take."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._limit = limit
        self._last = clock.monotonic()

    def turn(self) -> None:
        """Say that the loop turned."""
        self._last = self._clock.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last turn; since the start before the first."""
        return self._clock.monotonic() - self._last

    @property
    def alive(self) -> bool:
        return self.age <= self._limit
