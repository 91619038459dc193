"""Signals: ending (the first asks, the second insists), and the operator's hand while it runs."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from keeper.app.governor import Governor


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


@contextmanager
def governed_by_signals(governor: Governor) -> Iterator[None]:
    """SIGHUP reloads strategy and guards, SIGUSR1 stops new liquidations, SIGUSR2 lets them go on."""
    loop = asyncio.get_running_loop()
    handlers: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGHUP: governor.want_reload,
        signal.SIGUSR1: partial(governor.switch.stop, "stopped by SIGUSR1; send SIGUSR2 to go on"),
        signal.SIGUSR2: governor.switch.resume,
    }
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
