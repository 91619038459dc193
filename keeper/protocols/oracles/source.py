"""What all kinds of price sources have in common."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from keeper.types import Address, Call, Log

YEAR = 365 * 86_400
"""Seconds of a year, as every adapter counts it."""


class View(Protocol):
    """All sources of a book at one moment."""

    @property
    def timestamp(self) -> int: ...

    def answer(self, source: Address) -> int | None:
        """What `latestAnswer()` of `source` returns, None where that cannot be told."""
        ...

    def record(self, source: Address) -> "Source | None":
        """What is known of `source`."""
        ...


class Source(Protocol):
    """A record of one source. The kinds are named tuples, replaced as a whole."""

    def answer(self, view: View) -> int | None:
        """What the contract answers at the view's time, None where that cannot be told."""
        ...

    def children(self) -> tuple[Address, ...]:
        """The sources it reads."""
        ...


class ReadSource(Source, Protocol):
    """A source whose answer also depends on a number that no log announces."""

    def reading(self, address: Address) -> Call | None:
        """The call that tells that number, None where a child tells it; `address` is the source's own."""
        ...

    def read(self, result: bytes | None) -> "ReadSource":
        """The record after that call."""
        ...


Found = Mapping[str, bytes | None]
"""What a contract answered to the getters it was probed with, by their signature."""

Change = Callable[[Any, Log], Any]
"""(record, log of its contract) -> record."""


def quotient(numerator: int, denominator: int) -> int:
    """Solidity's signed division: towards zero."""
    whole = abs(numerator) // denominator
    return whole if numerator >= 0 else -whole
