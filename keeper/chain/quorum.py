"""Reads that several nodes confirm, so that one that is wrong or lies does not decide."""

import asyncio
from collections.abc import Sequence

import structlog

from keeper.chain.failover import Failover, summary
from keeper.chain.observe import NodeObserver
from keeper.chain.rpc import Rpc
from keeper.errors import Degraded, KeeperError
from keeper.types import BlockRef, Call

_log = structlog.get_logger(__name__)

Answers = tuple[bytes | None, ...]


class Quorum:
    """Asks `k` nodes at once, and further ones as long as fewer than `k` agree."""

    def __init__(self, failover: Failover, observer: NodeObserver) -> None:
        self._failover = failover
        self._observer = observer

    async def call_many(self, calls: Sequence[Call], block: BlockRef, k: int) -> list[bytes | None]:
        """See `keeper.ports.QuorumReader`."""
        rpcs = self._failover.ordered()
        if len(rpcs) < k:
            raise Degraded(f"{k} nodes have to agree and {len(rpcs)} are configured; add some to chain.http")
        votes: dict[Answers, list[Rpc]] = {}
        failures: list[KeeperError] = []
        while rpcs and (agreed := _agreed(votes, k)) is None:
            needed = k - max((len(voters) for voters in votes.values()), default=0)
            asked, rpcs = rpcs[:needed], rpcs[needed:]
            for rpc, answer in zip(asked, await self._ask(asked, calls, block), strict=True):
                if isinstance(answer, KeeperError):
                    failures.append(answer)
                else:
                    votes.setdefault(answer, []).append(rpc)
        agreed = _agreed(votes, k)
        if len(votes) > 1:
            self._report(votes, agreed, block)
        if agreed is not None:
            return list(agreed)
        if len(votes) > 1:
            hosts = ", ".join(rpc.host for voters in votes.values() for rpc in voters)
            raise Degraded(f"no {k} nodes agree on {len(calls)} calls at block {block.number}: {hosts}")
        raise summary(failures)

    async def _ask(
        self, rpcs: Sequence[Rpc], calls: Sequence[Call], block: BlockRef
    ) -> list[Answers | KeeperError]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._answer(rpc, calls, block)) for rpc in rpcs]
        return [task.result() for task in tasks]

    async def _answer(self, rpc: Rpc, calls: Sequence[Call], block: BlockRef) -> Answers | KeeperError:
        try:
            await self._failover.verify(rpc)
            return tuple(await rpc.call_many(calls, block))
        except KeeperError as error:
            self._failover.note(rpc, error)
            return error

    def _report(self, votes: dict[Answers, list[Rpc]], agreed: Answers | None, block: BlockRef) -> None:
        """Name the outvoted, and ask them last for a while; without a majority nobody knows who is wrong."""
        for answer, voters in votes.items():
            for rpc in voters if answer != agreed else ():
                self._observer.on_disagreement(rpc.host)
                if agreed is not None:
                    self._failover.node(rpc).rest()
                _log.error(
                    "quorum_disagreement", host=rpc.host, block=block.number, outvoted=agreed is not None
                )


def _agreed(votes: dict[Answers, list[Rpc]], k: int) -> Answers | None:
    return next((answer for answer, voters in votes.items() if len(voters) >= k), None)
