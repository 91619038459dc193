"""Asking a chain what it takes for bytes. Which chain it is shows in who answers; nobody has to say so."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Protocol

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.plan.data_fee import ENVELOPE, FREE, DataFee, Sample
from keeper.protocols.base import Reads
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call

GAS_PRICE_ORACLE = Address("0x420000000000000000000000000000000000000f")
"""The OP stack's predeploy."""
NODE_INTERFACE = Address("0x00000000000000000000000000000000000000c8")
"""Arbitrum: no contract, the node itself answers calls to it."""

SIZES = (187, 8092)
"""Bytes of the samples. 68 for a signature added these are multiples of 255, where the OP stack's bound,
which rounds down between them, touches its line."""
FRESH = 12
"""Seconds for which an answer is good: the chain below has a block as often."""


class Tariff(Protocol):
    """How a kind of chain is asked."""

    in_gas: bool

    def sample(self, size: int) -> Call:
        """What do `size` bytes that do not compress cost?"""
        ...

    def exact(self, transaction: bytes) -> Call:
        """What does this unsigned transaction cost?"""
        ...


class OpBound:
    """OP stack since Fjord: the bound by size alone."""

    in_gas = False

    def sample(self, size: int) -> Call:
        return Call(GAS_PRICE_ORACLE, selector("getL1FeeUpperBound(uint256)") + encode(["uint256"], [size]))

    def exact(self, transaction: bytes) -> Call:
        return Call(GAS_PRICE_ORACLE, selector("getL1Fee(bytes)") + encode(["bytes"], [transaction]))


class Op(OpBound):
    """OP stack before Fjord: zero bytes cost a quarter, so the bound is what bytes without zeros cost."""

    def sample(self, size: int) -> Call:
        return self.exact(filler(size))


class Arbitrum:
    """Nitro: bytes are compressed first; the node adds a margin of its own."""

    in_gas = True

    def sample(self, size: int) -> Call:
        return self.exact(filler(size))

    def exact(self, transaction: bytes) -> Call:
        data = encode(["address", "bool", "bytes"], [ZERO_ADDRESS, False, transaction[ENVELOPE:]])
        return Call(NODE_INTERFACE, selector("gasEstimateL1Component(address,bool,bytes)") + data)


TARIFFS: Sequence[Tariff] = (OpBound(), Op(), Arbitrum())


class Exact(NamedTuple):
    """What one transaction costs for its bytes, in wei on top of gas or in units of gas."""

    wei: int = 0
    gas: int = 0


class DataFees:
    """What bytes cost on one chain. Pure: it says which calls to make and what the answers mean."""

    def __init__(self) -> None:
        self._tariff: Tariff | None = None
        self._fee = FREE
        self._is_free = False
        self._stale_at = 0

    def read(self, block: BlockRef) -> Reads[DataFee]:
        """The fee as of `block`; asks nothing while the last answer is fresh, and where bytes are free."""
        if block.timestamp >= self._stale_at and not self._is_free:
            yield from self._learn()
            self._stale_at = block.timestamp + FRESH
        return self._fee

    def exact(self, data: bytes, block: BlockRef) -> Reads[Exact]:
        """What a transaction with this calldata costs; its bound where the chain does not say."""
        fee = yield from self.read(block)
        if self._tariff is None:
            return Exact()
        [answer] = yield [self._tariff.exact(filler(ENVELOPE) + data)]
        size = ENVELOPE + len(data)
        if not _is_told(answer):
            return Exact(fee.wei(size), fee.gas(size))
        return Exact(gas=_cost(answer)) if fee.in_gas else Exact(wei=_cost(answer))

    def _learn(self) -> Reads[None]:
        tariffs = TARIFFS if self._tariff is None else (self._tariff,)
        answers = yield [tariff.sample(size) for tariff in tariffs for size in SIZES]
        for tariff, low, high in zip(tariffs, answers[::2], answers[1::2], strict=True):
            if _is_told(low) and _is_told(high):
                small, large = (
                    Sample(size, _cost(answer)) for size, answer in zip(SIZES, (low, high), strict=True)
                )
                self._tariff, self._fee = tariff, DataFee(small, large, tariff.in_gas)
                return
        # A chain that once told what it takes does not stop to: then the last answer holds.
        self._is_free = self._tariff is None


@cache
def filler(size: int) -> bytes:
    """Bytes without a zero that no compression makes shorter; always the same."""
    state, made = 1, bytearray()
    while len(made) < size:
        state = state * 6364136223846793005 + 1442695040888963407 & 2**64 - 1
        made.append(1 + (state >> 33) % 255)
    return bytes(made)


def _is_told(answer: bytes | None) -> bool:
    return answer is not None and len(answer) >= 32


def _cost(answer: bytes | None) -> int:
    return int.from_bytes((answer or b"")[:32])
