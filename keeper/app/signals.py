"""Ending on a signal: the first asks, the second insists."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Stopping:
    """Set by the first SIGTERM or SIGINT. `reason` names it, "done" when there was none."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._signal: signal.Signals | None = None

    def request(self, number: signal.Signals) -> None:
        """Take note of a signal."""
        self._signal = number
        self.event.set()

    @property
    def reason(self) -> str:
        return self._signal.name if self._signal else "done"

    @property
    def interrupted(self) -> bool:
        """Whether a person pressed Ctrl-C."""
        return self._signal is signal.SIGINT


@asynccontextmanager
async def stop_on_signals() -> AsyncIterator[Stopping]:
    """Turn SIGTERM and SIGINT into a request to stop; a second one has the system's usual effect."""
    stopping = Stopping()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def request(number: signal.Signals) -> None:
        stopping.request(number)
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, request, each)
    try:
        yield stopping
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
