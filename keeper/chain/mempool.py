"""Transactions that wait for a block, from every node that shows them: pushed, or polled for."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import aiohttp

from keeper.beside import beside
from keeper.chain.keep import Keep, Source
from keeper.chain.observe import NodeObserver, NoObserver
from keeper.chain.pending import poll, push
from keeper.chain.rpc import Rpc
from keeper.chain.slot import Slot
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.ports import PendingTransaction

CAPACITY = 256
"""Transactions kept for a reader that is busy; the oldest are dropped first, their time is over."""


class PendingSlot(Slot[PendingTransaction]):
    """Holds wanted transactions until somebody takes them."""

    def __init__(self, wanted: Callable[[PendingTransaction], bool]) -> None:
        super().__init__(CAPACITY)
        self._wanted = wanted

    def offer(self, transaction: PendingTransaction) -> None:
        """Take `transaction` if it is wanted and new."""
        if not self.has_seen(transaction.hash) and self._wanted(transaction):
            self.put(transaction.hash, transaction)


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
    sources: list[tuple[str, Source]] = []
    async with aiohttp.ClientSession() as session:
        for url in (EndpointUrl(text, ("ws", "wss")) for text in ws_urls):
            source = partial(push, session, url, slot.offer, chain_id=chain_id, deadline=deadline)
            sources.append((url.host, source))
        if not sources:
            asked = partial(poll, interval=poll_interval, clock=clock)
            sources += [(rpc.host, partial(asked, rpc, slot.offer)) for rpc in rpcs]
        keep = Keep("pending_source", clock, longest_backoff, observer or NoObserver())
        async with beside(*(keep.up(host, source) for host, source in sources)):
            yield slot
