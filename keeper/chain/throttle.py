"""A request budget for one endpoint."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from asyncio_throttle.throttler import Throttler


class Throttle:
    """Admits at most `rate` requests a second (None: no limit) and `concurrency` at a time.

    asyncio-throttle polls every 10 ms and serves whoever wakes first. The semaphore keeps waiting
    requests asleep and the lock lets one of them poll at a time, so admission is first come, first
    served and the polling costs the same however many wait.
    """

    def __init__(self, rate: float | None = None, concurrency: int = 16) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._turn = asyncio.Lock()
        self._throttler: Throttler | None = None
        self.rate = rate

    @property
    def rate(self) -> float | None:
        """Requests a second; setting it starts a fresh window."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        if rate is not None and rate <= 0:
            raise ValueError(f"a rate must be positive, not {rate}")
        self._rate = rate
        # The throttler counts whole requests, so 0.5 a second is one in two seconds.
        whole = max(1, int(rate)) if rate is not None else 0
        self._throttler = Throttler(whole, period=whole / rate) if rate is not None else None

    @property
    def burst(self) -> int | None:
        """The most requests that may leave together, None without a limit."""
        return None if self._rate is None else max(1, int(self._rate))

    def admit(self, weight: int = 1) -> AbstractAsyncContextManager[None]:
        """Hold a slot while the body runs, after `weight` requests fit into the rate."""
        return self._slots if self._throttler is None else self._paced(weight)

    @asynccontextmanager
    async def _paced(self, weight: int) -> AsyncIterator[None]:
        async with self._slots:
            async with self._turn:
                for _ in range(weight):
                    if self._throttler is not None:
                        await self._throttler.acquire()  # type: ignore[no-untyped-call]
            yield
