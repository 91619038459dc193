"""aToken and variable debt token events: scaled balances recovered from what was rounded.

Sources: ScaledBalanceTokenBase._mintScaled and _burnScaled, AToken._transfer.

Since v3.5 an event's `value` is the change of the rounded balance since the account's last
interaction and `balanceIncrease` the interest in it. So with the scaled balance s known from before,

    balance now = balance(s, index) + value - balanceIncrease      (Mint)
    balance now = balance(s, index) - value - balanceIncrease      (Burn)

and only one scaled amount has that balance, because an index is never below 1. Balances round
against the account, so recovering the scaled amount rounds the other way.

Up to v3.4 the amount itself follows from the event, and the token scales it half up.
"""

from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.math import ray_div
from keeper.protocols.base import Book, Side
from keeper.protocols.decode import address_in, integer, split, word
from keeper.protocols.trust import gap
from keeper.types import RAY, Address, Log

_COLLATERAL, _DEBT = Side
_NOBODY = "0x" + "00" * 32


def a_mint(book: Book, event: Event) -> None:
    """Supply, treasury mint, interest before a transfer, or a withdrawal smaller than the interest."""
    value, increase, index = _amounts(event.log)
    if value != increase:
        _set_supply(book, event.reserve, address_in(event.log.topics[2]), value - increase, index)


def a_burn(book: Book, event: Event) -> None:
    """Withdrawal, repayment with aTokens, seizure, or deficit covered."""
    value, increase, index = _amounts(event.log)
    _set_supply(book, event.reserve, address_in(event.log.topics[1]), -value - increase, index)


def v_mint(book: Book, event: Event) -> None:
    """Borrowing, or a repayment smaller than the interest."""
    value, increase, index = _amounts(event.log)
    _set_debt(book, event.reserve, address_in(event.log.topics[2]), value - increase, index)


def v_burn(book: Book, event: Event) -> None:
    """Repayment, liquidation, or bad debt written off."""
    value, increase, index = _amounts(event.log)
    _set_debt(book, event.reserve, address_in(event.log.topics[1]), -value - increase, index)


def half_up_a_mint(book: Book, event: Event) -> None:
    """As `a_mint`, up to v3.4."""
    value, increase, index = _amounts(event.log)
    _add_supply(book, event.reserve, address_in(event.log.topics[2]), value - increase, index)


def half_up_a_burn(book: Book, event: Event) -> None:
    """As `a_burn`, up to v3.4."""
    value, increase, index = _amounts(event.log)
    _add_supply(book, event.reserve, address_in(event.log.topics[1]), -value - increase, index)


def half_up_v_mint(book: Book, event: Event) -> None:
    """As `v_mint`, up to v3.4."""
    value, increase, index = _amounts(event.log)
    _add_debt(book, event.reserve, address_in(event.log.topics[2]), value - increase, index)


def half_up_v_burn(book: Book, event: Event) -> None:
    """As `v_burn`, up to v3.4."""
    value, increase, index = _amounts(event.log)
    _add_debt(book, event.reserve, address_in(event.log.topics[1]), -value - increase, index)


def balance_transfer(book: Book, event: Event) -> None:
    """Transfer of scaled aTokens, also to a liquidator and of the protocol's fee to the treasury."""
    _move(book, event, word(event.log, 0))


def moved(book: Book, event: Event) -> None:
    """ERC-20 Transfer between accounts; BalanceTransfer follows it."""
    log = event.log
    if _NOBODY not in log.topics:
        book.put(("moved", log.address), word(log, 0))


def half_up_balance_transfer(book: Book, event: Event) -> None:
    """As `balance_transfer`, up to v3.4.

    v3.0.0 puts the amount here and the scaled amount into Transfer, v3.0.1 and later the other way
    round, and both call themselves revision 1. An index is never below 1, so the scaled one is smaller.
    """
    log = event.log
    _move(book, event, min(word(log, 0), book.get(("moved", log.address), word(log, 0))))


def _amounts(log: Log) -> tuple[int, int, int]:
    """(value, balanceIncrease, index) of a Mint or Burn."""
    value, increase, index = split(log, 3)
    return integer(value), integer(increase), integer(index)


def _move(book: Book, event: Event, scaled: int) -> None:
    if not scaled:
        return
    _, sender, receiver = event.log.topics
    _add(book, address_in(sender), event.reserve, _COLLATERAL, -scaled)
    _add(book, address_in(receiver), event.reserve, _COLLATERAL, scaled)


# These two write out ray_mul_* and ray_div_* of `math`: calls would cost more than the arithmetic.


def _set_supply(book: Book, reserve: int, account: Address, change: int, index: int) -> None:
    balance = book.quantity(account, reserve, _COLLATERAL) * index // RAY + change
    scaled = -(-balance * RAY // index)
    book.set_quantity(account, reserve, _COLLATERAL, scaled if scaled >= 0 else _gap(book, account, reserve))


def _set_debt(book: Book, reserve: int, account: Address, change: int, index: int) -> None:
    owed = book.quantity(account, reserve, _DEBT)
    balance = -(-owed * index // RAY) + change
    scaled = balance * RAY // index
    if scaled < 0:
        scaled = _gap(book, account, reserve)
    book.set_quantity(account, reserve, _DEBT, scaled)
    _count_debt(book, reserve, scaled - owed)


def _add_supply(book: Book, reserve: int, account: Address, amount: int, index: int) -> None:
    if amount:
        _add(book, account, reserve, _COLLATERAL, _scaled(amount, index))


def _add_debt(book: Book, reserve: int, account: Address, amount: int, index: int) -> None:
    _count_debt(book, reserve, _add(book, account, reserve, _DEBT, _scaled(amount, index)))


def _scaled(amount: int, index: int) -> int:
    return ray_div(amount, index) if amount >= 0 else -ray_div(-amount, index)


def _count_debt(book: Book, reserve: int, change: int) -> None:
    key = ("scaled_debt", reserve)
    book.put(key, book.get(key, 0) + change)


def _add(book: Book, account: Address, reserve: int, side: Side, change: int) -> int:
    before = book.quantity(account, reserve, side)
    return _set(book, account, reserve, side, before + change) - before


def _set(book: Book, account: Address, reserve: int, side: Side, scaled: int) -> int:
    if scaled < 0:
        scaled = _gap(book, account, reserve)
    book.set_quantity(account, reserve, side, scaled)
    return scaled


def _gap(book: Book, account: Address, reserve: int) -> int:
    """Note that logs are missing; what is left is nothing."""
    gap(book, f"{account} gave up more of reserve {reserve} than the logs since start_block gave it")
    return 0
