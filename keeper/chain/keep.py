"""Sources that push what they have, taken up again whenever they break."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from keeper.chain.faults import MethodMissing
from keeper.chain.observe import LossObserver
from keeper.clock import Clock
from keeper.errors import Degraded, Transient, WrongChain

_log = structlog.get_logger(__name__)

Source = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs until it fails; says when it has begun to deliver."""


class Keep:
    """Takes sources up again after a pause that doubles up to `longest` seconds.

    `kind` names them in the log: `<kind>_lost`, and `<kind>_left_out` where one is of no use.
    """

    def __init__(self, kind: str, clock: Clock, longest: float, observer: LossObserver) -> None:
        self._kind = kind
        self._clock = clock
        self._longest = longest
        self._observer = observer

    async def up(self, host: str, source: Source) -> None:
        """Run `source` until it turns out to be of no use.

        It is where the method is missing, or the chain is another one. A source that has delivered once is on
        the right chain: what shows another one after that is a wrong node behind a balancer.
        """
        backoff, delivered, proven = 1.0, asyncio.Event(), False
        while True:
            try:
                await source(delivered.set)
            except (MethodMissing, WrongChain, Transient, Degraded) as error:
                proven = proven or delivered.is_set()
                if isinstance(error, MethodMissing) or (isinstance(error, WrongChain) and not proven):
                    _log.error(f"{self._kind}_left_out", host=host, reason=str(error))
                    return
                backoff = 1.0 if delivered.is_set() else backoff
                delivered.clear()
                self._observer.on_subscription_lost(host)
                _log.warning(f"{self._kind}_lost", host=host, reason=str(error), retry_in=backoff)
            await self._clock.sleep(backoff)
            backoff = min(backoff * 2, self._longest)
