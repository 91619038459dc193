"""Random actions on Morpho Blue or Venus, each followed, and every integer compared with the contracts."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.deployment import Deployment
from keeper.devnet.node import Node
from keeper.devnet.random_draws import Action
from keeper.index.book import ColumnarBook
from keeper.index.conversation import converse
from keeper.index.follower import Follower
from keeper.protocols.registry import ADAPTERS
from keeper.types import BlockRef
from tests.differential import BLOCK_SECONDS, Mismatch


@dataclass
class ProtocolRun:
    """What a run did, and how the comparisons went; `doubts` are of the keeper itself."""

    kinds: frozenset[StrEnum] = frozenset()
    done: list[Action] = field(default_factory=list)
    comparisons: int = 0
    figures: int = 0
    accounts: int = 0
    liquidations: Counter[str] = field(default_factory=Counter)
    """Liquidations tried, by how the contracts answered: carried out, or their reason."""
    mismatches: list[Mismatch] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> Counter[StrEnum]:
        """How many actions of each kind went through."""
        return Counter(action.kind for action in self.done if action.reverted is None)

    def compare(
        self, seed: int, block: int, subject: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> None:
        """Note every figure on which the contracts and the keeper disagree."""
        for name, value in theirs.items():
            self.figures += 1
            if ours.get(name) != value:
                self.mismatches.append(Mismatch(seed, block, subject, name, value, ours.get(name)))


class Follows(NamedTuple):
    """A follower on the transport that the daemon uses."""

    chain: Pool
    follower: Follower

    async def catch_up(self) -> BlockRef:
        """Bring the market to the newest block, and return that."""
        head = await self.chain.block()
        await self.follower.follow(head)
        assert self.follower.cursor == head
        assert self.follower.market.doubt is None, self.follower.market.doubt
        return head


class Stream(Protocol):
    """Random actions of one protocol."""

    async def prepare(self) -> None: ...
    async def step(self) -> Action: ...


@asynccontextmanager
async def following(anvil: Anvil, deployment: Deployment) -> AsyncIterator[Follows]:
    """A follower of `deployment` that knows what its keeper.toml says."""
    async with Pool([Rpc(anvil.http)], anvil.chain_id) as chain:
        yield await follow_from(chain, deployment)


async def follow_from(chain: Pool, deployment: Deployment) -> Follows:
    """A new follower, at the head."""
    follower = Follower(
        chain,
        ADAPTERS[deployment.protocol],
        "devnet",
        dict(deployment.settings),
        start_block=deployment.start_block,
    )
    await follower.start(await chain.block())
    follows = Follows(chain, follower)
    await follows.catch_up()
    return follows


async def protocol_run(
    node: Node,
    deployment: Deployment,
    follows: Follows,
    stream: Stream,
    compare: Callable[[ProtocolRun, BlockRef], Awaitable[None]],
    *,
    kinds: frozenset[StrEnum],
    actions: int,
    every: int,
) -> ProtocolRun:
    """Perform `actions`, follow after each one, and compare after each `every` of them.

    The first comparison that finds a mismatch is the last. At its end the keeper audits its book and
    compares it with one that is built anew.
    """
    run = ProtocolRun(kinds)
    await stream.prepare()
    await node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
    for number in range(1, actions + 1):
        run.done.append(await stream.step())
        head = await follows.catch_up()
        if number % every == 0 or number == actions:
            run.comparisons += 1
            await compare(run, head)
        if run.mismatches:
            break
    run.doubts += await _self_doubts(follows, deployment)
    return run


async def _self_doubts(follows: Follows, deployment: Deployment) -> list[str]:
    head, market = await follows.catch_up(), follows.follower.market
    frame = market.frame(head.timestamp, number=head.number)
    audits = (market.audit_accounts(market.book.accounts(), frame), market.audit_reserves())
    found = [str(each) for audit in audits for each in await converse(audit, follows.chain, head.number)]
    anew = await follow_from(follows.chain, deployment)
    old, new = _positions(follows), _positions(anew)
    return found + [
        f"{account}: {old.get(account)}, built anew {new.get(account)}"
        for account in dict.fromkeys([*old, *new])
        if old.get(account) != new.get(account)
    ]


def _positions(follows: Follows) -> dict[str, Any]:
    book = follows.follower.market.book
    assert isinstance(book, ColumnarBook)
    return {account: legs for account in book.accounts() if (legs := tuple(book.legs(account)))}
