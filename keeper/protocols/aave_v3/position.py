"""An account's legs apart from the book, and what the pool computes from them."""

from typing import NamedTuple

from keeper.protocols.base import Book, Side
from keeper.types import Address

Leg = tuple[int, Side, int, bool]
"""(reserve id, side, scaled amount, used as collateral; always true for debt)."""


class Position(NamedTuple):
    """One account: liquidations on paper move from one position to the next."""

    account: Address
    category: int
    legs: tuple[Leg, ...]

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it."""
        return cls(account, book.group(account), tuple(book.legs(account)))

    def debt(self, reserve: int) -> int:
        """Scaled variable debt."""
        return next((leg[2] for leg in self.legs if leg[0] == reserve and leg[1] is Side.DEBT), 0)

    def collateral(self, reserve: int) -> tuple[int, bool]:
        """Scaled aToken balance, and whether it is used as collateral."""
        for number, side, scaled, enabled in self.legs:
            if number == reserve and side is Side.COLLATERAL:
                return scaled, enabled
        return 0, False

    def collaterals(self) -> list[int]:
        """Reserves used as collateral, by id."""
        return [leg[0] for leg in self.legs if leg[1] is Side.COLLATERAL and leg[3]]

    def debts(self) -> list[int]:
        """Reserves borrowed, by id."""
        return [leg[0] for leg in self.legs if leg[1] is Side.DEBT]


class AccountData(NamedTuple):
    """GenericLogic.calculateUserAccountData: base values in USD with 8 decimals, averages in bps."""

    collateral: int
    debt: int
    threshold: int
    ltv: int
    health_factor: int
