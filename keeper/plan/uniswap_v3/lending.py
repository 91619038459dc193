"""Pools of Uniswap v3 as lenders of flash loans: each lends all that it holds, for the fee of a swap.

Interface: v3-core IUniswapV3PoolActions.flash; fee: UniswapV3Pool.flash, amount * fee / 1e6, rounded up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.plan.route import PoolKey
from keeper.plan.uniswap_v3.maths import FEE_UNIT
from keeper.protocols.base import FlashKind, Reads
from keeper.types import Address, Call

BALANCE_OF = selector("balanceOf(address)")


@dataclass(frozen=True, slots=True)
class PoolLender:
    """A `keeper.protocols.base.FlashSource` of one token. Locked while it lends: no sale may pass it."""

    kind: ClassVar[FlashKind] = FlashKind.UNISWAP_V3
    key: PoolKey
    lender: Address
    token: Address
    cash: int

    def available(self, token: Address) -> int:
        return self.cash if token == self.token else 0

    def fee(self, token: Address, amount: int) -> int:
        del token
        return -(-amount * self.key.fee // FEE_UNIT)


class Vault(NamedTuple):
    """A pool, and the one of its two tokens that is asked for."""

    key: PoolKey
    address: Address
    token: Address


def balance(token: Address, holder: Address) -> Call:
    """How much of `token` the pool holds."""
    return Call(token, BALANCE_OF + bytes(12) + bytes.fromhex(holder[2:]))


def lend(vaults: Sequence[Vault]) -> Reads[list[PoolLender]]:
    """The pools as lenders, as of the block read; one that cannot be asked is left out."""
    answers = yield [balance(vault.token, vault.address) for vault in vaults]
    return [
        PoolLender(vault.key, vault.address, vault.token, int.from_bytes(answer))
        for vault, answer in zip(vaults, answers, strict=True)
        if answer
    ]
