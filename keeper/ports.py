"""What the stages need from the chain, said without naming who provides it.

`keeper.chain` satisfies these protocols and `keeper.app.wiring` connects the two, so no stage
imports the transport.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from keeper.types import Address, BlockRef, Call, Hash, Log

BlockId = int | str
"""A block number, or one of the tags "latest", "pending", "finalized", "safe"."""


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
        """Hand signed bytes to the node. Never retried. Raises Unreachable when the answer was lost."""
        ...

    async def receipt(self, tx_hash: Hash) -> Receipt | None: ...


class Chain(ChainReader, ChainWriter, Protocol):
    """Both directions."""
