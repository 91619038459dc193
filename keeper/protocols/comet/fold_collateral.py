"""Collateral: every movement has a log, so the book holds exactly what the contract holds."""

from keeper.protocols.base import Book, Side
from keeper.protocols.comet.fold_base import add_cash
from keeper.protocols.comet.records import Base, mark, number_of, set_collateral
from keeper.protocols.decode import topic_address, word
from keeper.protocols.trust import gap
from keeper.types import Address, Log


def supplied(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001 (handlers are called alike)
    """An account was given collateral."""
    _add(book, topic_address(log, 2), topic_address(log, 3), word(log, 0))


def withdrawn(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """An account's collateral went out."""
    _add(book, topic_address(log, 1), topic_address(log, 3), -word(log, 0))


def transferred(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """Collateral went from one account to another."""
    _add(book, topic_address(log, 1), topic_address(log, 3), -word(log, 0))
    _add(book, topic_address(log, 2), topic_address(log, 3), word(log, 0))


def absorbed(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """The comet took a borrower's collateral into its reserves."""
    asset, amount = topic_address(log, 3), word(log, 0)
    _add(book, topic_address(log, 2), asset, -amount)
    _add_stock(book, asset, amount)


def bought(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """Somebody bought collateral from the reserves."""
    add_cash(book, word(log, 0))
    _add_stock(book, topic_address(log, 2), -word(log, 1))


def _add(book: Book, account: Address, asset: Address, amount: int) -> None:
    number = number_of(book, asset)
    balance = book.quantity(account, number, Side.COLLATERAL) + amount
    if balance < 0:
        gap(book, "more collateral left an account than the logs since start_block brought it")
    set_collateral(book, account, number, max(balance, 0))
    # It may owe since long: before it was given collateral nobody asked.
    mark(book, account, Base.TOUCHED)


def _add_stock(book: Book, asset: Address, amount: int) -> None:
    number = number_of(book, asset)
    stock: int | None = book.get(("stock", number))
    if stock is not None:
        book.put(("stock", number), stock + amount)
