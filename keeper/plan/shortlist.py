"""Which of all the paths between two tokens are worth trying sizes on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import ceil, inf, log
from typing import NamedTuple

from keeper.plan.profit import to_usd
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, Pools, QuoteRequest
from keeper.plan.sale import next_rate, sell
from keeper.plan.terms import Offer, Pair, Terms
from keeper.plan.together import together
from keeper.plan.uniswap_v3.gas import swap_gas

SPREAD = 4
"""The routes of a token pair are compared once for all accounts, at amounts at most this factor apart."""
DEEPEST = 4096
"""The smallest of these amounts is the smallest seizure divided by this: in a thin market a small part of
a large account may be all that pays, over a route that is not the best for more."""
ROUTES = 3
"""Routes that an offer is sized over."""

SHARING = 10
"""Paths that a sale over several of them is chosen from, the ones whose first unit brings most."""

Paths = Mapping[Pair, Sequence[Path]]


class Probe(NamedTuple):
    """The best path for `amount` of the collateral. `worth`, USD (8 decimals), is without its swaps' gas."""

    amount: int
    path: Path
    worth: int

    def promise(self, offer: Offer) -> int:
        """USD (8 decimals) that seizing so much would bring, before the fixed costs."""
        repay = offer.most.repay * self.amount // offer.most.seize
        return self.worth - to_usd(repay, offer.opportunity.debt)


class Shortlist:
    """The paths of each token pair compared: once for all `offers`, and no sooner than somebody asks."""

    def __init__(self, offers: Sequence[Offer], paths: Paths, terms: Terms, pools: Pools) -> None:
        self._paths = paths
        self._terms = terms
        self._pools = pools
        self._offers: dict[Pair, list[Offer]] = {}
        for offer in offers:
            self._offers.setdefault(offer.pair, []).append(offer)
        self._probes: dict[Pair, Sequence[Probe]] = {}

    def compare(self, pairs: Collection[Pair]) -> Quoting[None]:
        """Compare the paths of `pairs` now, in one round."""
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._probes]
        probes = yield from together([self._compare(pair) for pair in missing])
        self._probes |= zip(missing, probes, strict=True)

    def promising(self, offer: Offer) -> Quoting[list[Path]]:
        """The best paths for parts of the offer's largest seizure, best promise first."""
        probes = yield from self._found(offer)
        most = offer.most.seize
        reach = next((probe.amount for probe in probes if probe.amount >= most), most)
        within = [probe for probe in probes if probe.amount <= reach]
        ranked = sorted(within, key=lambda probe: probe.promise(offer), reverse=True)
        return list(dict.fromkeys(probe.path for probe in ranked))[:ROUTES]

    def sharing(self, offer: Offer) -> Quoting[tuple[Path, ...]]:
        """Paths that may share a sale: the best for some amount first, then as the venues rank them."""
        probes = yield from self._found(offer)
        paths = [*(probe.path for probe in probes), *self._paths[offer.pair]]
        return tuple(dict.fromkeys(paths))[:SHARING]

    def _found(self, offer: Offer) -> Quoting[Sequence[Probe]]:
        yield from self.compare([offer.pair])
        return self._probes[offer.pair]

    def _compare(self, pair: Pair) -> Quoting[Sequence[Probe]]:
        """Which path is best for amounts across the sizes of the pair's offers, ascending."""
        paths, offers, terms = self._paths[pair], self._offers[pair], self._terms
        seizes = [offer.most.seize for offer in offers]
        unknown = [Probe(max(seizes), path, 0) for path in paths[:ROUTES]]
        if len(paths) < 2:
            return unknown
        debt = offers[0].opportunity.debt
        amounts = _ladder(max(min(seizes) // DEEPEST, 1), max(seizes))
        requests = list(_contenders(paths, amounts, terms.gas_worth(debt), terms, self._pools))
        quotes = yield requests
        best: dict[int, Probe] = {}
        for (path, amount), quote in zip(requests, quotes, strict=True):
            if quote is not None:
                worth = to_usd(quote.amount_out, debt) - terms.cost(terms.gas.swap(quote.gas, len(path.hops)))
                if amount not in best or worth > best[amount].worth:
                    best[amount] = Probe(amount, path, worth)
        return list(best.values()) or unknown  # sizing may still find an amount that dry pools take


def _contenders(
    paths: Sequence[Path], amounts: Sequence[int], gas_worth: float, terms: Terms, pools: Pools
) -> Iterator[QuoteRequest]:
    """Every path at every amount, less those that even at the price of their first unit are not the best."""
    rates = {path: next_rate(path, pools) for path in paths}
    costs = {path: gas_worth * terms.gas.swap(swap_gas(len(path.hops), 0), len(path.hops)) for path in paths}
    favourite = max(paths, key=rates.__getitem__)
    for amount in amounts:
        sold = sell(favourite, amount, pools)
        floor = sold.amount_out - gas_worth * terms.gas.swap(sold.gas, len(favourite.hops)) if sold else -inf
        for path in paths:
            if path == favourite or not rates[path] or rates[path] * amount - costs[path] >= floor:
                yield QuoteRequest(path, amount)


def _ladder(low: int, high: int) -> list[int]:
    """Amounts from `low` to `high`, evenly spaced in ratio, at most SPREAD apart; both ends exact."""
    steps = max(ceil(log(high / low, SPREAD)), 1)
    inner = (min(int(low * (high / low) ** (step / steps)), high) for step in range(1, steps))
    return sorted({low, *inner, high})
