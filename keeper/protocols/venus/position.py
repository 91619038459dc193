"""One account apart from the book: liquidations on paper move from one position to the next."""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.base import Book, Side
from keeper.protocols.venus.frame import VenusFrame, View
from keeper.protocols.venus.math import owed
from keeper.protocols.venus.records import Loan, VaiLoan, vtokens
from keeper.types import WAD, Address


class Position(NamedTuple):
    """Tokens of the markets held, and loans, by market number.

    `entered` leaves out markets in which the account has nothing, unless their prices matter too; `accrued`
    are the markets brought up to date already.
    """

    account: Address
    pool: int
    tokens: Mapping[int, int]
    entered: frozenset[int]
    loans: Mapping[int, Loan]
    vai: VaiLoan | None = None
    accrued: frozenset[int] = frozenset()

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it."""
        legs = book.legs(account)
        tokens = {number: amount for number, side, amount, _ in legs if side is Side.COLLATERAL}
        debts = [number for number, side, _, _ in legs if side is Side.DEBT]
        used = range(len(vtokens(book))) if book.get(("every_price",)) else {*tokens, *debts}
        return cls(
            account,
            book.group(account),
            tokens,
            frozenset(number for number in used if book.enabled(account, number)),
            {number: book.get(("loan", account, number)) for number in debts},
            book.get(("vai_loan", account)),
        )

    def view(self, number: int, touched: frozenset[int], frame: VenusFrame) -> View:
        """A market as a transaction sees it that has brought `touched` up to date."""
        market = frame.markets[number]
        return market.accrued if number in touched or number in self.accrued else market.stored

    def balance(self, number: int, touched: frozenset[int], frame: VenusFrame) -> int:
        """What is owed in a market, token units."""
        loan = self.loans.get(number)
        return owed(loan, self.view(number, touched, frame).state.borrow_index) if loan else 0


def vai_debt(position: Position, frame: VenusFrame, *, accrued: bool = False) -> int:
    """VAIController.getVAIRepayAmount, VAI units; `accrued` first as the Liquidator does it."""
    loan, index = position.vai, frame.vai
    if loan is None or index is None or loan.minted == 0:
        return 0
    now = index.mint_index + (index.rate * max(frame.number - index.block, 0) if accrued else 0)
    return loan.minted + (now - loan.interest_index) * (loan.minted - loan.past) // WAD
