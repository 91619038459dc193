"""What the book remembers of a comet besides the positions, and under which keys.

Every value is an int, a string, or a tuple of them, replaced as a whole, so that the book can undo
and save each change. Assets go by a number of the book's own: 0 is the base token, collaterals count
from 1 in the order they were first seen, so that an upgrade that reorders them changes nothing.

| key | value |
|---|---|
| `("comet",)` | its address |
| `("terms",)` | Terms, as the implementation has them |
| `("asset", number)`, `("number", asset)` | address and number of an asset |
| `("collateral", number)` | Collateral; absent for one that the comet does not list (any more) |
| `("order",)` | numbers of the listed collaterals as the contract walks through them |
| `("symbol", number)` | the token's own symbol |
| `("price", number)` | the feed's last answer, 8 decimals; None where it gave none above zero |
| `("totals",)` | Totals; None before they were first read |
| `("paused",)` | pauseFlags |
| `("cash",)` | base tokens that the comet holds |
| `("stock", number)` | collateral in reserves, for sale |
| `("upgraded",)` | 1 while the terms of a new implementation are not read yet |
| `("unit",)` | what the feeds quote in |
| `("usd",)` | a whole base token in USD, 8 decimals, where the feeds do not tell; None where nobody does |
| `("doubt",)` | why the book can no longer be trusted |

A leg of asset 0 is an account's base principal: debt, or collateral that is never enabled. Legs of
collaterals are token units. An account's group tells whether the book knows its principal (`Base`).
"""

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book, Side
from keeper.protocols.comet.math import Curve, Indexes, Totals
from keeper.protocols.trust import Gaps
from keeper.types import Address


class Role(IntEnum):
    """What a contract is to the deployment: proxy, implementation and extension speak at one address."""

    COMET = 0


BASE = 0
"""Number of the base token."""

ABSORB_PAUSED, BUY_PAUSED = 1 << 3, 1 << 4
"""Bits of pauseFlags."""


class Base(IntEnum):
    """Whether an account's principal was never read, is as last read, or something has happened to it since.

    Who never had collateral cannot owe: nobody asks.
    """

    UNASKED = 0
    KNOWN = 1
    TOUCHED = 2


class Terms(NamedTuple):
    """What the implementation fixes. `scale` is one base token; `target` reserves end the storefront."""

    scale: int
    feed: Address
    supply: Curve
    borrow: Curve
    storefront: int
    target: int


class Collateral(NamedTuple):
    """A listed asset: factors in wad, `scale` one token, `liquidation` what is credited of its value."""

    feed: Address
    scale: int
    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int


RECORD_TYPES: tuple[type, ...] = (Gaps, Terms, Collateral, Curve, Indexes, Totals)


def comet(book: Book) -> Address:
    """The contract."""
    found: Address = book.get(("comet",))
    return found


def terms(book: Book) -> Terms:
    """As last read from the implementation."""
    found: Terms = book.get(("terms",))
    return found


def order(book: Book) -> tuple[int, ...]:
    """Numbers of the listed collaterals, as the contract walks through them."""
    found: tuple[int, ...] = book.get(("order",), ())
    return found


def asset(book: Book, number: int) -> Address:
    """Address of an asset the book has a number for."""
    found: Address = book.get(("asset", number))
    return found


def number_of(book: Book, address: Address) -> int:
    """The number of an asset, a new one where it was never seen."""
    found: int | None = book.get(("number", address))
    if found is None:
        found = sum(1 for _ in book.items("asset"))
        book.put(("asset", found), address)
        book.put(("number", address), found)
    return found


def principal(book: Book, account: Address) -> int:
    """The account's signed base principal, as far as the book knows."""
    return book.quantity(account, BASE, Side.COLLATERAL) - book.quantity(account, BASE, Side.DEBT)


def set_principal(book: Book, account: Address, value: int) -> None:
    """Replace the account's signed base principal."""
    for side, quantity in ((Side.COLLATERAL, max(value, 0)), (Side.DEBT, max(-value, 0))):
        if quantity != book.quantity(account, BASE, side):
            book.set_quantity(account, BASE, side, quantity)


def set_collateral(book: Book, account: Address, number: int, amount: int) -> None:
    """Replace what the account has deposited of a collateral."""
    book.set_quantity(account, number, Side.COLLATERAL, amount)
    if not book.enabled(account, number):
        book.set_enabled(account, number, enabled=True)


def mark(book: Book, account: Address, base: Base) -> None:
    """Say whether the book knows the account's principal."""
    if book.group(account) != base:
        book.set_group(account, int(base))
