"""Feeding heads to the daemon until it is told to stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from keeper.app.daemon import Daemon
from keeper.types import BlockRef

GRACE = 10.0
"""Seconds that a turn may still take after a signal before it is cancelled: a turn cut off loses nothing."""

BEAT = 5.0
"""Seconds between signs of life while no head comes: to wait for a slow chain is no standstill."""

RETRY = 1.0
"""Seconds after which a turn that hiccuped is repeated, unless a newer head comes first: on a slow chain
the next one may come too late for a liquidation."""

SETTLE_BLOCKS = 20
"""Turns that `--once` waits for its own transactions, and for a node that does not answer."""


async def turn_until(
    daemon: Daemon, heads: AsyncIterator[BlockRef], stop: asyncio.Event, *, once: bool, last: int | None
) -> None:
    """Give `daemon` every head until `stop`, block `last`, or (`once`) its first turn has settled."""
    turns = 0
    missed: BlockRef | None = None
    while not stop.is_set():
        head = await _head_or_stop(daemon, heads, stop, missed)
        if head is None:
            return
        ended = await _turn_or_stop(daemon, head, stop)
        if ended is None:
            return
        missed = None if ended else head
        turns += 1
        if ended and last is not None and head.number >= last:
            return
        if once and ((ended and daemon.idle) or turns > SETTLE_BLOCKS):
            return


async def drain(daemon: Daemon, heads: AsyncIterator[BlockRef], seconds: float) -> None:
    """Follow what is on its way for at most `seconds`, sending nothing new (T30).

    What is not mined by then stays in the store: the next run takes it up, nothing is cancelled.
    """
    daemon.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not daemon.idle:
                await daemon.take(await anext(heads))


async def _head_or_stop(
    daemon: Daemon, heads: AsyncIterator[BlockRef], stop: asyncio.Event, missed: BlockRef | None
) -> BlockRef | None:
    """The next head; `missed` again when none comes within RETRY; None to stop."""
    async with asyncio.TaskGroup() as group:
        head = group.create_task(_next(heads), name="next head")
        stopping = group.create_task(stop.wait(), name="stop")
        done: set[asyncio.Task[Any]] = set()
        pause = BEAT if missed is None else RETRY
        while not done:
            daemon.beat()
            done, _ = await asyncio.wait({head, stopping}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if missed is not None:
                break
        head.cancel()
        stopping.cancel()
    if not head.cancelled():
        return head.result()
    return None if stop.is_set() else missed


async def _turn_or_stop(daemon: Daemon, head: BlockRef, stop: asyncio.Event) -> bool | None:
    """Whether the turn came to its end, None when it was cut off."""
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(daemon.take(head), name="turn")
        stopping = group.create_task(stop.wait(), name="stop")
        await asyncio.wait({turn, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            await asyncio.wait({turn}, timeout=GRACE)
        turn.cancel()
        stopping.cancel()
    return None if turn.cancelled() else turn.result()


async def _next(heads: AsyncIterator[BlockRef]) -> BlockRef:
    return await anext(heads)
