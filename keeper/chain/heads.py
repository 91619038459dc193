"""The newest head of the chain: pushed over a WebSocket, polled whenever that is not to be trusted."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
import structlog

from keeper.beside import beside
from keeper.chain.faults import DeadlineExceeded
from keeper.chain.observe import NodeObserver, NoObserver
from keeper.chain.subscription import subscribe
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.errors import KeeperError, Transient, Unreachable, WrongChain
from keeper.types import BlockRef, Hash

_log = structlog.get_logger(__name__)

_REMEMBERED = 128
"""Heads remembered to tell a late one from a reorg: more than the spread between any two nodes."""


_STALL_BLOCKS = 2
"""Blocks that a subscription may be behind what is polled: one is a matter of who is asked first."""


class HeadSlot:
    """Holds one head. A newer one replaces it, so a slow reader skips instead of falling behind."""

    def __init__(self) -> None:
        self._head: BlockRef | None = None
        self._newest: BlockRef | None = None
        self._seen: deque[Hash] = deque(maxlen=_REMEMBERED)
        self._failure: KeeperError | None = None
        self._filled = asyncio.Event()

    def offer(self, head: BlockRef) -> None:
        """Take `head` unless it is the newest one again or an older one that was there before.

        A lower head never seen before passes: a reorg may shorten the chain.
        """
        newest = self._newest
        if newest is not None:
            late = head.number < newest.number and head.hash in self._seen
            if late or head.hash == newest.hash:
                return
        self._seen.append(head.hash)
        self._head = self._newest = head
        self._filled.set()

    def fail(self, failure: KeeperError) -> None:
        """End the iteration with `failure`."""
        self._failure = failure
        self._filled.set()

    def __aiter__(self) -> "HeadSlot":
        return self

    async def __anext__(self) -> BlockRef:
        await self._filled.wait()
        if self._failure is not None:
            raise self._failure
        self._filled.clear()
        head, self._head = self._head, None
        assert head is not None
        return head


@asynccontextmanager
async def head_stream(
    latest: Callable[[], Awaitable[BlockRef]],
    ws_urls: Sequence[str] = (),
    *,
    chain_id: int,
    poll_interval: float = 1.0,
    silence: float = 30.0,
    compare_interval: float = 10.0,
    longest_backoff: float = 60.0,
    clock: Clock | None = None,
    observer: NodeObserver | None = None,
) -> AsyncIterator[AsyncIterator[BlockRef]]:
    """Open an iterator that gives the newest head not given before, whenever there is one.

    `latest` is asked every `poll_interval` seconds while no subscription delivers. A subscription
    that is silent for `silence` seconds, or breaks, is replaced by polling at once and by another
    connection, to the next of `ws_urls`, after a pause that doubles up to `longest_backoff`; so is one
    that goes on but behind `latest`, which is asked every `compare_interval` seconds.

    Raises, while iterating:
        WrongChain: every WebSocket endpoint serves another chain than `chain_id`. One that delivered heads
            before is only taken up again later: a balancer may have passed us to a wrong node.
        KeeperError: whatever `latest` raises, except Transient.
    """
    slot = HeadSlot()
    pump = _Pump(slot, latest, clock or SystemClock(), observer or NoObserver())
    urls = [EndpointUrl(url, ("ws", "wss")) for url in ws_urls]
    async with aiohttp.ClientSession() as session:
        works = [pump.poll(poll_interval, compare_interval)]
        works += [pump.follow(session, urls, chain_id, silence, longest_backoff)] if urls else []
        async with beside(*works):
            yield slot


class _Pump:
    """Fills the slot from two sources, of which polling rests while the subscription delivers."""

    def __init__(
        self,
        slot: HeadSlot,
        latest: Callable[[], Awaitable[BlockRef]],
        clock: Clock,
        observer: NodeObserver,
    ) -> None:
        self._slot = slot
        self._latest = latest
        self._clock = clock
        self._observer = observer
        self._polling = asyncio.Event()
        self._polling.set()
        self._delivered = -1
        self._stalled = asyncio.timeout(None)

    async def poll(self, interval: float, compare_interval: float) -> None:
        answered = True
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(compare_interval):
                    await self._polling.wait()
            try:
                head = await self._latest()
            except Transient as error:
                if answered:
                    _log.warning("head_poll_failed", reason=str(error))
                answered = False
            except KeeperError as error:
                self._slot.fail(error)
                return
            else:
                answered = True
                self._consider(head)
            await self._clock.sleep(interval)

    def _consider(self, head: BlockRef) -> None:
        # While the subscription delivers, what is polled may be late; only a clear lead says it stalled.
        if self._polling.is_set():
            self._slot.offer(head)
        elif head.number >= self._delivered + _STALL_BLOCKS:
            self._polling.set()
            self._slot.offer(head)
            self._stalled.reschedule(asyncio.get_running_loop().time())

    async def follow(
        self,
        session: aiohttp.ClientSession,
        urls: Sequence[EndpointUrl],
        chain_id: int,
        silence: float,
        longest_backoff: float,
    ) -> None:
        backoff, waiting = 1.0, deque(urls)
        proven: set[EndpointUrl] = set()
        while True:
            url = waiting[0]
            try:
                await self._deliver(session, url, chain_id, silence)
            except (Transient, WrongChain) as error:
                failure: KeeperError = error
            except KeeperError as error:
                self._slot.fail(error)
                return
            if self._delivered >= 0:
                backoff = 1.0
                proven.add(url)
            if isinstance(failure, WrongChain) and url not in proven:
                waiting.popleft()
            if not waiting:
                self._slot.fail(failure)
                return
            waiting.rotate(-1)
            self._polling.set()
            self._observer.on_subscription_lost(url.host)
            _log.warning("head_subscription_lost", host=url.host, reason=str(failure), retry_in=backoff)
            await self._clock.sleep(backoff)
            backoff = min(backoff * 2, longest_backoff)

    async def _deliver(
        self, session: aiohttp.ClientSession, url: EndpointUrl, chain_id: int, silence: float
    ) -> None:
        """Offer what `url` pushes; always ends with an exception."""
        self._delivered = -1
        try:
            async with asyncio.timeout(None) as self._stalled:
                async for head in subscribe(session, url, chain_id, silence):
                    self._delivered = head.number
                    # Only a delivered head earns trust: a mute subscription never stops the polling.
                    self._polling.clear()
                    self._slot.offer(head)
        except TimeoutError:
            raise DeadlineExceeded(
                f"{url.host}: at block {self._delivered} while another node is well beyond it"
            ) from None
        raise Unreachable(f"{url.host}: the subscription ended")
