"""Time as a dependency: logic never asks the operating system itself."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock seconds, monotonic seconds, and sleeping."""

    def now(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The operating system's clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
