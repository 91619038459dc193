"""What one account owes and holds, taken out of the book."""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.base import Book, Side
from keeper.protocols.comet.records import BASE
from keeper.types import Address


class Position(NamedTuple):
    """Signed base principal, and collateral in token units by asset number, zeros left out."""

    account: Address
    principal: int
    held: Mapping[int, int]

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it."""
        principal = 0
        held: dict[int, int] = {}
        for number, side, quantity, _ in book.legs(account):
            if number != BASE:
                held[number] = quantity
            else:
                principal = -quantity if side is Side.DEBT else quantity
        return cls(account, principal, held)
