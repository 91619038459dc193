"""Events of the oracle, the interest rate models, the VAI controller and the Liquidator."""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word, word_address
from keeper.protocols.records import replace
from keeper.protocols.venus.curve import Curve, Kind
from keeper.protocols.venus.event import Event
from keeper.protocols.venus.fold_market import numbers_by_underlying
from keeper.protocols.venus.records import deployment, include
from keeper.types import Address


def price_posted(book: Book, event: Event) -> None:
    """An oracle was given a price: PricePosted(underlying, old, asked for, new)."""
    log = event.log
    underlying, price = word_address(log, 0), word(log, 3)
    book.put(("posted", log.address, underlying), price)
    if log.address == deployment(book).oracle:
        for number in numbers_by_underlying(book, underlying):
            book.put(("price", number), price)


def jump_parameters(book: Book, event: Event) -> None:
    """NewInterestParams(base, slope, jump, kink) of a jump rate model."""
    numbers = tuple(word(event.log, place) for place in range(4))
    replace(book, ("curve", event.log.address), Curve(int(Kind.JUMP), numbers))


def linear_parameters(book: Book, event: Event) -> None:
    """NewInterestParams(base, slope) of a white paper model."""
    numbers = (word(event.log, 0), word(event.log, 1))
    replace(book, ("curve", event.log.address), Curve(int(Kind.LINEAR), numbers))


def vai_minted(book: Book, event: Event) -> None:
    """MintVAI(minter, amount)."""
    _vai_changed(book, event, word_address(event.log, 0))


def vai_repaid(book: Book, event: Event) -> None:
    """RepayVAI(payer, borrower, amount) and LiquidateVAI(liquidator, borrower, …)."""
    _vai_changed(book, event, word_address(event.log, 1))


def vai_accrued(book: Book, event: Event) -> None:
    """The Liquidator accrues VAI interest before each liquidation."""
    replace(book, ("vai_accrued",), event.log.block)


def _vai_changed(book: Book, event: Event, account: Address) -> None:
    vai_accrued(book, event)
    for key in (("vai_borrowers",), ("vai_unread",)):
        known: tuple[Address, ...] = book.get(key, ())
        if account not in known:
            book.put(key, (*known, account))


def restricted(book: Book, event: Event) -> None:
    """Only whom the Liquidator lists may liquidate the account."""
    include(book, ("restricted",), topic_address(event.log, 1), present=True)


def unrestricted(book: Book, event: Event) -> None:
    """Anyone may liquidate the account again."""
    include(book, ("restricted",), topic_address(event.log, 1), present=False)


def allowed(book: Book, event: Event) -> None:
    """Somebody may liquidate a restricted account."""
    _allow(book, event, present=True)


def disallowed(book: Book, event: Event) -> None:
    """Somebody may no longer liquidate a restricted account."""
    _allow(book, event, present=False)


def _allow(book: Book, event: Event, *, present: bool) -> None:
    pair = (topic_address(event.log, 1), topic_address(event.log, 2))
    include(book, ("allowed",), pair, present=present)
