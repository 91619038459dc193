"""What all protocols do with the records of their books."""

from keeper.protocols.base import Book
from keeper.types import Address

Key = tuple[str | int, ...]


def replace(book: Book, key: Key, value: object) -> None:
    """Put `value` unless it is there already: an unchanged record needs no undo entry."""
    if book.get(key) != value:
        book.put(key, value)


def follow(book: Book, *addresses: Address) -> None:
    """Fetch the logs of `addresses` from now on."""
    watched: tuple[Address, ...] = book.get(("watched",), ())
    fresh = tuple(dict.fromkeys(address for address in addresses if address not in watched))
    if fresh:
        book.put(("watched",), watched + fresh)
