"""Stable debt token events: what is owed at a stable rate.

Source: StableDebtToken. Its Mint and Burn carry the change of the principal, in which interest up to
the event is included.
"""

from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.records import StableLoan
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.types import Address


def stable_mint(book: Book, event: Event) -> None:
    """Borrowing at a stable rate, a rebalanced rate, or a repayment smaller than the interest."""
    log = event.log
    account = topic_address(log, 2)
    loan = loan_of(book, account, event.reserve)
    grown = StableLoan(event.reserve, loan.principal + word(log, 0), word(log, 3), event.timestamp)
    put_loan(book, account, grown)


def stable_burn(book: Book, event: Event) -> None:
    """Repayment, a switch to the variable rate, or liquidation."""
    log = event.log
    account = topic_address(log, 1)
    loan = loan_of(book, account, event.reserve)
    left = StableLoan(event.reserve, loan.principal - word(log, 0), loan.rate, event.timestamp)
    put_loan(book, account, left)


def loan_of(book: Book, account: Address, reserve: int) -> StableLoan:
    """The account's loan in a reserve; one of nothing where it has none."""
    loans: tuple[StableLoan, ...] = book.get(("loans", account), ())
    return next((loan for loan in loans if loan.reserve == reserve), StableLoan(reserve, 0, 0, 0))


def put_loan(book: Book, account: Address, loan: StableLoan) -> None:
    """Replace the account's loan in its reserve; a principal of nothing ends it."""
    known: tuple[StableLoan, ...] | None = book.get(("loans", account))
    if known is None:
        book.put(("borrowers_at_stable_rates",), (*book.get(("borrowers_at_stable_rates",), ()), account))
    others = [other for other in known or () if other.reserve != loan.reserve]
    kept = [*others, loan] if loan.principal > 0 else others
    book.put(("loans", account), tuple(sorted(kept)))
