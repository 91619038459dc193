"""What an amount of something is worth in a vault's unit of account, as its oracle would say.

An oracle quotes amounts, not prices, so what it rounds depends on the amount. A quote is therefore a
chain of steps, each a multiplication and a division rounded down: the shares of one of our vaults become
assets, an amount is scaled. Which steps, and the scales, are learnt by asking (`learning.py`).
"""

from collections.abc import Iterator, Sequence

from keeper.protocols.base import Book
from keeper.protocols.euler_v2.records import Hop, Leaf, Scale
from keeper.types import Address

Step = Hop | Leaf
Route = tuple[Step, ...]


def route_key(oracle: Address, base: Address, unit: Address) -> tuple[str, Address, Address, Address]:
    """Key of the route's record."""
    return ("route", oracle, base, unit)


def leaf_key(leaf: Leaf) -> tuple[str, Address, Address, Address]:
    """Key of a leaf's scale."""
    return ("leaf", *leaf)


def route_of(book: Book, oracle: Address, base: Address, unit: Address) -> Route | None:
    """The steps of a quote, None while they are not known."""
    found: Route | None = book.get(route_key(oracle, base, unit))
    return found


def scaled(book: Book, route: Sequence[Step]) -> tuple[Hop | Scale, ...] | None:
    """The route with its leaves' scales as last read, None where the oracle gives no quote."""
    steps = tuple(_known(book, route))
    return steps if len(steps) == len(route) else None


def _known(book: Book, route: Sequence[Step]) -> Iterator[Hop | Scale]:
    for step in route:
        known = book.get(leaf_key(step)) if isinstance(step, Leaf) else step
        if known is not None:
            yield known
