"""A lender of flash loans as plain numbers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keeper.protocols.base import FlashKind
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class Lender:
    """A `keeper.protocols.base.FlashSource` that lends what `cash` says (token units) for a `premium`."""

    kind: FlashKind
    lender: Address
    cash: Mapping[Address, int]
    premium: Callable[[int], int] = lambda _amount: 0

    def available(self, token: Address) -> int:
        return self.cash.get(token, 0)

    def fee(self, token: Address, amount: int) -> int:
        del token  # one premium for all of them
        return self.premium(amount)
