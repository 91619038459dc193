"""Transactions that wait for a block, from every node that shows them: pushed, or polled for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import aiohttp
import structlog

from keeper.beside import beside
from keeper.chain.faults import MethodMissing
from keeper.chain.observe import NodeObserver, NoObserver
from keeper.chain.pending import poll, push
from keeper.chain.rpc import Rpc
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.errors import Degraded, Transient, WrongChain
from keeper.ports import PendingTransaction

_log = structlog.get_logger(__name__)

_Source = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs until it fails; says when it has begun to deliver."""

CAPACITY = 256
"""Transactions kept for a reader that is busy; the oldest are dropped first, their time is over."""

_REMEMBERED = 4096
"""Hashes remembered, so that what several nodes show is told once."""


class PendingSlot:
    """Holds wanted transactions until somebody takes them: bounded, each given once."""

    def __init__(self, wanted: Callable[[PendingTransaction], bool]) -> None:
        self._wanted = wanted
        self._waiting: deque[PendingTransaction] = deque(maxlen=CAPACITY)
        self._seen: dict[str, None] = {}
        self._filled = asyncio.Event()

    def offer(self, transaction: PendingTransaction) -> None:
        """Take `transaction` if it is wanted and new."""
        if transaction.hash in self._seen or not self._wanted(transaction):
            return
        self._seen[transaction.hash] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._waiting.append(transaction)
        self._filled.set()

    def __aiter__(self) -> "PendingSlot":
        return self

    async def __anext__(self) -> PendingTransaction:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()


@asynccontextmanager
async def pending_stream(
    wanted: Callable[[PendingTransaction], bool],
    ws_urls: Sequence[str],
    rpcs: Sequence[Rpc],
    *,
    chain_id: int,
    poll_interval: float = 0.25,
    deadline: float = 10.0,
    longest_backoff: float = 60.0,
    clock: Clock | None = None,
    observer: NodeObserver | None = None,
) -> AsyncIterator[AsyncIterator[PendingTransaction]]:
    """Open an iterator over the pending transactions that are `wanted`, each once, as soon as a node has it.

    Every one of `ws_urls` is listened to, for each node has a pool of its own; where there is none, the
    filters of `rpcs` are asked every `poll_interval` seconds. A source that breaks is taken up again after a
    pause that doubles up to `longest_backoff`; one that offers nothing of the kind is left out, and said so.
    `wanted` must be quick: it sees every transaction of the chain.
    """
    slot = PendingSlot(wanted)
    clock = clock or SystemClock()
    sources: list[tuple[str, _Source]] = []
    async with aiohttp.ClientSession() as session:
        for url in (EndpointUrl(text, ("ws", "wss")) for text in ws_urls):
            source = partial(push, session, url, slot.offer, chain_id=chain_id, deadline=deadline)
            sources.append((url.host, source))
        if not sources:
            asked = partial(poll, interval=poll_interval, clock=clock)
            sources += [(rpc.host, partial(asked, rpc, slot.offer)) for rpc in rpcs]
        keep = _Keep(clock, longest_backoff, observer or NoObserver())
        async with beside(*(keep.up(host, source) for host, source in sources)):
            yield slot


class _Keep:
    """Takes sources up again when they break."""

    def __init__(self, clock: Clock, longest_backoff: float, observer: NodeObserver) -> None:
        self._clock = clock
        self._longest = longest_backoff
        self._observer = observer

    async def up(self, host: str, source: _Source) -> None:
        """Run `source` until it turns out to be of no use."""
        backoff, delivered, proven = 1.0, asyncio.Event(), False
        while True:
            try:
                await source(delivered.set)
            except (MethodMissing, WrongChain, Transient, Degraded) as error:
                proven = proven or delivered.is_set()
                if isinstance(error, MethodMissing) or (isinstance(error, WrongChain) and not proven):
                    _log.error("pending_source_left_out", host=host, reason=str(error))
                    return
                backoff = 1.0 if delivered.is_set() else backoff
                delivered.clear()
                self._observer.on_subscription_lost(host)
                _log.warning("pending_source_lost", host=host, reason=str(error), retry_in=backoff)
            await self._clock.sleep(backoff)
            backoff = min(backoff * 2, self._longest)
