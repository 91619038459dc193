"""Stable debt token events: what is owed at a stable rate.

Source: StableDebtToken. Its Burn carries the change of the principal, in which interest up to the
event is included. Its Mint means two things: after a loan the interest comes on top of the amount,
after a repayment smaller than the interest it is in the amount. A loan's Mint comes right after a
Transfer from nobody, a repayment's right before a Transfer to nobody.
"""

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v3.fold_loans import loan_of, put_loan
from keeper.protocols.aave_v3.records import StableLoan
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.types import ZERO_ADDRESS


def stable_transfer(book: Book, event: Event) -> None:
    """Remember where a loan's Transfer stands, for the Mint that follows."""
    log = event.log
    if topic_address(log, 1) == ZERO_ADDRESS:
        book.put(("lent", log.address), (log.block, log.log_index))


def stable_mint(book: Book, event: Event) -> None:
    """Borrowing at a stable rate, a rebalanced rate, or a repayment smaller than the interest."""
    log = event.log
    account = topic_address(log, 2)
    amount, interest, rate = word(log, 0), word(log, 2), word(log, 3)
    lent = book.get(("lent", log.address)) == (log.block, log.log_index - 1)
    grown = loan_of(book, account, event.reserve).principal + amount + (interest if lent else 0)
    put_loan(book, account, StableLoan(event.reserve, grown, rate, event.timestamp))
