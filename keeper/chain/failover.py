"""Asking the nodes in the order of the fleet, and telling the fleet how each of them did."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

import structlog

from keeper.chain.faults import (
    Behind,
    BlockMissing,
    BudgetSpent,
    DeadlineExceeded,
    MethodMissing,
    Throttled,
    TooLarge,
)
from keeper.chain.fleet import Fleet
from keeper.chain.node_state import Node, NodeState, Rules
from keeper.chain.observe import NodeObserver
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.errors import KeeperError, Transient, Unreachable, WrongChain
from keeper.ports import Priority, current_priority

T = TypeVar("T")

_log = structlog.get_logger(__name__)

_PATIENCE = {Priority.EXECUTION: 2.0, Priority.AUDIT: 30.0, Priority.BACKFILL: 60.0}
"""Seconds that a read waits when every node says "later"; a liquidation does not wait for long."""


class Failover:
    """Asks one node after the other; see `Fleet` for the order.

    A read goes round all nodes up to `rounds` times with `backoff` seconds, doubling, between rounds, or
    with the pause that the nodes asked for. No node is used before it has named the expected chain id;
    one that failed, or takes over from another, has to name it again.
    """

    def __init__(
        self,
        rpcs: Sequence[Rpc],
        chain_id: int,
        *,
        clock: Clock,
        rules: Rules,
        rounds: int,
        backoff: float,
        observer: NodeObserver,
    ) -> None:
        nodes = [Node(rpc.host, rules, clock, self._moved) for rpc in rpcs]
        self.fleet = Fleet(nodes, clock, rules.rest)
        self._rpcs = dict(zip(nodes, rpcs, strict=True))
        self._nodes = dict(zip(rpcs, nodes, strict=True))
        self._chain_id = chain_id
        self._clock = clock
        self._rounds = rounds
        self._backoff = backoff
        self._observer = observer
        self._troubled: set[str] = set()
        for node in nodes:
            observer.on_state(node.host, node.state)

    def ordered(self) -> list[Rpc]:
        """Endpoints in the order to try them now."""
        before, switches = self.fleet.present, self.fleet.switches
        order = [self._rpcs[node] for node in self.fleet.order()]
        if self.fleet.switches != switches:
            self._observer.on_failover(before.host)
            _log.warning("rpc_failover", host=before.host, to=self.fleet.present.host)
        return order

    def turns(self) -> Iterator[Rpc]:
        """Each endpoint once, the best of those left: a failure on the way may change which that is."""
        left = list(self._nodes)
        while left:
            rpc = next(rpc for rpc in self.ordered() if rpc in left)
            left.remove(rpc)
            yield rpc

    def node(self, rpc: Rpc) -> Node:
        """The state of `rpc`."""
        return self._nodes[rpc]

    def saw_head(self, rpc: Rpc, number: int) -> None:
        """`rpc` showed its newest block."""
        self.fleet.saw_head(self._nodes[rpc], number)

    def note(self, rpc: Rpc, failure: KeeperError) -> None:
        """`rpc` failed to serve a read: prefer the others, for as long as the kind of failure suggests."""
        node = self._nodes[rpc]
        if isinstance(failure, Unreachable):
            node.failed(str(failure))
        elif isinstance(failure, Throttled):
            # What our own budget holds back from one class says nothing about the node.
            if not isinstance(failure, BudgetSpent):
                node.rest(failure.retry_after)
        elif isinstance(failure, Transient) and not isinstance(failure, Behind):
            # A block that one node has a moment before another is no fault; who is late shows by its head.
            node.rest()

    async def verify(self, rpc: Rpc, *, again: bool = False) -> None:
        """Raise WrongChain, with both ids, unless `rpc` serves the expected chain.

        It is asked only if there is cause for doubt, or `again`.
        """
        node = self._nodes[rpc]
        if node.verified and not again:
            return
        found = await rpc.chain_id()
        node.named(found, self._chain_id)
        if not node.verified:
            raise WrongChain(f"{rpc.host} serves chain {found}, configured is chain {self._chain_id}")

    async def check(self) -> None:
        """Verify every endpoint; raise Unreachable, or what the only one raised, if none answers."""
        failures: list[KeeperError] = []
        for rpc in self._nodes:
            try:
                await self.verify(rpc)
            except Transient as error:
                self.note(rpc, error)
                failures.append(error)
        if len(failures) == len(self._nodes):
            raise summary(failures)

    async def read(self, ask: Callable[[Rpc], Awaitable[T]]) -> T:
        """The first answer to `ask`. TooLarge is an answer: the caller has to ask for less."""
        failures: list[KeeperError] = []
        for attempt in range(self._rounds):
            if attempt:
                await self._clock.sleep(self._wait(attempt, failures))
            failures = []
            for rpc in self.turns():
                try:
                    await self.verify(rpc)
                    answer = await ask(rpc)
                except TooLarge:
                    raise
                except (MethodMissing, BlockMissing, WrongChain, Transient) as error:
                    self.note(rpc, error)
                    failures.append(error)
                else:
                    self._nodes[rpc].answered()
                    return answer
            if _final(failures) or self._wait(attempt + 1, failures) > _PATIENCE[current_priority()]:
                break
        raise summary(failures)

    def _wait(self, attempt: int, failures: Sequence[KeeperError]) -> float:
        """Seconds before the next round: as soon as the first node that named a time takes requests."""
        backoff: float = self._backoff * 2 ** (attempt - 1)
        asked = [error.retry_after for error in failures if isinstance(error, Throttled)]
        said = [seconds for seconds in asked if seconds is not None]
        return max(backoff, min(said)) if said and len(asked) == len(failures) else backoff

    def _moved(self, host: str, before: NodeState, after: NodeState, why: str) -> None:
        self._observer.on_state(host, after)
        if after is NodeState.ALIVE and host not in self._troubled:
            return  # a node that turns out as expected is no news
        self._troubled.add(host)
        if before is NodeState.UNCHECKED and after is NodeState.WRONG_CHAIN:
            return  # whoever asked first is told by WrongChain, at the start of the keeper
        say = _log.info if after in {NodeState.ALIVE, NodeState.UNCHECKED} else _log.warning
        say("node_state", host=host, before=before.value, state=after.value, reason=why)


def _final(failures: Sequence[KeeperError]) -> bool:
    """Waiting out another deadline, or asking again for what is not there, helps nobody."""
    if any(isinstance(error, DeadlineExceeded | MethodMissing) for error in failures):
        return True
    return all(isinstance(error, BlockMissing | WrongChain) for error in failures)


def summary(failures: Sequence[KeeperError]) -> KeeperError:
    """One error for all endpoints; each failure names its host.

    What all of them say is true: no such block, no such method, another chain. Otherwise one of those
    that failed may know better, and the read is worth repeating.
    """
    if len(failures) == 1:
        return failures[0]
    text = "no endpoint answered: " + "; ".join(str(error) for error in failures)
    for kind in (MethodMissing, BlockMissing, WrongChain):
        if all(isinstance(error, kind) for error in failures):
            return kind(text)
    if all(isinstance(error, Throttled) for error in failures):
        return Throttled(text)
    late = any(isinstance(error, DeadlineExceeded) for error in failures)
    return DeadlineExceeded(text) if late else Unreachable(text)
