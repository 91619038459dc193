"""What the stages need from the chain, said without naming who provides it.

`keeper.chain` satisfies these protocols and `keeper.app.wiring` connects the two, so no stage
imports the transport.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

from keeper.errors import KeeperError
from keeper.types import Address, BlockRef, Call, Hash, Log

BlockId = int | str | BlockRef
"""A block number, one of the tags "latest", "pending", "finalized", "safe", or a block by its hash:
then the read fails with Transient once that very block is no longer on the chain."""


class Priority(StrEnum):
    """What a read is for; when requests are scarce, the later ones wait for the earlier ones."""

    EXECUTION = "execution"
    AUDIT = "audit"
    BACKFILL = "backfill"


_priority = ContextVar("priority", default=Priority.EXECUTION)


@contextmanager
def priority(of: Priority) -> Iterator[None]:
    """Reads made inside the block, also by tasks started there, have this priority."""
    token = _priority.set(of)
    try:
        yield
    finally:
        _priority.reset(token)


def current_priority() -> Priority:
    """What the reads made now are for; EXECUTION where nobody said otherwise."""
    return _priority.get()


class SendOutcome(StrEnum):
    """What a node said about signed bytes (engineering.md T13); only UNKNOWN leaves it open."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    """The same bytes are in its pool: as good as accepted."""
    NONCE_TOO_LOW = "nonce_too_low"
    NONCE_TOO_HIGH = "nonce_too_high"
    UNDERPRICED = "underpriced"
    """Below what the pool or the base fee asks."""
    REPLACEMENT_UNDERPRICED = "replacement_underpriced"
    """Another transaction holds the nonce and this one does not pay enough more."""
    FEE_CAP_EXCEEDED = "fee_cap_exceeded"
    """Above the node's own ceiling for fees."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    RETRYABLE = "retryable"
    """Not taken now (rate limit, full pool); the same bytes may be sent again."""
    FATAL = "fatal"
    """No nonce or fee makes these contents acceptable."""
    UNKNOWN = "unknown"


class SendError(KeeperError):
    """A node answered a raw send with anything but "accepted"."""

    def __init__(self, outcome: SendOutcome, message: str) -> None:
        super().__init__(f"{outcome}: {message}")
        self.outcome = outcome


class Receipt(NamedTuple):
    """What a mined transaction did. `gas_price` is the effective price, wei per gas.

    `data_fee` is what an OP-stack chain took for its bytes besides, wei.
    """

    tx_hash: Hash
    block: int
    block_hash: Hash
    succeeded: bool
    gas_used: int
    gas_price: int
    logs: tuple[Log, ...]
    data_fee: int = 0


class PendingTransaction(NamedTuple):
    """A transaction that waits for a block. `tip` and `cap` in wei per gas; the price for a legacy one."""

    hash: Hash
    sender: Address
    nonce: int
    call: Call
    value: int
    gas: int
    tip: int
    cap: int


class Ran(NamedTuple):
    """What one call of a rehearsal did: return data, or revert data where it did not succeed."""

    succeeded: bool
    data: bytes
    gas_used: int


class BlockFees(NamedTuple):
    """What a block cost: its base fee, and a percentile of the tips in it; wei per gas."""

    base_fee: int
    tip: int


class LogsIn(NamedTuple):
    """The logs of one block in chain order, and results as of `call_many`; None: the calls were not made."""

    logs: list[Log]
    results: list[bytes | None] | None = None


class ChainReader(Protocol):
    """Read access to one chain. Every method raises Transient when no node answers in time."""

    async def block(self, block: BlockId = "latest") -> BlockRef:
        """The header of `block`; raises Degraded when the chain has no such block."""
        ...

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        """Headers of several blocks in one batch, in the order asked."""
        ...

    async def logs(self, addresses: Collection[Address], first: int, last: int) -> list[Log]:
        """Every log of `addresses` in blocks first..last (both included), in chain order."""
        ...

    async def logs_in(
        self, block: BlockRef, addresses: Collection[Address], calls: Sequence[Call] = ()
    ) -> LogsIn:
        """Every log of `addresses` in that very block; Transient once it was replaced.

        `calls` are answered in the same exchange where that can be.
        """
        ...

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        """Result of an eth_call; raises CallReverted when the contract reverts."""
        ...

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        """Results of many eth_calls at one block, batched; None where a call reverted."""
        ...

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        """Deployed byte code, empty where there is no contract."""
        ...


class NextBlock(NamedTuple):
    """The block that a simulation pretends to be in, and the tag of the state it starts from."""

    number: int
    timestamp: int
    base: str = "latest"


class Simulated(NamedTuple):
    """What a call returned, and the gas that it used as a transaction; None where the node cannot tell."""

    data: bytes
    gas: int | None


class ChainSimulator(Protocol):
    """Tries out transactions."""

    async def simulate(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        """What `call` from `sender` would do in the block to come, as well as a node can tell.

        Raises:
            CallReverted: it would revert.
            Transient: no node answered.
        """
        ...


class LogRange(NamedTuple):
    """The logs of blocks first..last in chain order, and the timestamp of every block that has one."""

    first: int
    last: int
    logs: list[Log]
    timestamps: Mapping[int, int]


class LogRanges(Protocol):
    """Ranges that join without gap or overlap; the next ones load while one is worked on."""

    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> LogRange: ...
    def include(self, addresses: Collection[Address]) -> None:
        """Add `addresses` to every range given from now on, also to those that are loading already."""
        ...


class LogSource(Protocol):
    """A long history, range by range."""

    def log_ranges(
        self, addresses: Collection[Address], first: int, last: int
    ) -> AbstractAsyncContextManager[LogRanges]:
        """Every log of `addresses` in blocks first..last; loading ends when the context does.

        Iterating raises Transient when no node gives a range, or the chain moved under the reads.
        """
        ...


class IndexedChain(ChainReader, LogSource, Protocol):
    """What an index needs: single reads, and a long history."""


class Rehearsal(Protocol):
    """Transactions tried out one after the other, each on what those before it leave."""

    async def rehearse(
        self, transactions: Sequence[PendingTransaction], block: BlockRef, timestamp: int
    ) -> list[Ran]:
        """What `transactions` would do in the block after `block`, mined at `timestamp` (eth_simulateV1).

        Raises:
            Degraded: the node rejects one of them outright (nonce, fees, balance).
            ConfigError: no node offers the method. Transient: none answers.
        """
        ...

    async def raw_transaction(self, tx_hash: Hash) -> bytes | None:
        """The signed bytes of a transaction, None where no node gives them."""
        ...


class AlteredRehearsal(Rehearsal, Protocol):
    """A rehearsal on a state in which contracts have other code."""

    async def rehearse(
        self,
        transactions: Sequence[PendingTransaction],
        block: BlockRef,
        timestamp: int,
        codes: Mapping[Address, bytes] | None = None,
    ) -> list[Ran]:
        """As `Rehearsal.rehearse`, where the accounts in `codes` have that code; their storage stays."""
        ...


class QuorumReader(Protocol):
    """Reads that several nodes have to agree on."""

    async def quorum_call_many(self, calls: Sequence[Call], block: BlockRef, k: int) -> list[bytes | None]:
        """As `ChainReader.call_many`, confirmed by `k` nodes at exactly `block`.

        Raises:
            Degraded: no `k` nodes gave the same answers, or fewer are configured; names the hosts.
            Transient: too few nodes answer.
        """
        ...


class KeyState(NamedTuple):
    """A key as one look at the chain shows it.

    `nonce` and `pending` are its next one, without and with what waits in the node's pool, `balance` (wei)
    counts what waits as paid. `final` is the number of the finalized block, -1 while there is none, `tip`
    what recent blocks accepted, wei per gas. `receipts` are those of the transactions asked for, where mined.
    """

    nonce: int
    pending: int
    balance: int
    final: int
    tip: int
    receipts: Mapping[Hash, Receipt] = MappingProxyType({})


class ChainWriter(Protocol):
    """What sending a transaction needs."""

    async def key_state(self, address: Address, sent: Sequence[Hash] = ()) -> KeyState:
        """What every head is asked about a key and the transactions `sent` with it, in one exchange."""
        ...

    async def nonce(self, address: Address, block: BlockId = "latest") -> int: ...
    async def balance(self, address: Address, block: BlockId = "latest") -> int: ...
    async def priority_fee(self) -> int:
        """A tip that recent blocks accepted, wei per gas."""
        ...

    async def block_fees(self, blocks: int, percentile: int) -> list[BlockFees]:
        """What the last `blocks` blocks cost, oldest first; an empty block has tip 0. Fewer if there are."""
        ...

    async def knows(self, tx_hash: Hash) -> bool:
        """Whether the node has this transaction, mined or waiting."""
        ...

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        """Gas units; raises CallReverted when the transaction would revert."""
        ...

    async def send_raw(self, raw: bytes) -> Hash:
        """Hand signed bytes to every node; the hash when one accepted them. Never retried.

        Raises SendError when the node said something else, ALREADY_KNOWN included, and
        Unreachable when the answer was lost: then the transaction may be out.
        """
        ...

    async def receipt(self, tx_hash: Hash) -> Receipt | None: ...


class Chain(IndexedChain, ChainWriter, Protocol):
    """Both directions."""


class QuorumChain(Chain, QuorumReader, ChainSimulator, Protocol):
    """Several nodes: both directions, and what they agree on."""
