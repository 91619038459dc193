"""Price of a Pendle principal token: its asset's, less a discount that melts away until maturity (§9.5)."""

from typing import NamedTuple

from keeper.protocols.oracles.price_cap import ASSET
from keeper.protocols.oracles.source import YEAR, Change, Found, Source, View
from keeper.protocols.oracles.words import contract, data, integer, integers
from keeper.types import WAD, Address, Log


class Discount(NamedTuple):
    """PendlePriceCapAdapter: `maturity` in seconds, `rate` is the discount of a whole year in wad."""

    asset: Address
    maturity: int
    rate: int

    def answer(self, view: View) -> int | None:
        price = view.answer(self.asset)
        if price is None:
            return None
        if price <= 0:
            return 0
        discount = max(self.maturity - view.timestamp, 0) * self.rate // YEAR
        return price * (WAD - discount) // WAD if discount <= WAD else None

    def children(self) -> tuple[Address, ...]:
        return (self.asset,)


def _rate_updated(record: Discount, log: Log) -> Discount:
    return record._replace(rate=data(log, 1))


EVENTS: dict[str, Change] = {"DiscountRatePerYearUpdated(uint64,uint64)": _rate_updated}

_TERMS = ("MATURITY()", "discountRatePerYear()")
_FACTOR = "PERCENTAGE_FACTOR()"
GETTERS = (ASSET, *_TERMS, _FACTOR)


def recognise(found: Found) -> Source | None:
    asset, terms = contract(found, ASSET), integers(found, *_TERMS)
    if asset is None or terms is None or integer(found, _FACTOR) != WAD:
        return None
    return Discount(asset, *terms)
