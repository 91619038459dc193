"""An account's legs apart from the book, and what the pool computes from them."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.protocols.aave_v3.records import StableLoan
from keeper.protocols.base import Book, Side
from keeper.types import Address

Leg = tuple[int, Side, int, bool]
"""(reserve id, side, scaled amount, used as collateral; always true for debt)."""


class Position(NamedTuple):
    """One account: liquidations on paper move from one position to the next."""

    account: Address
    category: int
    legs: Sequence[Leg]
    loans: Sequence[StableLoan] = ()

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it."""
        return cls(account, book.group(account), book.legs(account), book.get(("loans", account), ()))

    def debt(self, reserve: int) -> int:
        """Scaled variable debt."""
        return next((leg[2] for leg in self.legs if leg[0] == reserve and leg[1] is Side.DEBT), 0)

    def loan(self, reserve: int) -> StableLoan | None:
        """Debt at a stable rate."""
        return next((loan for loan in self.loans if loan.reserve == reserve), None)

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
        variable = [leg[0] for leg in self.legs if leg[1] is Side.DEBT]
        return sorted({*variable, *(loan.reserve for loan in self.loans)}) if self.loans else variable


class AccountData(NamedTuple):
    """GenericLogic.calculateUserAccountData: base values in USD with 8 decimals, averages in bps."""

    collateral: int
    debt: int
    threshold: int
    ltv: int
    health_factor: int
