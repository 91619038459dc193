"""The transaction manager on a simulated chain, with real signatures and the real store.

Crashes at any point and restarts change nothing about how things end.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from keeper.errors import Degraded, Transient
from keeper.execute.model import Change, Transaction
from keeper.execute.rules import Rules
from keeper.execute.signer import GuardedSigner, LocalSigner, Policy, SignedTx, UnsignedTx
from keeper.execute.states import TERMINAL, State
from keeper.execute.store import TransactionStore, transactions
from keeper.execute.txm import TransactionManager
from keeper.store import Database
from keeper.types import Address, Call
from tests.execute_samples import sample_step
from tests.simchain import GWEI, SimChain, Trouble

PAYEE = Address("0x" + "c0" * 20)
SELECTOR = bytes.fromhex("d09de08a")
MAX_GAS_PRICE = 300 * GWEI
RULES = Rules(max_gas_price=MAX_GAS_PRICE, confirmations=2, queue_blocks=1_000, refused_blocks=1_000)
"""Nothing is given up: then the end has to be the same."""
WORLDS, CRASHES, WISHES = 5, 200, 60
"""Worlds, and in each of them: processes that die, transactions wanted."""


class Crash(BaseException):
    """The process dies here; no handler of ours may see it."""


@dataclass
class Fuse:
    """Burns down by one at every step over a boundary: node, signer, store."""

    left: int = -1
    burnt: int = 0

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.burnt += 1
            raise Crash


class FusedStore(TransactionStore):
    """The real store; the process may die just before and just after each of its transactions."""

    fuse: Fuse

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not asyncio.iscoroutinefunction(found):
            return found

        async def fused(*arguments: Any, **named: Any) -> Any:
            self.fuse.tick()
            result = await found(*arguments, **named)
            self.fuse.tick()
            return result

        return fused


class FusedSigner:
    """The real signer; the process may die before and after each signature."""

    def __init__(self, signer: GuardedSigner, fuse: Fuse) -> None:
        self.signer, self.fuse, self.address = signer, fuse, signer.address

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        self.fuse.tick()
        signed = await self.signer.sign(tx)
        self.fuse.tick()
        return signed


@dataclass
class World:
    """A chain that outlives the processes that work on it."""

    database: Database
    seed: int
    chain_id: int
    rules: Rules = RULES
    fuse: Fuse = field(default_factory=Fuse)

    def __post_init__(self) -> None:
        self.random, self.wishes, self.sparks = (Random(self.seed + part) for part in (0, 1_000, 2_000))
        self.chain = SimChain(Random(self.seed + 1), self.chain_id, tick=self.fuse.tick)
        policy = Policy(self.chain_id, {PAYEE: frozenset({SELECTOR})}, MAX_GAS_PRICE, 2 * MAX_GAS_PRICE)
        self.signer = FusedSigner(GuardedSigner(LocalSigner(b"\x42" * 32), policy), self.fuse)
        self.wanted: dict[str, Call] = {}
        self.accepted: set[str] = set()
        self.finals: list[Transaction] = []
        self.manager = self.process()
        self.recovered = False

    def process(self) -> TransactionManager:
        store = FusedStore(self.database, self.chain_id, self.signer.address)
        store.fuse = self.fuse
        return TransactionManager(self.chain, self.chain, self.signer, store, self.rules)  # type: ignore[arg-type]

    @contextmanager
    def may_crash(self) -> Iterator[None]:
        try:
            yield
        except Crash:
            self.manager, self.recovered = self.process(), False
            self.accepted.clear()  # a new process asks again for what it wants
        except Transient:
            pass

    async def turn(self) -> None:
        """What the daemon does at a head: follow, then submit whatever is still wanted."""
        with self.may_crash():
            changes = await (
                self.manager.on_head(self.chain.head) if self.recovered else self.manager.recover()
            )
            self.recovered = True
            self._check(changes)
            for key in [key for key in self.wanted if key not in self.accepted]:
                try:
                    number = int(key.rpartition(" ")[2])
                    await self.manager.submit(key, [sample_step(number)], self.wanted[key], 60_000)
                    self.accepted.add(key)
                except Degraded:
                    break

    def _check(self, changes: list[Change]) -> None:
        for transaction, _ in changes:
            if transaction.state is State.FINAL:
                assert transaction.mined is not None
                block = transaction.mined.block
                assert block <= self.chain.finalized
                assert self.chain.blocks[block].ref.hash == transaction.mined.block_hash
                self.finals.append(transaction)

    def want(self, count: int) -> None:
        for _ in range(count):
            number = len(self.wanted)
            self.wanted[f"{self.chain_id} {number}"] = Call(PAYEE, SELECTOR + number.to_bytes(32))

    async def store(self) -> list[Transaction]:
        plain = TransactionStore(self.database, self.chain_id, self.signer.address)
        async with self.database.begin() as connection:
            keys = (
                await connection.execute(
                    select(transactions.c.key).where(transactions.c.chain_id == self.chain_id)
                )
            ).scalars()
        found = [await plain.find(key) for key in keys]
        return [each for each in found if each is not None]

    async def check_invariants(self) -> None:
        stored = await self.store()
        hashes = {attempt.hash for each in stored for attempt in each.attempts}
        assert {raw.hash for raw in self.chain.sent} <= hashes
        live = [each.nonce for each in stored if each.state not in TERMINAL | {State.QUEUED}]
        assert len(live) == len(set(live))
        for each in stored:
            for older, newer in zip(each.attempts, each.attempts[1:], strict=False):
                assert newer.fees.tip * 10 >= older.fees.tip * 11
                assert newer.fees.cap * 10 >= older.fees.cap * 11

    async def end(self) -> dict[str, tuple[State, bool]]:
        return {
            each.key: (each.state, each.mined is not None and each.mined.succeeded)
            for each in await self.store()
        }

    async def weather(self) -> None:
        """A block, or something worse."""
        drawn = self.random.random()
        self.chain.base_fee = max(GWEI, self.chain.base_fee * self.random.randint(85, 118) // 100)
        if drawn < 0.08:
            self.chain.reorg(self.random.randint(1, 4), forget=0.3)
        elif drawn < 0.2:
            self.chain.forget(0.5)
            self.chain.mine(empty=True)
        else:
            self.chain.mine()

    async def live(self, crashes: int) -> None:
        """A stormy hour, then calm until everything is final."""
        self.chain.trouble = Trouble(reads=0.01, lost_before=0.05, lost_after=0.05, busy=0.03)
        while len(self.wanted) < WISHES or self.fuse.burnt < crashes:
            if len(self.wanted) < WISHES:
                self.want(self.wishes.randint(0, 2))
            if self.fuse.left <= 0 and self.fuse.burnt < crashes:
                self.fuse.left = self.sparks.randint(1, 40)
            await self.weather()
            await self.turn()
        self.fuse.left = -1
        self.chain.trouble, self.chain.base_fee = Trouble(), GWEI
        for _ in range(self.chain.finality + 20):
            self.chain.mine()
            await self.turn()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("txm")


async def test_crashes__a_thousand_points_and_restarts__same_end_as_without(folder: Path) -> None:
    crashes = 0
    async with await Database.open(f"sqlite:///{folder / 'crashes.db'}") as database:
        for seed in range(WORLDS):
            ends = []
            for stormy in (True, False):
                world = World(database, seed, chain_id=2 * seed + stormy + 1)
                await world.live(CRASHES if stormy else 0)
                await world.check_invariants()
                crashes += world.fuse.burnt
                end = await world.end()
                payloads = [raw.data for raw in world.chain.executed() if raw.data]
                assert len(payloads) == len(set(payloads)), "a payload was executed twice"
                assert world.manager.halted is None
                ends.append({key.partition(" ")[2]: how for key, how in end.items()})
                assert set(payloads) == {call.data for call in world.wanted.values()}
            assert ends[0] == ends[1]
            assert set(ends[0].values()) == {(State.FINAL, True)}
    assert crashes == WORLDS * CRASHES
