"""Feeding heads to the daemon until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from keeper.app.daemon import Daemon
from keeper.types import BlockRef

GRACE = 10.0
"""Seconds that a turn may still take after a signal before it is cancelled: a turn cut off loses nothing."""

BEAT = 5.0
"""Seconds between signs of life while no head comes: to wait for a slow chain is no standstill."""

SETTLE_BLOCKS = 20
"""Heads that `--once` waits for its own transactions."""


async def turn_until(
    daemon: Daemon, heads: AsyncIterator[BlockRef], stop: asyncio.Event, *, once: bool, last: int | None
) -> None:
    """Give `daemon` every head until `stop`, block `last`, or (`once`) its first turn has settled."""
    turns = 0
    while not stop.is_set():
        head = await _head_or_stop(daemon, heads, stop)
        if head is None:
            return
        if not await _turn_or_stop(daemon, head, stop):
            return
        turns += 1
        if last is not None and head.number >= last:
            return
        if once and (daemon.idle or turns > SETTLE_BLOCKS):
            return


async def _head_or_stop(
    daemon: Daemon, heads: AsyncIterator[BlockRef], stop: asyncio.Event
) -> BlockRef | None:
    async with asyncio.TaskGroup() as group:
        head = group.create_task(_next(heads), name="next head")
        stopping = group.create_task(stop.wait(), name="stop")
        done: set[asyncio.Task[Any]] = set()
        while not done:
            daemon.beat()
            done, _ = await asyncio.wait({head, stopping}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
        head.cancel()
        stopping.cancel()
    return None if head.cancelled() else head.result()


async def _turn_or_stop(daemon: Daemon, head: BlockRef, stop: asyncio.Event) -> bool:
    async with asyncio.TaskGroup() as group:
        turn = group.create_task(daemon.take(head), name="turn")
        stopping = group.create_task(stop.wait(), name="stop")
        await asyncio.wait({turn, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            await asyncio.wait({turn}, timeout=GRACE)
        turn.cancel()
        stopping.cancel()
    return not turn.cancelled()


async def _next(heads: AsyncIterator[BlockRef]) -> BlockRef:
    return await anext(heads)
