"""The transaction manager on a simulated chain, with real signatures and the real store.

Crashes at any point and restarts change nothing about how things end.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from keeper.errors import Degraded, Transient, Unreachable
from keeper.execute.model import BOUND, Change, Fees, Step, Transaction
from keeper.execute.rules import Rules
from keeper.execute.signer import GuardedSigner, LocalSigner, Policy, SignedTx, UnsignedTx
from keeper.execute.states import TERMINAL, State
from keeper.execute.store import TransactionStore, transactions
from keeper.execute.txm import TransactionManager
from keeper.ports import SendError, SendOutcome
from keeper.store import Database
from keeper.types import Address, Call, Hash
from tests.execute_samples import sample_step
from tests.simchain import GWEI, Raw, SimChain, Trouble, read

PAYEE = Address("0x" + "c0" * 20)
SELECTOR = bytes.fromhex("d09de08a")
MAX_GAS_PRICE = 300 * GWEI
RULES = Rules(max_gas_price=MAX_GAS_PRICE, confirmations=2, queue_blocks=1_000, refused_blocks=1_000)
"""Nothing is given up: then the end has to be the same."""
WORLDS, CRASHES, WISHES = 10, 100, 30
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
    """The real signer, now and then silent; the process may die before and after each signature."""

    def __init__(self, signer: GuardedSigner, fuse: Fuse) -> None:
        self.signer, self.fuse, self.address = signer, fuse, signer.address
        self.random, self.silent = Random(0), 0.0

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        self.fuse.tick()
        if self.random.random() < self.silent:
            raise Unreachable("the signer does not answer")
        signed = await self.signer.sign(tx)
        self.fuse.tick()
        return signed


@dataclass
class SimBuilder:
    """A builder that is down at times, refuses at times, and keeps what it takes until its last block."""

    chain: SimChain
    random: Random
    held: list[tuple[Raw, int]] = field(default_factory=list)

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        self.chain.tick()
        drawn = self.random.random()
        if drawn < self.chain.trouble.lost_before:
            raise Unreachable("the builder is down")
        if drawn > 1 - self.chain.trouble.busy:
            raise SendError(SendOutcome.RETRYABLE, "no room")
        self.held.append((read(raw), until))
        self.chain.tick()
        if drawn < self.chain.trouble.lost_before + self.chain.trouble.lost_after:
            raise Unreachable("the answer got lost")
        return read(raw).hash

    def recall(self, raw: bytes, *, head: int, until: int) -> None:
        """It forgets, or does not."""
        if self.random.random() < 0.5:
            self.held = [each for each in self.held if each[0] != read(raw)]

    def mine(self) -> None:
        """A block of this builder; what the public mempool holds goes first."""
        public = dict(self.chain.pool)
        number = self.chain.head.number + 1
        for raw, until in self.held:
            if until >= number:
                self.chain.pool.setdefault(raw.nonce, raw)
        self.chain.mine()
        self.chain.pool = {nonce: raw for nonce, raw in self.chain.pool.items() if public.get(nonce) == raw}


@dataclass
class World:
    """A chain that outlives the processes that work on it."""

    database: Database
    seed: int
    chain_id: int
    rules: Rules = RULES
    window: int | None = None
    bound: bool = False
    """Every third wish goes behind somebody else's transaction, in a bundle for the next block."""
    fuse: Fuse = field(default_factory=Fuse)

    def __post_init__(self) -> None:
        self.random, self.wishes, self.sparks = (Random(self.seed + part) for part in (0, 1_000, 2_000))
        self.chain = SimChain(Random(self.seed + 1), self.chain_id, tick=self.fuse.tick)
        policy = Policy(self.chain_id, {PAYEE: frozenset({SELECTOR})}, MAX_GAS_PRICE, 2 * MAX_GAS_PRICE)
        self.signer = FusedSigner(GuardedSigner(LocalSigner(b"\x42" * 32), policy), self.fuse)
        self.builder = SimBuilder(self.chain, Random(self.seed + 3))
        self.wanted: dict[str, Call] = {}
        self.accepted: set[str] = set()
        self.finals: list[Transaction] = []
        self.manager = self.process()
        self.recovered = False

    def process(self) -> TransactionManager:
        store = FusedStore(self.database, self.chain_id, self.signer.address)
        store.fuse = self.fuse
        private = self.builder if self.bound or self.window is not None else None
        chain: Any = self.chain
        return TransactionManager(chain, chain, self.signer, store, self.rules, private=private)

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
        """What the daemon does at a head: follow, submit whatever is still wanted, then write down."""
        with self.may_crash():
            changes = await (
                self.manager.on_head(self.chain.head) if self.recovered else self.manager.recover()
            )
            self.recovered = True
            self._check(changes)
            for key in [key for key in self.wanted if key not in self.accepted]:
                try:
                    number = int(key.rpartition(" ")[2])
                    until = None if self.window is None else self.chain.head.number + self.window
                    step = sample_step(number)
                    if self.bound and number % 3 == 0:
                        await self.bind(key, step)
                    else:
                        await self.manager.submit(key, [step], self.wanted[key], 60_000, until=until)
                    self.accepted.add(key)
                except Degraded:
                    break
            self._check(await self.manager.close())
            await self.manager.write_up()

    async def bind(self, key: str, step: Step) -> None:
        """Submit a wish for the next block alone, at a fixed price."""
        until, fees = self.chain.head.number + 1, Fees(GWEI, 60 * GWEI)
        await self.manager.submit(f"{BOUND}{key}", [step], self.wanted[key], 60_000, until=until, fees=fees)

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

    async def agreed(self) -> dict[bytes, Transaction]:
        """What is stored, by calldata; store and chain agree on what was executed, and that it was once."""
        stored = {each.data[4:]: each for each in await self.store() if each.steps}
        executed = [raw.data[4:] for raw in self.chain.executed() if raw.data]
        assert len(executed) == len(set(executed))
        assert {data for data, each in stored.items() if each.state is State.FINAL} == set(executed)
        return stored

    async def end(self) -> dict[str, tuple[State, bool]]:
        return {
            each.key: (each.state, each.mined is not None and each.mined.succeeded)
            for each in await self.store()
        }

    async def weather(self) -> None:
        """A block, or something worse."""
        drawn = self.random.random()
        self.chain.base_fee = max(GWEI, self.chain.base_fee * self.random.randint(85, 118) // 100)
        if drawn < 0.08 and not self.bound:
            self.chain.reorg(self.random.randint(1, 4), forget=0.3)
        elif drawn < 0.2:
            self.chain.forget(0.5)
            self.chain.mine(empty=True)
        elif (self.bound or self.window is not None) and drawn < 0.85:
            self.builder.mine()
        else:
            self.chain.mine()

    async def live(self, crashes: int) -> None:
        """A stormy hour, then calm until everything is final."""
        self.chain.trouble = Trouble(reads=0.01, lost_before=0.05, lost_after=0.05, busy=0.03)
        self.signer.silent = 0.03
        while len(self.wanted) < WISHES or self.fuse.burnt < crashes:
            if len(self.wanted) < WISHES:
                self.want(self.wishes.randint(0, 2))
            if self.fuse.left <= 0 and self.fuse.burnt < crashes:
                self.fuse.left = self.sparks.randint(1, 30)
            await self.weather()
            await self.turn()
        self.fuse.left = -1
        self.chain.trouble, self.chain.base_fee, self.signer.silent = Trouble(), GWEI, 0.0
        for _ in range(self.chain.finality + 20):
            self.chain.mine()
            await self.turn()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{tmp_path / 'keeper.db'}") as database:
        yield database


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_crashes__at_random_points_with_restarts__same_end_as_without(
    seed: int, database: Database
) -> None:
    ends = []
    for crashes in (CRASHES, 0):
        world = World(database, seed, chain_id=1 + bool(crashes))
        await world.live(crashes)
        await world.check_invariants()
        assert world.fuse.burnt == crashes
        assert world.manager.halted is None
        payloads = [raw.data for raw in world.chain.executed() if raw.data]
        assert len(payloads) == len(set(payloads)), "a payload was executed twice"
        assert set(payloads) == {call.data for call in world.wanted.values()}
        ends.append({key.partition(" ")[2]: how for key, how in (await world.end()).items()})
    assert ends[0] == ends[1]
    assert set(ends[0].values()) == {(State.FINAL, True)}


@pytest.mark.parametrize("seed", range(3))
async def test_crashes__while_things_are_given_up__store_and_chain_agree(
    seed: int, database: Database
) -> None:
    rules = replace(RULES, queue_blocks=2, refused_blocks=2, stuck_blocks=4)
    world = World(database, seed, chain_id=1, rules=rules)
    moody = Random(seed)
    world.chain.fails = lambda call: call.to == PAYEE and moody.random() < 0.4
    await world.live(CRASHES // 4)
    await world.check_invariants()
    ends = {each.state for each in (await world.agreed()).values()}
    assert ends <= {State.FINAL, State.CANCELLED, State.DROPPED}
    assert len(ends) > 1


@pytest.mark.parametrize(
    ("seed", "fall_back", "forgets"), [(0, False, True), (1, True, True), (2, False, False)]
)
async def test_crashes__on_a_private_route__nothing_twice_and_store_and_chain_agree(
    seed: int, fall_back: bool, forgets: bool, database: Database
) -> None:
    rules = replace(RULES, queue_blocks=2, fall_back=fall_back, forgets=forgets)
    world = World(database, seed, chain_id=1, rules=rules, window=5)
    await world.live(CRASHES // 2)
    await world.check_invariants()
    assert world.manager.halted is None
    stored = await world.agreed()
    assert {each.state for each in stored.values()} <= {State.FINAL, State.CANCELLED, State.DROPPED}
    private = {attempt.hash for each in stored.values() for attempt in each.attempts if attempt.until}
    assert private & {raw.hash for raw in world.chain.executed()}
    assert not private & {raw.hash for raw in world.chain.sent}


# With these seeds some of the bundles land in spite of the crashes, and some do not.
@pytest.mark.parametrize("seed", [0, 2, 3])
async def test_crashes__some_bound_to_a_bundle__never_public_and_nobody_waits_for_them(
    seed: int, database: Database
) -> None:
    world = World(database, seed, chain_id=1, rules=replace(RULES, fall_back=True), bound=True)
    await world.live(CRASHES // 4)
    await world.check_invariants()
    assert world.manager.halted is None
    stored = await world.agreed()
    bound = [each for each in stored.values() if each.is_bound]
    assert {each.state for each in stored.values() if not each.is_bound} == {State.FINAL}
    assert {each.state for each in bound} >= {State.FINAL, State.DROPPED}
    private = {attempt.hash for each in bound for attempt in each.attempts if attempt.until}
    assert not private & {raw.hash for raw in world.chain.sent}


async def test_reorgs__below_the_confirmation_depth__never_a_final_result(database: Database) -> None:
    world = World(database, 7, chain_id=1, rules=replace(RULES, confirmations=4))
    await world.turn()
    for _ in range(30):
        world.want(1)
        world.chain.mine()
        await world.turn()
        states = {each.state for each in await world.store()}
        assert not states & {State.CONFIRMED, State.FINAL}
        world.chain.mine()
        await world.turn()
        world.chain.reorg(2)
        await world.turn()
    assert world.finals == []
    for _ in range(world.chain.finality + 20):
        world.chain.mine()
        await world.turn()
    assert len(world.finals) == 30


async def test_gap__in_a_mempool_that_keeps_forgetting__lands_all_the_same(database: Database) -> None:
    world = World(database, 3, chain_id=1)
    await world.turn()
    world.want(12)
    for _ in range(40):
        world.chain.forget(0.6)
        world.chain.mine()
        await world.turn()
    assert len(world.chain.executed()) == 12
