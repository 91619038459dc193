"""An account's legs apart from the book."""

from typing import NamedTuple

from keeper.protocols.aave_v4.hub import premium
from keeper.protocols.aave_v4.records import Terms, terms_of
from keeper.protocols.base import Book
from keeper.types import Address


class Leg(NamedTuple):
    """An account in one reserve: shares, whether supply is `used` as collateral, key and premium."""

    reserve: int
    supplied: int = 0
    used: bool = False
    drawn: int = 0
    terms: Terms = Terms()

    def premium(self, index: int) -> int:
        """Premium debt in ray."""
        return premium(self.terms.premium_shares, self.terms.premium_offset, index)

    def debt(self, index: int) -> int:
        """Drawn and premium debt in ray."""
        return self.drawn * index + self.premium(index)


class Position(NamedTuple):
    """One account: liquidations on paper move from one position to the next.

    `legs` by reserve id ascending; `risk_premium` in bps as last stored.
    """

    account: Address
    legs: tuple[Leg, ...]
    risk_premium: int = 0

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it."""
        shares: dict[int, list[int]] = {}
        for reserve, side, quantity, _ in book.legs(account):
            shares.setdefault(reserve, [0, 0])[side] = quantity
        legs = tuple(
            Leg(
                reserve,
                supplied,
                book.enabled(account, reserve),
                drawn,
                terms_of(book, account, reserve),
            )
            for reserve, (supplied, drawn) in shares.items()
        )
        return cls(account, legs, book.get(("risk_premium", account), 0))

    def leg(self, reserve: int) -> Leg:
        """The leg in a reserve, an empty one where there is none."""
        return next((leg for leg in self.legs if leg.reserve == reserve), Leg(reserve))

    def changed(self, *legs: Leg) -> "Position":
        """The position with `legs` in place of those of the same reserves; order does not change."""
        fresh = {leg.reserve: leg for leg in legs}
        return self._replace(legs=tuple(fresh.get(leg.reserve, leg) for leg in self.legs))

    def collaterals(self) -> list[int]:
        """Reserves with supply used as collateral, by id."""
        return [leg.reserve for leg in self.legs if leg.used and leg.supplied]

    def debts(self) -> list[int]:
        """Reserves borrowed, by id."""
        return [leg.reserve for leg in self.legs if leg.drawn]
