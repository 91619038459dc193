"""Base balances, as far as logs tell.

They do not tell all: accrueAccount moves the indexes without a log, and transferBase lends and repays
without one. So every account named here is marked, and `refresh` reads its principal at the head; until
then the book holds what the contract's own arithmetic makes of the logs.
"""

from keeper.protocols.base import Book
from keeper.protocols.comet.math import Totals, accrued, present_value, principal_value, split
from keeper.protocols.comet.records import Base, mark, principal, set_principal, terms
from keeper.protocols.decode import topic_address, word
from keeper.types import Address, Log


def supplied(book: Book, log: Log, timestamp: int) -> None:
    """Base tokens came in for an account: debt is repaid first, the rest is supplied."""
    amount = word(log, 0)
    _change(book, topic_address(log, 2), amount, timestamp)
    add_cash(book, amount)


def withdrawn(book: Book, log: Log, timestamp: int) -> None:
    """Base tokens went out for an account: what it supplied first, the rest is borrowed."""
    amount = word(log, 0)
    _change(book, topic_address(log, 1), -amount, timestamp)
    add_cash(book, -amount)


def debt_absorbed(book: Book, log: Log, timestamp: int) -> None:
    """The reserves paid an account's debt, and what its collateral was worth beyond it."""
    _change(book, topic_address(log, 2), word(log, 0), timestamp)


def transferred(book: Book, log: Log, timestamp: int) -> None:
    """The supplied part of a change: says who was touched, and that interest accrued."""
    _accrue(book, timestamp)
    for account in (topic_address(log, 1), topic_address(log, 2)):
        touch(book, account)


def reserves_withdrawn(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """Governance took base tokens out of the reserves."""
    add_cash(book, -word(log, 0))


def add_cash(book: Book, amount: int) -> None:
    """The comet received base tokens, or gave some away."""
    cash: int | None = book.get(("cash",))
    if cash is not None:
        book.put(("cash",), cash + amount)


def touch(book: Book, account: Address) -> None:
    """Remember that the account's principal has to be read. One without collateral cannot owe anything."""
    if book.group(account) != Base.UNASKED:
        mark(book, account, Base.TOUCHED)


def _accrue(book: Book, timestamp: int) -> Totals | None:
    totals: Totals | None = book.get(("totals",))
    if totals is None:
        return None
    fixed = terms(book)
    now = accrued(totals, fixed.supply, fixed.borrow, timestamp)
    if now != totals:
        book.put(("totals",), now)
    return now


def _change(book: Book, account: Address, amount: int, timestamp: int) -> None:
    """An account's principal and the totals, as in supplyBase, withdrawBase and absorbInternal."""
    totals = _accrue(book, timestamp)
    if totals is not None:
        old = principal(book, account)
        new = principal_value(present_value(old, totals.indexes) + amount, totals.indexes)
        change = split(old, new)
        book.put(
            ("totals",),
            totals._replace(supply=totals.supply + change.supply, borrow=totals.borrow + change.borrow),
        )
        if book.group(account) != Base.UNASKED:
            set_principal(book, account, new)
    touch(book, account)
