"""Prices that may not rise above a peg: dollar stablecoins, and those pegged to another feed (§9.5)."""

from typing import NamedTuple

from keeper.protocols.oracles.source import Change, Found, Source, View, quotient
from keeper.protocols.oracles.words import contract, data, integer, integers
from keeper.types import Address, Log


class StableCap(NamedTuple):
    """PriceCapAdapterStable: the price of `asset`, at most `cap`."""

    asset: Address
    cap: int

    def answer(self, view: View) -> int | None:
        price = view.answer(self.asset)
        if price is None:
            return None
        return self.cap if price > self.cap else max(price, 0)

    def children(self) -> tuple[Address, ...]:
        return (self.asset,)


class PegCap(NamedTuple):
    """The variant for the euro: the price of `asset`, at most `ratio` / 10**`decimals` of `peg`."""

    asset: Address
    peg: Address
    ratio: int
    decimals: int

    def answer(self, view: View) -> int | None:
        price, peg = view.answer(self.asset), view.answer(self.peg)
        if price is None or peg is None:
            return None
        return min(price, quotient(peg * self.ratio, 10**self.decimals))

    def children(self) -> tuple[Address, ...]:
        return self.asset, self.peg


def _cap_updated(record: StableCap, log: Log) -> StableCap:
    return record._replace(cap=data(log, 0))


def _ratio_updated(record: PegCap, log: Log) -> PegCap:
    return record._replace(ratio=data(log, 0))


STABLE_EVENTS: dict[str, Change] = {"PriceCapUpdated(int256)": _cap_updated}
PEG_EVENTS: dict[str, Change] = {"PriceCapRatioUpdated(int256)": _ratio_updated}

ASSET = "ASSET_TO_USD_AGGREGATOR()"
_PEG = "BASE_TO_USD_AGGREGATOR()"
_CAP = "getPriceCap()"
_RATIO = ("getPriceCapRatio()", "RATIO_DECIMALS()")
GETTERS = (ASSET, _PEG, _CAP, *_RATIO)


def recognise_stable(found: Found) -> Source | None:
    asset, cap = contract(found, ASSET), integer(found, _CAP)
    return None if asset is None or cap is None else StableCap(asset, cap)


def recognise_peg(found: Found) -> Source | None:
    asset, peg, ratio = contract(found, ASSET), contract(found, _PEG), integers(found, *_RATIO)
    return None if asset is None or peg is None or ratio is None else PegCap(asset, peg, *ratio)
