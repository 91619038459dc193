"""Looking at every node now and then, so that trouble is known before a read runs into it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from keeper.chain.failover import Failover
from keeper.chain.faults import MethodMissing
from keeper.chain.node_state import NodeState
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.errors import Degraded, KeeperError, WrongChain
from keeper.ports import Priority, priority

T = TypeVar("T")

_THOROUGH_EVERY = 6
"""Looks between two that also ask for the finalized block and whether the node syncs."""


class Watcher:
    """Asks each node for its chain and its head every `interval` seconds: two of the cheapest requests."""

    def __init__(self, rpcs: Sequence[Rpc], failover: Failover, clock: Clock, interval: float) -> None:
        self._rpcs = rpcs
        self._failover = failover
        self._clock = clock
        self._interval = interval
        self._looks = 0

    async def run(self) -> None:
        """Look until cancelled. A single node is needed whatever its state, so it is not hurried."""
        with priority(Priority.AUDIT):
            if len(self._rpcs) == 1:
                await self._clock.sleep(self._interval)
            while True:
                await self.look()
                await self._clock.sleep(self._interval)

    async def look(self) -> None:
        """Look at every node once, at all of them at the same time."""
        thorough = self._looks % _THOROUGH_EVERY == 0
        self._looks += 1
        async with asyncio.TaskGroup() as group:
            for rpc in self._rpcs:
                if not self._failover.node(rpc).paused:
                    group.create_task(self._look_at(rpc, thorough), name=f"look at {rpc.host}")

    async def _look_at(self, rpc: Rpc, thorough: bool) -> None:
        node = self._failover.node(rpc)
        try:
            await self._failover.verify(rpc, again=True)
            head = await rpc.height()
            doubtful = node.state in {NodeState.LAGGING, NodeState.SYNCING, NodeState.UNCHECKED}
            if thorough or doubtful:
                node.said_syncing(await _if_known(rpc.syncing) or False)
            finalized = await _if_known(lambda: rpc.block("finalized")) if thorough or doubtful else None
        except WrongChain:
            return  # the state says so, and has been reported
        except KeeperError as error:
            self._failover.note(rpc, error)
        else:
            node.answered()
            self._failover.fleet.saw_head(node, head, finalized.number if finalized else None)


async def _if_known(ask: Callable[[], Awaitable[T]]) -> T | None:
    """None where the node has no such method or block, which is no fault."""
    try:
        return await ask()
    except (MethodMissing, Degraded):
        return None
