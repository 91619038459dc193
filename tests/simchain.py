"""A chain and mempool of one account in memory, with geth's rules: for tests of the transaction manager.

Everything happens at once and by seed: nonce gaps, replacements, forgotten transactions, reorgs,
answers that get lost before or after the node took the bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import rlp
from eth_utils.crypto import keccak

from keeper.errors import CallReverted, Degraded, Unreachable
from keeper.ports import BlockFees, BlockId, KeyState, Receipt, SendError, SendOutcome
from keeper.types import Address, BlockRef, Call, Hash

GWEI = 10**9


class Raw(NamedTuple):
    """Signed bytes, read."""

    hash: Hash
    nonce: int
    tip: int
    cap: int
    to: Address
    data: bytes


def read(raw: bytes) -> Raw:
    fields = rlp.decode(raw[1:])
    nonce, tip, cap = (int.from_bytes(word) for word in fields[1:4])
    return Raw(Hash("0x" + keccak(raw).hex()), nonce, tip, cap, Address("0x" + fields[5].hex()), fields[7])


class Block(NamedTuple):
    ref: BlockRef
    txs: tuple[Raw, ...]


@dataclass
class Trouble:
    """Shares of calls that go wrong."""

    reads: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    busy: float = 0.0


@dataclass
class SimChain:
    """A `ChainReader` and `ChainWriter` as far as the transaction manager goes."""

    random: Random
    chain_id: int = 1
    finality: int = 8
    space: int = 6
    base_fee: int = GWEI
    trouble: Trouble = field(default_factory=Trouble)
    tick: Callable[[], None] = lambda: None
    first_nonce: int = 0

    def __post_init__(self) -> None:
        self.blocks: list[Block] = []
        self.pool: dict[int, Raw] = {}
        self.sent: list[Raw] = []
        self.fails: Callable[[Call], bool] = lambda _call: False
        self._forks = 0
        self._extend(())

    # What tests do to it.

    def mine(self, *, empty: bool = False) -> BlockRef:
        """One more block with what the pool has and the base fee allows."""
        chosen: list[Raw] = []
        nonce = self.nonce_at(len(self.blocks) - 1)
        while not empty and len(chosen) < self.space:
            found = self.pool.get(nonce)
            if found is None or found.cap < self.base_fee:
                break
            chosen.append(found)
            nonce += 1
        self._extend(tuple(chosen))
        self.pool = {number: raw for number, raw in self.pool.items() if number >= nonce}
        return self.head

    def reorg(self, depth: int, *, forget: float = 0.0) -> BlockRef:
        """Replace the last blocks by one more empty ones; most of their transactions return to the pool."""
        depth = min(depth, len(self.blocks) - 1, self.finality - 1)
        gone = self.blocks[len(self.blocks) - depth :]
        del self.blocks[len(self.blocks) - depth :]
        self._forks += 1
        for block in gone:
            for raw in block.txs:
                if self.random.random() >= forget:
                    self.pool.setdefault(raw.nonce, raw)
        for _ in range(depth + 1):
            self._extend(())
        return self.head

    def forget(self, share: float) -> None:
        """The mempool loses some of what it has."""
        self.pool = {nonce: raw for nonce, raw in self.pool.items() if self.random.random() >= share}

    def strange(self, nonce: int) -> Raw:
        """Somebody else's transaction of the same account enters the pool."""
        name = Hash("0x" + self.random.randbytes(32).hex())
        self.pool[nonce] = Raw(name, nonce, 90 * GWEI, 200 * GWEI, Address("0x" + "99" * 20), b"")
        return self.pool[nonce]

    def executed(self) -> list[Raw]:
        """What is on the chain, in order."""
        return [raw for block in self.blocks for raw in block.txs]

    @property
    def head(self) -> BlockRef:
        return self.blocks[-1].ref

    @property
    def finalized(self) -> int:
        return max(0, len(self.blocks) - 1 - self.finality)

    def nonce_at(self, number: int) -> int:
        return self.first_nonce + sum(len(block.txs) for block in self.blocks[: number + 1])

    def _extend(self, txs: tuple[Raw, ...]) -> None:
        number = len(self.blocks)
        parent = self.blocks[-1].ref.hash if self.blocks else Hash("0x" + "00" * 32)
        name = Hash("0x" + keccak(f"{self.chain_id} {self._forks} {number} {parent}".encode()).hex())
        self.blocks.append(Block(BlockRef(number, name, parent, 12 * number, self.base_fee), txs))

    # What the manager sees.

    def _read(self) -> None:
        self.tick()
        if self.random.random() < self.trouble.reads:
            raise Unreachable("no answer")

    async def block(self, block: BlockId = "latest") -> BlockRef:
        self._read()
        if block == "latest":
            return self.head
        number = self.finalized if block == "finalized" else block
        assert isinstance(number, int)
        return self.blocks[number].ref

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        self._read()
        if self.fails(call):
            raise CallReverted("it fails")
        return b""

    async def nonce(self, address: Address, block: BlockId = "latest") -> int:
        self._read()
        if isinstance(block, int):
            return self.nonce_at(block)
        nonce = self.nonce_at(len(self.blocks) - 1)
        while block == "pending" and nonce in self.pool:
            nonce += 1
        return nonce

    async def key_state(self, address: Address, sent: Sequence[Hash] = ()) -> KeyState:
        nonce, pending = [await self.nonce(address, block) for block in ("latest", "pending")]
        found = {tx_hash: receipt for tx_hash in sent if (receipt := self.receipt_now(tx_hash))}
        return KeyState(nonce, pending, 10**18, self.finalized, GWEI, found)

    async def priority_fee(self) -> int:
        self._read()
        return GWEI

    async def block_fees(self, blocks: int, percentile: int) -> list[BlockFees]:
        self._read()
        return [
            BlockFees(block.ref.base_fee, max((raw.tip for raw in block.txs), default=0))
            for block in self.blocks[-blocks:]
        ]

    async def knows(self, tx_hash: Hash) -> bool:
        self._read()
        return any(raw.hash == tx_hash for raw in [*self.pool.values(), *self.executed()])

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        await self.call(call)
        return 21_000 if call.to == sender else 50_000

    async def receipt(self, tx_hash: Hash) -> Receipt | None:
        self._read()
        return self.receipt_now(tx_hash)

    def receipt_now(self, tx_hash: Hash) -> Receipt | None:
        for block in self.blocks:
            for raw in block.txs:
                if raw.hash == tx_hash:
                    return Receipt(
                        tx_hash, block.ref.number, block.ref.hash, True, 50_000, block.ref.base_fee, ()
                    )
        return None

    async def send_raw(self, raw: bytes) -> Hash:
        self.tick()
        drawn = self.random.random()
        tx = read(raw)
        self.sent.append(tx)
        if drawn < self.trouble.lost_before:
            raise Unreachable("the request got lost")
        drawn -= self.trouble.lost_before
        if drawn < self.trouble.busy:
            raise SendError(SendOutcome.RETRYABLE, "txpool is full")
        drawn -= self.trouble.busy
        self._take(tx)
        self.tick()
        if drawn < self.trouble.lost_after:
            raise Unreachable("the answer got lost")
        return tx.hash

    def _take(self, tx: Raw) -> None:
        if tx.nonce < self.nonce_at(len(self.blocks) - 1):
            raise SendError(SendOutcome.NONCE_TOO_LOW, "nonce too low")
        there = self.pool.get(tx.nonce)
        if there is not None and there.hash == tx.hash:
            raise SendError(SendOutcome.ALREADY_KNOWN, "already known")
        if there is not None and not (tx.tip * 100 >= there.tip * 110 and tx.cap * 100 >= there.cap * 110):
            raise SendError(SendOutcome.REPLACEMENT_UNDERPRICED, "replacement transaction underpriced")
        if tx.tip < 1:
            raise SendError(SendOutcome.UNDERPRICED, "transaction underpriced")
        self.pool[tx.nonce] = tx

    async def balance(self, address: Address, block: BlockId = "latest") -> int:
        raise Degraded("nobody asks")
