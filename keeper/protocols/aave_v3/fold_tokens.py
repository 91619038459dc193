"""aToken and variable debt token events: scaled balances recovered from rounded ones.

Source: ScaledBalanceTokenBase._mintScaled and _burnScaled, AToken._transfer. An event's `value`
is the change of the rounded balance since the account's last interaction and `balanceIncrease` the
interest in it. So with the scaled balance s known from before,

    balance now = balance(s, index) + value - balanceIncrease      (Mint)
    balance now = balance(s, index) - value - balanceIncrease      (Burn)

and only one scaled amount has that balance, because an index is never below 1.
"""

from keeper.protocols.aave_v3.decode import topic_address, word
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.records import doubt
from keeper.protocols.base import Book, Side
from keeper.types import Address


def a_mint(book: Book, event: Event) -> None:
    """Supply, treasury mint, interest before a transfer, or a withdrawal smaller than the interest."""
    log = event.log
    change = word(log, 0) - word(log, 1)
    if change:
        _set_supply(book, event, topic_address(log, 2), change)


def a_burn(book: Book, event: Event) -> None:
    """Withdrawal, repayment with aTokens, seizure, or deficit covered."""
    log = event.log
    _set_supply(book, event, topic_address(log, 1), -word(log, 0) - word(log, 1))


def balance_transfer(book: Book, event: Event) -> None:
    """Transfer of scaled aTokens, also to a liquidator and of the protocol's fee to the treasury."""
    log, reserve = event.log, event.reserve
    amount = word(log, 0)
    if not amount:
        return
    for account, change in ((topic_address(log, 1), -amount), (topic_address(log, 2), amount)):
        held = book.quantity(account, reserve, Side.COLLATERAL)
        _set(book, account, reserve, Side.COLLATERAL, held + change)


def v_mint(book: Book, event: Event) -> None:
    """Borrowing, or a repayment smaller than the interest."""
    log = event.log
    _set_debt(book, event, topic_address(log, 2), word(log, 0) - word(log, 1))


def v_burn(book: Book, event: Event) -> None:
    """Repayment, liquidation, or bad debt written off."""
    log = event.log
    _set_debt(book, event, topic_address(log, 1), -word(log, 0) - word(log, 1))


def _set_supply(book: Book, event: Event, account: Address, change: int) -> None:
    rules, index = event.rules, word(event.log, 2)
    held = book.quantity(account, event.reserve, Side.COLLATERAL)
    now = rules.a_scaled(rules.a_balance(held, index) + change, index)
    _set(book, account, event.reserve, Side.COLLATERAL, now)


def _set_debt(book: Book, event: Event, account: Address, change: int) -> None:
    rules, reserve, index = event.rules, event.reserve, word(event.log, 2)
    owed = book.quantity(account, reserve, Side.DEBT)
    now = _set(
        book, account, reserve, Side.DEBT, rules.v_scaled(rules.v_balance(owed, index) + change, index)
    )
    total = book.get(("scaled_debt", reserve), 0)
    book.put(("scaled_debt", reserve), total + now - owed)


def _set(book: Book, account: Address, reserve: int, side: Side, scaled: int) -> int:
    if scaled < 0:
        doubt(book, f"{account} gave up more of reserve {reserve} than the logs since start_block gave it")
        scaled = 0
    book.set_quantity(account, reserve, side, scaled)
    return scaled
