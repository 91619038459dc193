"""Random actions on Morpho Blue or Venus, each followed, and every integer compared with the contracts."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.aave.random.draws import Action
from keeper.devnet.anvil import Anvil
from keeper.devnet.deployment import Deployment
from keeper.devnet.node import Node
from keeper.index.book import ColumnarBook
from keeper.types import BlockRef
from tests.differential import BLOCK_SECONDS, Mismatch, Run
from tests.following import Follows


@dataclass
class ProtocolRun(Run):
    """A run that counts the figures compared, and the liquidations tried."""

    figures: int = 0
    liquidations: Counter[str] = field(default_factory=Counter)
    """By how the contracts answered: carried out, or their reason."""

    def compare(
        self, seed: int, block: int, subject: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> None:
        """Note every figure on which the contracts and the keeper disagree."""
        for name, value in theirs.items():
            self.figures += 1
            if ours.get(name) != value:
                self.mismatches.append(Mismatch(seed, block, subject, name, value, ours.get(name)))


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
    return await Follows.start(chain, deployment.protocol, deployment.settings, deployment.start_block)


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
    found = [str(each) for each in await follows.audit()]
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
