"""A deployment's markets projected to one second: accrued totals, prices, liquidation terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import Book
from keeper.protocols.morpho_blue import curve
from keeper.protocols.morpho_blue.math import accrued, incentive
from keeper.protocols.morpho_blue.records import PreLiquidation, Terms, Totals, totals
from keeper.types import ZERO_ADDRESS, Address


class MarketFrame(NamedTuple):
    """One market at one second. `price` (collateral in loan units times 10^36), `incentive` in wad."""

    number: int
    terms: Terms
    totals: Totals
    price: int
    incentive: int


class PreFrame(NamedTuple):
    """A PreLiquidation contract at one second: its parameters and its own oracle's price."""

    contract: Address
    terms: PreLiquidation
    price: int


@dataclass(slots=True)
class MorphoFrame:
    """Implements `keeper.protocols.base.Frame`: markets are computed when first asked for.

    `prices` (USD, 8 decimals) replace a token's price: what oracles say moves in proportion.
    """

    timestamp: int
    book: Book
    prices: Mapping[Address, int]
    _markets: dict[int, MarketFrame] = field(default_factory=dict)

    def market(self, number: int) -> MarketFrame:
        """The market at the frame's second.

        Raises:
            Degraded: the market is set aside, or its oracle or rate model gives no answer.
        """
        found = self._markets.get(number)
        if found is None:
            found = self._markets[number] = self._build(number)
        return found

    def pre(self, contract: Address) -> PreFrame:
        """A PreLiquidation contract at the frame's second.

        Raises:
            Degraded: its oracle gives no answer.
        """
        terms: PreLiquidation = self.book.get(("pre", contract))
        market: Terms = self.book.get(("market", terms.market))
        return PreFrame(contract, terms, self._price(terms.oracle, market))

    def _build(self, number: int) -> MarketFrame:
        terms: Terms = self.book.get(("market", number))
        why = self.book.get(("set_aside", number))
        if why:
            raise Degraded(f"market {terms.id} is set aside: {why}")
        price = self._price(terms.oracle, terms)
        now = accrued_totals(self.book, number, self.timestamp)
        return MarketFrame(number, terms, now, price, incentive(terms.lltv))

    def _price(self, oracle: Address, terms: Terms) -> int:
        price: int | None = self.book.get(("price", oracle))
        if price is None:
            raise Degraded(f"the oracle {oracle} of market {terms.id} gives no price")
        if not self.prices:
            return price
        above, below = self._moved(terms.collateral)
        loan_above, loan_below = self._moved(terms.loan)
        return price * above * loan_below // (below * loan_above)

    def _moved(self, token: Address) -> tuple[int, int]:
        """By which fraction the token's USD price is moved."""
        usual, wanted = self.book.get(("usd", token)), self.prices.get(token)
        return (wanted, usual) if usual and wanted is not None and wanted > 0 else (1, 1)


def accrued_totals(book: Book, number: int, timestamp: int) -> Totals:
    """What Morpho would store of a market after accruing at `timestamp`.

    Raises:
        Degraded: its rate model is not followed and gave no answer when it was read.
    """
    stored = totals(book, number)
    if not stored.borrow_assets or timestamp <= stored.updated:
        return accrued(stored, 0, timestamp)
    return accrued(stored, rate(book, number, timestamp), timestamp)


def rate(book: Book, number: int, timestamp: int) -> int:
    """Average borrow rate from the last accrual to `timestamp`, wad a second.

    Raises:
        Degraded: as `accrued_totals`.
    """
    terms: Terms = book.get(("market", number))
    if terms.irm == ZERO_ADDRESS:
        return 0
    if book.get(("curve", terms.irm)):
        stored = totals(book, number)
        elapsed = max(timestamp - stored.updated, 0)
        return curve.rates(
            stored.supply_assets, stored.borrow_assets, book.get(("rate_at_target", number), 0), elapsed
        ).average
    read: int | None = book.get(("rate", number))
    if read is None:
        raise Degraded(f"the rate model {terms.irm} of market {terms.id} gives no rate")
    return read
