"""What may be asked of one endpoint: requests a second, units a day, and who goes first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import structlog

from keeper.chain.faults import BudgetSpent
from keeper.chain.throttle import Throttle
from keeper.chain.units import units
from keeper.clock import Clock
from keeper.ports import Priority, current_priority

_log = structlog.get_logger(__name__)

_DAY = 86_400
_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0
"""Seconds to hold back after a refusal that does not say how long; doubled with each in a row."""


class Share(NamedTuple):
    """How far a class may use up the requests of the last second and the units of the day.

    `at_once` of its requests may be under way.
    """

    rate: float
    day: float
    at_once: int


SHARES = {Priority.AUDIT: Share(0.75, 0.8, 4), Priority.BACKFILL: Share(0.5, 0.6, 8)}
"""What lies above the shares is left to execution, which has no limit but the endpoint's own. Together
they leave some of the 16 places of a `Throttle` free, however long their requests take."""

Spent = Callable[[str, Priority, int], None]
"""Told method, priority and units of what was let through."""


class Budget:
    """Lets execution pass at once and the lower classes when there is room.

    `units_per_day` counts from midnight UTC. `patience` is how many seconds a lower class waits; longer
    ones are refused with BudgetSpent, so that another endpoint may be asked.
    """

    def __init__(
        self,
        host: str,
        throttle: Throttle,
        clock: Clock,
        *,
        units_per_day: int | None = None,
        patience: float = 30.0,
        spent: Spent = lambda _method, _priority, _units: None,
    ) -> None:
        self.throttle = throttle
        self.spent_today = 0
        self._host = host
        self._clock = clock
        self._units_per_day = units_per_day
        self._patience = patience
        self._spent = spent
        self._day = -1
        self._recent: deque[tuple[float, int]] = deque()
        self._turns = {of: asyncio.Lock() for of in SHARES}
        self._slots = {of: asyncio.Semaphore(share.at_once) for of, share in SHARES.items()}
        self._blocked_until = 0.0
        self._refusals = 0
        self._warned: set[tuple[Priority, int]] = set()

    def burst(self, priority: Priority) -> int | None:
        """The most requests of `priority` that may leave together, None without a limit."""
        burst = self.throttle.burst
        share = SHARES.get(priority)
        return burst if burst is None or share is None else max(1, int(burst * share.rate))

    def admit(
        self, method: str, count: int = 1, cost: int | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Hold a place for `count` requests of `method` while the body runs.

        `cost` is what they take in units, None: what `method` takes.

        Raises:
            BudgetSpent: a lower class would have to wait longer than `patience`.
        """
        priority = current_priority()
        cost = units(method) * count if cost is None else cost
        if priority is not Priority.EXECUTION:
            return self._in_turn(method, priority, count, cost)
        self._take(method, priority, count, cost)
        return self.throttle.admit(count)

    @asynccontextmanager
    async def _in_turn(self, method: str, priority: Priority, count: int, cost: int) -> AsyncIterator[None]:
        async with self._slots[priority]:
            async with self._turns[priority]:
                await self._wait(priority, count, cost)
                self._take(method, priority, count, cost)
            async with self.throttle.admit(count):
                yield

    def refused(self, retry_after: float | None) -> None:
        """The endpoint said it was too much: hold the lower classes back, longer each time in a row."""
        backoff = min(_FIRST_BACKOFF * 2**self._refusals, _LONGEST_BACKOFF)
        self._refusals += 1
        until = self._clock.monotonic() + (backoff if retry_after is None else retry_after)
        self._blocked_until = max(self._blocked_until, until)

    def answered(self) -> None:
        """The endpoint is not refusing, any more."""
        if self._refusals and self._clock.monotonic() >= self._blocked_until:
            self._refusals = 0

    async def _wait(self, priority: Priority, count: int, cost: int) -> None:
        waited = 0.0
        while (wait := self._room_in(priority, count, cost)) > 0:
            waited += wait
            if waited > self._patience:
                raise BudgetSpent(f"{self._host}: no budget for {priority.value} within {waited:.0f} s", wait)
            await self._clock.sleep(wait)

    def _room_in(self, priority: Priority, count: int, cost: int) -> float:
        """Seconds until there may be room; 0 is now."""
        now = self._clock.monotonic()
        if now < self._blocked_until:
            return self._blocked_until - now
        share = SHARES[priority]
        self._turn_day()
        if self._units_per_day is not None and self.spent_today + cost > share.day * self._units_per_day:
            self._warn(priority)
            return _DAY - self._clock.now() % _DAY
        return self._window(now, count, share.rate)

    def _window(self, now: float, count: int, share: float) -> float:
        rate = self.throttle.rate
        if rate is None:
            return 0.0
        period = self._forget(now, rate)
        allowed = max(1, int(rate * period * share))
        free = allowed - sum(taken for _, taken in self._recent)
        wait = 0.0
        for at, taken in self._recent:
            if free >= min(count, allowed):
                break
            free += taken
            wait = at + period - now
        return wait

    def _forget(self, now: float, rate: float) -> float:
        """Drop what is older than the period over which requests are counted, and return its seconds."""
        period = max(1.0, 1 / rate)
        while self._recent and now - self._recent[0][0] >= period:
            self._recent.popleft()
        return period

    def _take(self, method: str, priority: Priority, count: int, cost: int) -> None:
        if self.throttle.rate is not None:
            now = self._clock.monotonic()
            self._forget(now, self.throttle.rate)
            self._recent.append((now, count))
        self._turn_day()
        self.spent_today += cost
        if self._units_per_day is not None and self.spent_today > self._units_per_day:
            self._warn(Priority.EXECUTION)
        self._spent(method, priority, cost)

    def _turn_day(self) -> None:
        day = int(self._clock.now() // _DAY)
        if day != self._day:
            self._day, self.spent_today = day, 0

    def _warn(self, priority: Priority) -> None:
        """Once a day and class."""
        if (priority, self._day) not in self._warned:
            self._warned = {seen for seen in self._warned if seen[1] == self._day} | {(priority, self._day)}
            spent = self.spent_today
            _log.warning("rpc_budget_spent", host=self._host, priority=priority.value, units=spent)
