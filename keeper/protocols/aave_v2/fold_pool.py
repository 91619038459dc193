"""LendingPool events that v3 has in another form."""

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.base import Book
from keeper.protocols.records import replace


def paused(book: Book, event: Event) -> None:  # noqa: ARG001 (handlers are called alike)
    """Nobody can do anything, liquidate neither."""
    replace(book, ("paused",), 1)


def unpaused(book: Book, event: Event) -> None:  # noqa: ARG001 (handlers are called alike)
    """The pause is over."""
    replace(book, ("paused",), 0)
