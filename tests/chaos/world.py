"""What chaos tests share: how much of it, activity on the chain, and a follower that never rests."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from keeper.beside import beside
from keeper.devnet.aave.random.actions import RandomActions
from keeper.devnet.actors import Actors
from keeper.devnet.network import Network
from keeper.errors import Transient
from keeper.types import Address
from tests.differential import BLOCK_SECONDS, Comparison, Following

BORROWERS = 20
ACTIVE = 12
CATCH_UP = 60.0
"""Seconds within which a follower has to be at the head once nothing disturbs it."""


def amount(name: str, short: int, full: int) -> int:
    """How much of something: KEEPER_CHAOS_<NAME>, else `full` with KEEPER_CHAOS_FULL, else `short`."""
    given = os.environ.get(f"KEEPER_CHAOS_{name.upper()}")
    if given:
        return int(given)
    return full if os.environ.get("KEEPER_CHAOS_FULL") else short


SEED = amount("seed", 1, 1)


@asynccontextmanager
async def running_network(seed: int) -> AsyncIterator[Network]:
    """A devnet whose chain time moves with its blocks, so that interest accrues whatever the clock says."""
    async with Network.start(borrowers=BORROWERS, seed=seed) as network:
        await network.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        yield network


class Activity:
    """Random actions, one after the other, while the block lasts.

    `pause` holds them up; `between` is free between two of them.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.network = network
        self.users = [borrower.address for borrower in network.borrowers]
        self.actions = 0
        self._random = Random(seed)
        self.pause = asyncio.Lock()
        self.between = asyncio.Lock()
        self._stream = self._fresh()

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator["Activity"]:
        async with beside(self._run()):
            yield self

    async def act(self, actions: int) -> None:
        """Some actions right now; the caller holds `pause` or nothing is going on."""
        for _ in range(actions):
            await self._stream.step()
            self.actions += 1

    def forget(self) -> None:
        """A reorganisation may have undone what the actors remember."""
        self._stream = self._fresh()

    async def _run(self) -> None:
        while True:
            async with self.pause, self.between:
                await self.act(1)
            await asyncio.sleep(0)

    def _fresh(self) -> RandomActions:
        actors = Actors(self.network.node, self.network.market)
        return RandomActions(actors, self.users[:ACTIVE], self._random.randrange(2**32))


class Chaser:
    """Follows the chain as the daemon does: head by head, dropping what hiccups, never giving up."""

    def __init__(self, follows: Following) -> None:
        self.follows = follows
        self.turns = 0
        self.hiccups: Counter[str] = Counter()
        self.busy = asyncio.Lock()
        self.turned = asyncio.Condition()

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator["Chaser"]:
        async with beside(self._run()):
            yield self

    async def step(self) -> bool:
        """One turn; whether it came to its end."""
        try:
            head = await self.follows.chain.block()
            await self.follows.follower.follow(head)
        except Transient as error:
            self.hiccups[type(error).__name__] += 1
            return False
        self.turns += 1
        return True

    async def caught_up(self) -> None:
        """Wait until the follower is at the head of a chain that rests."""
        head = await self.follows.chain.block()
        async with asyncio.timeout(CATCH_UP), self.turned:
            await self.turned.wait_for(lambda: self.follows.follower.cursor == head)

    async def _run(self) -> None:
        while True:
            async with self.busy:
                await self.step()
            async with self.turned:
                self.turned.notify_all()
            await asyncio.sleep(0.01)


def tell(text: str) -> None:
    """What a run did, for whoever runs it with -s (scripts/chaos does)."""
    sys.stdout.write(f"\n{text}\n")


def sample(random: Random, users: Sequence[Address], size: int = 8) -> list[Address]:
    """Some of the users."""
    return random.sample(users, min(size, len(users)))


async def mismatches(comparison: Comparison, follows: Following, users: Sequence[Address]) -> list[str]:
    """Differences between the contracts and the book in the health of `users`, in words."""
    return [str(mismatch) for mismatch in await comparison.health(follows, users)]


def reorg_transactions(network: Network, random: Random, depth: int) -> list[Any]:
    """Transactions for the blocks that replace the newest `depth`: small withdrawals at random places."""
    market, instead = network.market, []
    for borrower in random.sample(network.borrowers, random.randint(0, min(6, len(network.borrowers)))):
        token = market.reserve(borrower.collateral[0].symbol).token
        tx = market.pool_tx(borrower.address, "withdraw", token, random.randint(1, 1000), borrower.address)
        fields = {"from": tx.sender, "to": tx.to, "data": "0x" + tx.data.hex(), "gas": hex(10**6)}
        instead.append((fields, random.randrange(depth)))
    return instead


def differing(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two book states do not agree on: a whole book is too much for a message.

    Which price sources are asked at every block is not compared: while Anvil mines it answers for its
    newest block with the state of the next one, which costs a source its trust, and nothing else.
    """
    return {
        f"{part} {key}": (one[part].get(key), other[part].get(key))
        for part in one
        for key in {**one[part], **other[part]}
        if one[part].get(key) != other[part].get(key) and key[0] != "distrusted"
    }
