"""A follower and its audit behind a failing node, judged after every turn by the contracts themselves."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from keeper.app.connect import connect
from keeper.app.followers import make_followers
from keeper.app.lane import Lane
from keeper.beside import beside
from keeper.chain.pool import Pool
from keeper.config.load import load
from keeper.devnet.faults.schedule import Window
from keeper.errors import Degraded, KeeperError, Transient, WrongChain
from keeper.index.audit import Auditor
from keeper.index.follower import Follower
from keeper.store import Database
from keeper.types import BlockRef
from tests.chaos.truth import contract_positions
from tests.chaos.world import CATCH_UP, SEED, Activity, sample
from tests.differential import Following

EVERYBODY = 1000
"""Accounts that the audit compares at a time: more than there are."""


@dataclass
class Beliefs:
    """What was believed after turns: right, recognised as wrong, or (`silent`, by fault) just wrong."""

    checked: int = 0
    blind: int = 0
    noticed: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)


class Drill:
    """Turns as the daemon does: follow, then audit. A turn that hiccups is dropped."""

    def __init__(self, activity: Activity, chain: Pool, follower: Follower) -> None:
        self.follows = Following(chain, follower)
        self.lane = Lane(follower, None, Auditor(chain, EVERYBODY))
        self.beliefs = Beliefs()
        self.turns = 0
        self.hiccups: Counter[str] = Counter()
        self._during = "quiet"
        self._turned = asyncio.Condition()
        self._activity = activity
        self._random = Random(SEED)

    @classmethod
    @asynccontextmanager
    async def at(cls, activity: Activity, file: Path) -> AsyncIterator["Drill"]:
        """On the nodes configured in `file`, started."""
        config = load(file)
        async with connect(config) as chain, await Database.open("sqlite:///:memory:") as database:
            (follower,) = make_followers(config, chain, database, lambda *_: None)
            drill = cls(activity, chain, follower)
            await drill.lane.follow(await chain.block())
            yield drill

    def tell(self, window: Window | None) -> None:
        """The schedule moved on."""
        self._during = " and ".join(fault.kind for fault in window.faults) if window else "quiet"

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        async with beside(self._run()):
            yield

    async def caught_up(self, head: BlockRef) -> None:
        """Wait until a turn for `head` has ended well: followed, audited, nothing in quarantine."""
        async with asyncio.timeout(CATCH_UP), self._turned:
            await self._turned.wait_for(lambda: self.lane.cursor == head and not self.lane.quarantined)

    async def _run(self) -> None:
        while True:
            before = self._during
            try:
                head = await self.follows.chain.block()
                await self.lane.follow(head)
                # Anvil answers for its newest block with the state of the next one while it mines that.
                async with self._activity.between:
                    right = await self._right()
                audit = await self.lane.audit(head)
            except (Transient, WrongChain, Degraded) as error:
                self.hiccups[type(error).__name__] += 1
            else:
                self.turns += 1
                known = bool(audit and audit.differences) or self.lane.market.doubt or self.lane.quarantined
                self._judge(right, bool(known), before)
            async with self._turned:
                self._turned.notify_all()
            await asyncio.sleep(0.02)

    def _judge(self, right: bool | None, known: bool, before: str) -> None:
        during = before if before == self._during else f"{before}, then {self._during}"
        self.beliefs.checked += right is not None
        self.beliefs.blind += right is None
        if right is False:
            (self.beliefs.noticed if known else self.beliefs.silent)[during] += 1

    async def _right(self) -> bool | None:
        """Whether the book says at its block what the contracts say; None when it says that it cannot."""
        cursor, network = self.follows.follower.cursor, self._activity.network
        header = await network.node.request("eth_getBlockByNumber", hex(cursor.number), False)
        if header is None or header["hash"] != cursor.hash:
            return False
        users = sample(self._random, self._activity.users, 5)
        frame = self.follows.market.frame(cursor.timestamp)
        try:
            healths = [self.follows.market.health(user, frame) for user in users]
        except KeeperError:
            return None
        believed = {each.account: (each.collateral, each.debt, each.health_factor) for each in healths}
        return believed == await contract_positions(network, users, cursor.number)
