"""What governance changes: pauses, and the implementation with everything it fixes."""

from keeper.protocols.base import Book
from keeper.protocols.decode import word
from keeper.types import Log

_PAUSES = 5


def paused(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001 (handlers are called alike)
    """Supply, transfer, withdraw, absorb, buy: each on or off, in the order of pauseFlags' bits."""
    book.put(("paused",), sum(word(log, bit) << bit for bit in range(_PAUSES)))


def upgraded(book: Book, log: Log, timestamp: int) -> None:  # noqa: ARG001
    """Another implementation: its terms are read before anything is judged by them."""
    book.put(("upgraded",), 1)
