"""What the bytes of a transaction cost: a rollup pays for their place on the chain below, and passes it on.

Sources: the OP stack's GasPriceOracle (a fee in wei on top of gas), Arbitrum's NodeInterface (further units
of gas, part of what the receipt calls gas used).
"""

from typing import NamedTuple

from keeper.plan.model import Route
from keeper.protocols.base import Instruction

ENVELOPE = 80
"""Bytes of a transaction besides its calldata, without its signature: type, chain, nonce, fees, gas, to."""

_WORD = 32
_FIXED_WORDS = 18
"""The executor's call with one liquidation: two offsets, a length, an offset, its twelve fields, the lengths
of its data and its legs."""
_LEG_WORDS = 8
_SELECTOR = 4


class Sample(NamedTuple):
    """What the chain asks for a transaction of `size` bytes (ENVELOPE and calldata) that do not compress."""

    size: int
    cost: int


class DataFee(NamedTuple):
    """The most that bytes cost now: a straight line through two samples, flat below the first.

    What chains ask is such a line above a minimum, so nothing between the samples or beyond is above it.
    `in_gas`: costs are units of gas and not wei.
    """

    small: Sample
    large: Sample
    in_gas: bool = False

    def bound(self, size: int) -> int:
        """The most that `size` bytes cost, rounded up."""
        (low, base), (high, top) = self.small, self.large
        beyond = max(size - low, 0)
        return base + -(-beyond * max(top - base, 0) // (high - low))

    def wei(self, size: int) -> int:
        """What is due on top of gas for `size` bytes."""
        return 0 if self.in_gas else self.bound(size)

    def gas(self, size: int) -> int:
        """Units of gas used up by `size` bytes, besides what execution uses."""
        return self.bound(size) if self.in_gas else 0


FREE = DataFee(Sample(0, 0), Sample(1, 0))
"""Where calldata costs its gas and nothing else."""


def transaction_size(instruction: Instruction, route: Route) -> int:
    """Bytes of the transaction that carries out one liquidation through the executor, unsigned."""
    words = _FIXED_WORDS + _words(instruction.data) + _LEG_WORDS * len(route.legs)
    calls = b"".join(route.calls)
    return ENVELOPE + _SELECTOR + _WORD * (words + 1 + _words(calls))


def _words(data: bytes) -> int:
    return -(-len(data) // _WORD)
