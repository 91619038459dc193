"""Vault events: what moves shares and debt, and the status that ends each transaction.

A debt that moves to another account (PullDebt, Liquidate) is told by a Repay and a Borrow first, whose
amounts may be adjusted for rounding. So these two wait until the vault's next event tells what they were.
"""

from keeper.protocols.base import Book, Side
from keeper.protocols.decode import topic_address, word
from keeper.protocols.euler_v2.debts import decrease, settle_operations, touch, transfer
from keeper.protocols.euler_v2.event import Event
from keeper.protocols.euler_v2.math import assets_up
from keeper.protocols.euler_v2.records import Operation, vault
from keeper.protocols.records import replace
from keeper.protocols.trust import gap
from keeper.types import ZERO_ADDRESS, Address, checksum


def transferred(book: Book, event: Event) -> None:
    """Transfer of shares; minted from and burnt to nobody."""
    log = event.log
    shares = word(log, 0)
    if not shares:
        return
    for account, change in ((topic_address(log, 1), -shares), (topic_address(log, 2), shares)):
        if account == ZERO_ADDRESS:
            continue
        held = book.quantity(account, event.vault, Side.COLLATERAL) + change
        if held < 0:
            gap(book, f"{account} gave up more shares than the logs since start_block gave it")
        book.set_quantity(account, event.vault, Side.COLLATERAL, max(held, 0))


def borrowed(book: Book, event: Event) -> None:
    """Borrow, or the second half of a debt that moved."""
    _wait(book, event, word(event.log, 0))


def repaid(book: Book, event: Event) -> None:
    """Repay, or the first half of a debt that moved, or debt written off."""
    _wait(book, event, -word(event.log, 0))


def _wait(book: Book, event: Event, change: int) -> None:
    operation = Operation(topic_address(event.log, 1), change)
    book.put(("operations", event.vault), (*_waiting(book, event), operation))


def _waiting(book: Book, event: Event) -> tuple[Operation, ...]:
    found: tuple[Operation, ...] = book.get(("operations", event.vault), ())
    return found


def debt_pulled(book: Book, event: Event) -> None:
    """PullDebt: an account takes over debt of another."""
    log = event.log
    _move(book, event, topic_address(log, 1), topic_address(log, 2), word(log, 0))


def debt_socialized(book: Book, event: Event) -> None:
    """DebtSocialized: the Repay before it is what a liquidation wrote off; Liquidate follows."""
    account, assets = topic_address(event.log, 1), word(event.log, 0)
    waiting, repay = _waiting(book, event), Operation(account, -assets)
    if waiting[-1:] != (repay,):
        gap(book, f"debt of {checksum(account)} was written off without a Repay")
        return
    book.put(("operations", event.vault), waiting[:-1])
    book.put(("written_off", event.vault), repay)
    key = ("socialized", event.vault)
    book.put(key, book.get(key, 0) + assets)


def liquidated(book: Book, event: Event) -> None:
    """Liquidate: the liquidator takes over debt; what is left of it may have been written off."""
    log = event.log
    liquidator, violator = topic_address(log, 1), topic_address(log, 2)
    _move(book, event, violator, liquidator, word(log, 1))
    written_off: Operation | None = book.get(("written_off", event.vault))
    if written_off is not None:
        book.put(("written_off", event.vault), None)
        decrease(book, event.vault, event.timestamp, written_off.account, -written_off.change)


def _move(book: Book, event: Event, source: Address, target: Address, assets: int) -> None:
    waiting = _waiting(book, event)
    if assets:
        # A Borrow of nothing is not told; the Repay always is.
        if waiting and waiting[-1].account == target and waiting[-1].change > 0:
            waiting = waiting[:-1]
        if not waiting or waiting[-1].account != source or waiting[-1].change > 0:
            gap(book, f"debt of {checksum(source)} moved without a Repay")
        waiting = waiting[:-1]
    _flush(book, event, waiting)
    if assets:
        transfer(book, event.vault, event.timestamp, source, target, assets)


def _flush(book: Book, event: Event, waiting: tuple[Operation, ...]) -> None:
    settle_operations(book, event.vault, event.timestamp, waiting)
    replace(book, ("operations", event.vault), ())


def status_told(book: Book, event: Event) -> None:
    """VaultStatus: the end of all operations on the vault in a transaction."""
    log = event.log
    _flush(book, event, _waiting(book, event))
    before = touch(book, event.vault, event.timestamp)
    shares, borrows, fees, cash, accumulator, rate = (word(log, place) for place in range(6))
    if (accumulator, borrows) != (before.accumulator, assets_up(before.borrows)):
        address = checksum(vault(book, event.vault).address)
        gap(book, f"vault {address} tells other debts or interest than follow from its logs")
    now = before._replace(shares=shares, fees=fees, cash=cash, accumulator=accumulator, rate=rate)
    replace(book, ("status", event.vault), now)
