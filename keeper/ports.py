"""What the stages need from the chain, said without naming who provides it.

`keeper.chain` satisfies these protocols and `keeper.app.wiring` connects the two, so no stage
imports the transport.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from keeper.errors import KeeperError
from keeper.types import Address, BlockRef, Call, Hash, Log

BlockId = int | str
"""A block number, or one of the tags "latest", "pending", "finalized", "safe"."""


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
    """What a mined transaction did. `gas_price` is the effective price, wei per gas."""

    tx_hash: Hash
    block: int
    block_hash: Hash
    succeeded: bool
    gas_used: int
    gas_price: int
    logs: tuple[Log, ...]


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

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        """Result of an eth_call; raises CallReverted when the contract reverts."""
        ...

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        """Results of many eth_calls at one block, batched; None where a call reverted."""
        ...

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        """Deployed byte code, empty where there is no contract."""
        ...


class ChainWriter(Protocol):
    """What sending a transaction needs."""

    async def nonce(self, address: Address, block: BlockId = "latest") -> int: ...
    async def balance(self, address: Address, block: BlockId = "latest") -> int: ...
    async def priority_fee(self) -> int:
        """A tip that recent blocks accepted, wei per gas."""
        ...

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        """Gas units; raises CallReverted when the transaction would revert."""
        ...

    async def send_raw(self, raw: bytes) -> Hash:
        """Hand signed bytes to the node; the hash when it accepted them. Never retried.

        Raises SendError when the node said something else, ALREADY_KNOWN included, and
        Unreachable when the answer was lost: then the transaction may be out.
        """
        ...

    async def receipt(self, tx_hash: Hash) -> Receipt | None: ...


class Chain(ChainReader, ChainWriter, Protocol):
    """Both directions."""
