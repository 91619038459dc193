"""A comet's numbers at one timestamp: everything that accounts share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import Book
from keeper.protocols.comet import records
from keeper.protocols.comet.dollars import Rate, supposing
from keeper.protocols.comet.math import Indexes, Totals, accrued, reserves
from keeper.protocols.comet.records import BASE, Collateral, Terms
from keeper.types import Address


class Asset(NamedTuple):
    """A listed collateral. `price` has 8 decimals, 0 where the feed has no answer; `stock` is for sale."""

    number: int
    address: Address
    price: int
    stock: int
    terms: Collateral

    def value(self, amount: int) -> int:
        """Worth (mulPrice) in the feeds' unit, 8 decimals.

        Raises:
            Degraded: the feed has no answer, so the contract would revert.
        """
        if not self.price:
            raise Degraded(f"the price feed {self.terms.feed} of {self.address} has no answer")
        return amount * self.price // self.terms.scale


@dataclass(frozen=True, slots=True)
class CometFrame:
    """`stored` are the indexes as the contract last wrote them, `totals` are accrued to `timestamp`.

    `rate` is what the feeds' unit is worth in dollars, None where that is unknown.
    """

    comet: Address
    timestamp: int
    terms: Terms
    stored: Indexes
    totals: Totals
    price: int
    cash: int
    paused: int
    assets: tuple[Asset, ...]
    rate: Rate | None

    @property
    def indexes(self) -> Indexes:
        return self.totals.indexes

    @property
    def reserves(self) -> int:
        """Base tokens that belong to nobody; negative where the comet owes more than it has."""
        return reserves(self.totals, self.cash)

    def base_value(self, amount: int) -> int:
        """Worth of base tokens (mulPrice).

        Raises:
            Degraded: the feed has no answer.
        """
        if not self.price:
            raise Degraded(f"the price feed {self.terms.feed} of the base token has no answer")
        return amount * self.price // self.terms.scale

    def asset(self, number: int) -> Asset | None:
        """A listed collateral by its number."""
        return next((asset for asset in self.assets if asset.number == number), None)


def build(book: Book, timestamp: int, prices: Mapping[Address, int]) -> CometFrame:
    """Project the book to `timestamp`; `prices` (USD, 8 decimals) replace the feeds' where given.

    Raises:
        Degraded: the comet was not read yet, or prices in USD mean nothing to its feeds.
    """
    totals: Totals | None = book.get(("totals",))
    if totals is None:
        raise Degraded("the comet's totals have not been read yet")
    answers, rate = supposing(book, prices)
    terms = records.terms(book)
    return CometFrame(
        comet=records.comet(book),
        timestamp=timestamp,
        terms=terms,
        stored=totals.indexes,
        totals=accrued(totals, terms.supply, terms.borrow, timestamp),
        price=answers[BASE],
        cash=book.get(("cash",)) or 0,
        paused=book.get(("paused",), 0),
        assets=tuple(_asset(book, number, answers[number]) for number in records.order(book)),
        rate=rate,
    )


def _asset(book: Book, number: int, price: int) -> Asset:
    return Asset(
        number,
        records.asset(book, number),
        price,
        book.get(("stock", number)) or 0,
        book.get(("collateral", number)),
    )
