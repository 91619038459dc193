"""How far a book can be trusted: what cannot be mended, and what a clean audit forgives."""

from typing import NamedTuple

from keeper.protocols.base import Book


class Gaps(NamedTuple):
    """Logs contradicted the book, so some were missed. `why` tells of the first."""

    times: int
    why: str


def doubt(book: Book, why: str) -> None:
    """Remember the first reason not to trust the book: nothing may be signed on it any more."""
    if book.get(("doubt",)) is None:
        book.put(("doubt",), why)


def gap(book: Book, why: str) -> None:
    """Remember that a log does not fit the book, until everything was compared with the chain."""
    found: Gaps | None = book.get(("gaps",))
    book.put(("gaps",), Gaps(1, why) if found is None else found._replace(times=found.times + 1))


class Trust:
    """The part of a `keeper.protocols.base.Market` that says whether its `book` can be trusted."""

    book: Book

    @property
    def doubt(self) -> str | None:
        """Why the book can no longer be trusted, None if it can. Watching goes on; nothing may be signed."""
        why: str | None = self.book.get(("doubt",))
        gaps: Gaps | None = self.book.get(("gaps",))
        return why or (gaps and gaps.why)

    def gaps(self) -> int:
        """See `keeper.protocols.base.Market`."""
        found: Gaps | None = self.book.get(("gaps",))
        return 0 if found is None else found.times

    def close_gaps(self) -> None:
        """See `keeper.protocols.base.Market`."""
        self.book.put(("gaps",), None)
