"""Which node to ask: the present one, until another is clearly better. No I/O."""

from bisect import bisect_right
from collections.abc import Sequence

from keeper.chain.node_state import Node, NodeState
from keeper.clock import Clock

_RANK = {
    NodeState.ALIVE: 0,
    NodeState.UNCHECKED: 1,
    NodeState.LAGGING: 2,
    NodeState.SYNCING: 3,
    NodeState.UNREACHABLE: 5,
    NodeState.WRONG_CHAIN: 6,
}
_RESTING = 4
"""Rank of a node that failed lately: after one that is merely behind, before one that is known to be down."""

_REMEMBERED = 4096
"""Heads remembered to tell since when a node is behind; one older than all of them counts from the first."""


class Race:
    """When the best head among the nodes reached which number."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._times: list[float] = []

    def best(self, number: int, now: float) -> None:
        """The best head is `number`; a lower one than before means a reorg, or that the leader is gone."""
        keep = bisect_right(self._numbers, number)
        reached = self._times[keep] if keep < len(self._times) else now
        del self._numbers[keep:], self._times[keep:]
        if not self._numbers or number > self._numbers[-1]:
            self._numbers.append(number)
            self._times.append(reached)
        del self._numbers[:-_REMEMBERED], self._times[:-_REMEMBERED]

    def passed(self, head: int, now: float) -> float:
        """Seconds since the best head went beyond `head`."""
        place = bisect_right(self._numbers, head)
        return now - self._times[place] if place < len(self._times) else 0.0


class Fleet:
    """All nodes of one chain, and the one in use.

    Another node takes over when the one in use is no longer alive or has to rest: the highest head, then
    the order configured. After `lease` seconds the first configured node that is alive comes back.
    """

    def __init__(self, nodes: Sequence[Node], clock: Clock, lease: float) -> None:
        self.nodes = tuple(nodes)
        self.present = self.nodes[0]
        self.switches = 0
        self._clock = clock
        self._lease = lease
        self._since = 0.0
        self._race = Race()

    def order(self) -> Sequence[Node]:
        """Nodes in the order to ask them now."""
        if len(self.nodes) == 1:
            return self.nodes
        ranks = {node: self._rank(node) for node in self.nodes}
        self._choose(ranks)
        return sorted(self.nodes, key=lambda node: (ranks[node], node is not self.present, -node.head))

    def saw_head(self, node: Node, head: int, finalized: int | None = None) -> None:
        """`node` showed its newest block, and perhaps what it holds for finalized."""
        node.head = head
        if finalized is not None:
            node.finalized = finalized
        racing = [other for other in self.nodes if self._rank(other) < _RESTING or other is node]
        best = max(other.head for other in racing)
        now = self._clock.monotonic()
        self._race.best(best, now)
        newest = max(other.finalized for other in racing)
        behind = newest - node.finalized if node.finalized >= 0 else 0
        node.saw_head(best - head, self._race.passed(head, now), behind)

    def _rank(self, node: Node) -> int:
        if node.paused or node.state is NodeState.WRONG_CHAIN:
            return _RANK[node.state]
        return _RESTING if node.resting else _RANK[node.state]

    def _choose(self, ranks: dict[Node, int]) -> None:
        best = min(ranks.values())
        able = [node for node in self.nodes if ranks[node] == best]
        now = self._clock.monotonic()
        if self.present not in able:
            self._switch(max(able, key=lambda node: node.head), now)
        elif best == 0 and able[0] is not self.present and now - self._since >= self._lease:
            self._switch(able[0], now)

    def _switch(self, node: Node, now: float) -> None:
        # Behind another address may stand another chain by now.
        node.verified = False
        self.present = node
        self.switches += 1
        self._since = now
