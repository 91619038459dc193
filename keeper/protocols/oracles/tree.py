"""The sources of a book: their records, and what they answer at a time."""

from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

from keeper.protocols.base import Book
from keeper.protocols.oracles.source import ReadSource, Source, View
from keeper.types import Address

DEEPEST = 8
"""Adapters over adapters that are followed; live ones go three deep."""

Shape = tuple[tuple[Address, str, tuple[Address, ...]], ...]


def record_of(book: Book, source: Address) -> Source | None:
    """What is known of `source`."""
    found: Source | None = book.get(("oracle", source))
    return found


def put(book: Book, source: Address, record: Source | None) -> None:
    """Replace what is known of `source`."""
    if record_of(book, source) != record:
        book.put(("oracle", source), record)


def answer_at(book: Book, source: Address, timestamp: int) -> int | None:
    """What `latestAnswer()` of `source` returns in a block of `timestamp` with no further logs.

    Signed, as the contract has it; None where that cannot be told without asking.
    """
    return _At(book, timestamp, 0).answer(source)


class _At(NamedTuple):
    """Implements `View`."""

    book: Book
    timestamp: int
    depth: int

    def record(self, source: Address) -> Source | None:
        return record_of(self.book, source)

    def answer(self, source: Address) -> int | None:
        record = self.record(source)
        if record is None or self.depth == DEEPEST:
            return None
        below: View = _At(self.book, self.timestamp, self.depth + 1)
        return record.answer(below)


def members(book: Book, source: Address) -> list[Address]:
    """`source` and everything it reads, directly or not, each once."""
    found: dict[Address, None] = {}
    waiting = [source]
    while waiting:
        address = waiting.pop()
        if address not in found:
            found[address] = None
            record = record_of(book, address)
            waiting += reversed(record.children() if record else ())
    return list(found)


def records(book: Book, source: Address) -> Iterator[tuple[Address, Source]]:
    """The known members of a tree with their records."""
    for address in members(book, source):
        record = record_of(book, address)
        if record is not None:
            yield address, record


def shape(book: Book, source: Address) -> Shape:
    """Which contracts of which kinds make up the tree, without their state."""
    return tuple(
        (address, type(record).__name__, record.children()) for address, record in records(book, source)
    )


def is_read(record: Source | None) -> TypeGuard[ReadSource]:
    """Whether a record's kind may need a read a block."""
    return hasattr(record, "reading")


def needs_reads(book: Book, source: Address) -> bool:
    """Whether something in the tree changes without a log and without the clock."""
    return any(is_read(record) and record.reading(address) for address, record in records(book, source))
