"""Logs that move assets and shares.

Morpho changes state, then logs, then calls back, so the order of logs is the order of changes. Every
operation but SupplyCollateral accrues interest first; where there is any to accrue, AccrueInterest says so.
Amounts are never computed here: each log carries what was added or taken.
"""

from keeper.protocols.base import Book, Side
from keeper.protocols.decode import topic_address, word
from keeper.protocols.morpho_blue.fold_setup import known
from keeper.protocols.morpho_blue.math import accrued
from keeper.protocols.morpho_blue.records import Terms, account_key, number_of, split, supply_shares, totals
from keeper.protocols.trust import gap
from keeper.types import ZERO_ADDRESS, Address, Log


def interest_accrued(book: Book, log: Log, timestamp: int) -> None:
    """AccrueInterest(id, prevBorrowRate, interest, feeShares); the fee shares have no log of their own."""
    number = known(book, log)
    if number is None:
        return
    before, average, interest, fee_shares = totals(book, number), word(log, 0), word(log, 1), word(log, 2)
    derived = accrued(before, average, timestamp)
    if (derived.borrow_assets, derived.supply_shares) != (
        before.borrow_assets + interest,
        before.supply_shares + fee_shares,
    ):
        gap(
            book,
            f"the logs since start_block make other totals of market {log.topics[1]} than its interest is on",
        )
    after = before._replace(
        supply_assets=before.supply_assets + interest,
        supply_shares=before.supply_shares + fee_shares,
        borrow_assets=before.borrow_assets + interest,
        updated=timestamp,
    )
    book.put(("totals", number), after)
    if fee_shares:
        _supply(book, account_key(book.get(("recipient",), ZERO_ADDRESS), log.topics[1]), fee_shares)


def supplied(book: Book, log: Log, timestamp: int) -> None:
    """Supply(id, caller, onBehalf, assets, shares)."""
    _supplied(book, log, timestamp, owner=topic_address(log, 3), assets=word(log, 0), shares=word(log, 1))


def withdrawn(book: Book, log: Log, timestamp: int) -> None:
    """Withdraw(id, caller, onBehalf, receiver, assets, shares); the caller is not indexed."""
    _supplied(book, log, timestamp, owner=topic_address(log, 2), assets=-word(log, 1), shares=-word(log, 2))


def borrowed(book: Book, log: Log, timestamp: int) -> None:
    """Borrow(id, caller, onBehalf, receiver, assets, shares); the caller is not indexed."""
    _borrowed(book, log, timestamp, borrower=topic_address(log, 2), assets=word(log, 1), shares=word(log, 2))


def repaid(book: Book, log: Log, timestamp: int) -> None:
    """Repay(id, caller, onBehalf, assets, shares)."""
    _borrowed(
        book, log, timestamp, borrower=topic_address(log, 3), assets=-word(log, 0), shares=-word(log, 1)
    )


def collateral_supplied(book: Book, log: Log, timestamp: int) -> None:
    """SupplyCollateral(id, caller, onBehalf, assets): the one operation that does not accrue."""
    del timestamp
    _collateral(book, log, topic_address(log, 3), word(log, 0))


def collateral_withdrawn(book: Book, log: Log, timestamp: int) -> None:
    """WithdrawCollateral(id, caller, onBehalf, receiver, assets); the caller is not indexed."""
    _collateral(book, log, topic_address(log, 2), -word(log, 1))
    _touch(book, log, timestamp)


def liquidated(book: Book, log: Log, timestamp: int) -> None:
    """Liquidate: shares repaid, collateral seized, and what is written off if none is left."""
    borrower = topic_address(log, 3)
    repaid_assets, repaid_shares, seized, bad_assets, bad_shares = (word(log, place) for place in range(5))
    _borrowed(book, log, timestamp, borrower=borrower, assets=-repaid_assets, shares=-repaid_shares)
    _collateral(book, log, borrower, -seized)
    number = known(book, log)
    if number is None or not bad_shares:
        return
    _borrowed(book, log, timestamp, borrower=borrower, assets=-bad_assets, shares=-bad_shares)
    left = totals(book, number)
    book.put(("totals", number), left._replace(supply_assets=left.supply_assets - bad_assets))
    token = book.get(("market", number)).loan
    book.put(("bad_debt", token), book.get(("bad_debt", token), 0) + bad_assets)


def _supplied(book: Book, log: Log, timestamp: int, *, owner: Address, assets: int, shares: int) -> None:
    number = known(book, log)
    if number is None:
        return
    before = totals(book, number)
    after = before._replace(
        supply_assets=before.supply_assets + assets,
        supply_shares=before.supply_shares + shares,
        updated=timestamp,
    )
    book.put(("totals", number), after)
    _supply(book, account_key(owner, log.topics[1]), shares)


def _supply(book: Book, account: Address, shares: int) -> None:
    book.put(("supply", account), supply_shares(book, account) + shares)


def _borrowed(book: Book, log: Log, timestamp: int, *, borrower: Address, assets: int, shares: int) -> None:
    number = known(book, log)
    if number is None:
        return
    before = totals(book, number)
    after = before._replace(
        # Rounding can make a repayment one more than is owed in total.
        borrow_assets=max(before.borrow_assets + assets, 0),
        borrow_shares=before.borrow_shares + shares,
        updated=timestamp,
    )
    book.put(("totals", number), after)
    terms: Terms = book.get(("market", number))
    account = account_key(borrower, terms.id)
    _change(book, account, token=terms.loan_number, side=Side.DEBT, amount=shares)


def _collateral(book: Book, log: Log, borrower: Address, assets: int) -> None:
    number = known(book, log)
    if number is None:
        return
    terms: Terms = book.get(("market", number))
    account = account_key(borrower, terms.id)
    _change(book, account, token=terms.collateral_number, side=Side.COLLATERAL, amount=assets)
    if not book.enabled(account, terms.collateral_number):
        book.set_enabled(account, terms.collateral_number, True)
    book.put(("collateral", number), book.get(("collateral", number), 0) + assets)


def _touch(book: Book, log: Log, timestamp: int) -> None:
    """Accrual moves lastUpdate also where there is no model and hence no AccrueInterest."""
    number = known(book, log)
    if number is not None:
        book.put(("totals", number), totals(book, number)._replace(updated=timestamp))


def _change(book: Book, account: Address, *, token: int, side: Side, amount: int) -> None:
    """Add `amount` to a leg of an account, whose group is its market's number."""
    number = number_of(book, split(account)[1]) or 0
    if book.group(account) != number:  # of a new row, or one that an undone fork left behind
        book.set_group(account, number)
    left = book.quantity(account, token, side) + amount
    if left < 0:
        gap(book, f"{account} gave up more than the logs since start_block gave it")
    book.set_quantity(account, token, side, max(left, 0))
