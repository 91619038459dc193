"""A keeper's market that follows a devnet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from keeper.chain.pool import Pool
from keeper.index.conversation import converse
from keeper.index.follower import Follower
from keeper.index.store import SnapshotStore
from keeper.protocols.base import Difference
from keeper.protocols.registry import ADAPTERS
from keeper.types import BlockRef


@dataclass(frozen=True, slots=True)
class Follows:
    """A follower on the transport that the daemon uses."""

    chain: Pool
    follower: Follower

    @classmethod
    async def start(
        cls,
        chain: Pool,
        protocol: str,
        settings: Mapping[str, Any],
        start_block: int,
        snapshots: SnapshotStore | None = None,
    ) -> Self:
        """A new follower that knows what a keeper.toml says, at the head."""
        follower = Follower(
            chain,
            ADAPTERS[protocol],
            "devnet",
            dict(settings),
            snapshots=snapshots,
            start_block=start_block,
        )
        await follower.start(await chain.block())
        follows = cls(chain, follower)
        await follows.catch_up()
        return follows

    async def catch_up(self) -> BlockRef:
        """Bring the market to the newest block, and return that."""
        head = await self.chain.block()
        await self.follower.follow(head)
        assert self.follower.cursor == head
        assert self.follower.market.doubt is None, self.follower.market.doubt
        return head

    async def audit(self) -> list[Difference]:
        """What the market's own audit of all accounts and reserves finds at the head."""
        head, market = await self.catch_up(), self.follower.market
        frame = market.frame(head.timestamp, number=head.number)
        audits = (market.audit_accounts(market.book.accounts(), frame), market.audit_reserves())
        return [each for audit in audits for each in await converse(audit, self.chain, head.number)]
