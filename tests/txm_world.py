"""A node without automatic mining, a counter contract, and one transaction manager after another.

Every intent increments the counter once, so the counter tells what really happened.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import Unreachable
from keeper.execute.model import Change, Transaction
from keeper.execute.rules import Rules
from keeper.execute.signer import GuardedSigner, LocalSigner, Policy, SignedTx, UnsignedTx
from keeper.execute.store import TransactionStore
from keeper.execute.txm import TransactionManager
from keeper.ports import KeyState, Receipt
from keeper.store import Database
from keeper.store.lease import Fence, unfenced
from keeper.types import Address, Call, Hash
from tests.devnet import running_chain
from tests.execute_samples import account, fresh_database, sample_step

COUNTER = Address("0x" + "c0" * 20)
COUNT_UP = "0x5f546001015f5500"  # sstore(0, sload(0) + 1)
FAIL = "0x5f5ffd"  # revert(0, 0)
SELECTOR = bytes.fromhex("d09de08a")
GWEI = 10**9
MAX_GAS_PRICE = 300 * GWEI


class Crash(Exception):
    """The process dies here."""


class Line:
    """The line to the node; `before` and `after` a raw send something may happen."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.sent: list[bytes] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.deaf_to: Hash | None = None
        self.asked: list[Hash] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.rpc, name)

    async def receipt(self, tx_hash: Hash) -> Receipt | None:
        self.asked.append(tx_hash)
        if tx_hash == self.deaf_to:
            raise Unreachable("no answer")
        return await self.rpc.receipt(tx_hash)

    async def key_state(self, address: Address, sent: Sequence[Hash] = ()) -> KeyState:
        return await self.rpc.key_state(address, [each for each in sent if each != self.deaf_to])

    async def send_raw(self, raw: bytes) -> Hash:
        self.before()
        self.sent.append(raw)
        try:
            return await self.rpc.send_raw(raw)
        finally:
            self.after()


class Pen:
    """The signer; it may fail before it signs, and it remembers what it signed."""

    def __init__(self, signer: GuardedSigner) -> None:
        self.signer = signer
        self.address = signer.address
        self.before: Callable[[], None] = lambda: None
        self.signed: list[UnsignedTx] = []

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        self.before()
        self.signed.append(tx)
        return await self.signer.sign(tx)


@dataclass
class World:
    """A node without automatic mining, a database, and one manager after another."""

    node: Node
    line: Line
    pen: Pen
    database: Database
    rules: Rules = field(default_factory=lambda: Rules(max_gas_price=MAX_GAS_PRICE))
    fence: Fence = unfenced

    def __post_init__(self) -> None:
        self.manager = self.process()

    def process(self) -> TransactionManager:
        """A manager as a new process would build it: nothing but the database is remembered."""
        store = TransactionStore(self.database, 31337, self.pen.address, self.fence)
        return TransactionManager(self.line, self.line, self.pen, store, self.rules)

    async def restart(self) -> list[Change]:
        self.line.before = self.line.after = self.pen.before = lambda: None
        self.manager = self.process()
        return await self.manager.recover()

    async def submit(self, number: int, ceiling: int | None = None) -> Transaction:
        step = sample_step(number)
        return await self.manager.submit(f"intent {number}", [step], Call(COUNTER, SELECTOR), 60_000, ceiling)

    async def mine(self, blocks: int = 1) -> list[Change]:
        """Mine and show the manager each head."""
        changes: list[Change] = []
        for _ in range(blocks):
            await self.node.mine()
            changes += await self.head()
        return changes

    async def head(self) -> list[Change]:
        changes = await self.manager.on_head(await self.line.block())
        changes += await self.manager.close()
        await self.manager.write_up()
        return changes

    async def count(self) -> int:
        return int(await self.node.request("eth_getStorageAt", COUNTER, "0x0", "latest"), 16)

    async def nonce(self) -> int:
        return await self.line.rpc.nonce(self.pen.address)

    async def stored(self, number: int) -> Transaction:
        store = TransactionStore(self.database, 31337, self.pen.address)
        found = await store.find(f"intent {number}")
        assert found is not None
        return found


def die() -> None:
    raise Crash


def lose_answer() -> None:
    raise Unreachable("the connection broke")


async def foreign(world: World, nonce: int, gwei: int = 100) -> None:
    """Someone else with the same key sends a transaction of their own."""
    tx = {"from": world.pen.address, "to": account(99), "nonce": hex(nonce), "gas": hex(21_000)}
    price = {"maxFeePerGas": hex(gwei * GWEI), "maxPriorityFeePerGas": hex(gwei * GWEI // 2)}
    await world.node.request("eth_sendTransaction", tx | price)


@asynccontextmanager
async def running_world(folder: Path, url: str | None = None, *, order: str = "fees") -> AsyncIterator[World]:
    """A world on an Anvil of its own, which mines what waits in `order`.

    Its database is at `url`, else a file in `folder`.
    """
    key = LocalSigner(b"\x42" * 32)
    policy = Policy(31337, {COUNTER: frozenset({SELECTOR})}, MAX_GAS_PRICE, 2 * MAX_GAS_PRICE)
    async with (
        running_chain(Anvil.start(no_mining=True, order=order)) as (anvil, node),
        Rpc(anvil.http) as rpc,
        fresh_database(folder, url) as database,
    ):
        await node.fund([key.address])
        await node.request("anvil_setCode", COUNTER, COUNT_UP)
        yield World(node, Line(rpc), Pen(GuardedSigner(key, policy)), database)
