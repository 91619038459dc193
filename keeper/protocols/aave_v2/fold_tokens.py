"""aToken and variable debt token events: amounts without interest, which the token scales half up.

Sources: AToken.sol, VariableDebtToken.sol. Unlike in v3, BalanceTransfer carries the amount as well.
"""

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v3.math import ray_div
from keeper.protocols.base import Book, Side
from keeper.protocols.decode import topic_address, words
from keeper.protocols.trust import gap
from keeper.types import Address


def a_mint(book: Book, event: Event) -> None:
    """Deposit, or the treasury's share of interest."""
    _add(book, event, topic_address(event.log, 1), Side.COLLATERAL, _scaled(event))


def a_burn(book: Book, event: Event) -> None:
    """Withdrawal or seizure."""
    _add(book, event, topic_address(event.log, 1), Side.COLLATERAL, -_scaled(event))


def balance_transfer(book: Book, event: Event) -> None:
    """Transfer of aTokens, also to a liquidator."""
    moved = _scaled(event)
    _add(book, event, topic_address(event.log, 1), Side.COLLATERAL, -moved)
    _add(book, event, topic_address(event.log, 2), Side.COLLATERAL, moved)


def v_mint(book: Book, event: Event) -> None:
    """Borrowing at the variable rate; the second account named is the one that owes."""
    _add_debt(book, event, topic_address(event.log, 2), _scaled(event))


def v_burn(book: Book, event: Event) -> None:
    """Repayment, a switch to the stable rate, or liquidation."""
    _add_debt(book, event, topic_address(event.log, 1), -_scaled(event))


def _scaled(event: Event) -> int:
    """The amount over the index: words 0 and 1 in all five events."""
    amount, index = words(event.log, 2)
    return ray_div(amount, index)


def _add_debt(book: Book, event: Event, account: Address, change: int) -> None:
    _add(book, event, account, Side.DEBT, change)
    key = ("scaled_debt", event.reserve)
    book.put(key, book.get(key, 0) + change)


def _add(book: Book, event: Event, account: Address, side: Side, change: int) -> None:
    if not change:
        return
    scaled = book.quantity(account, event.reserve, side) + change
    if scaled < 0:
        gap(
            book, f"{account} gave up more of reserve {event.reserve} than the logs since start_block gave it"
        )
        scaled = 0
    book.set_quantity(account, event.reserve, side, scaled)
