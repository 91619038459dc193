"""Which of all the paths between two tokens are worth trying sizes on."""

from collections.abc import Collection, Mapping, Sequence
from math import ceil, inf, log
from typing import NamedTuple

from keeper.plan.profit import to_usd
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, Pools, QuoteRequest
from keeper.plan.sale import Sold, next_rate, sell
from keeper.plan.terms import Offer, Pair, Terms
from keeper.plan.together import together
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.protocols.base import AssetInfo

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
        paths, offers = self._paths[pair], self._offers[pair]
        seizes = [offer.most.seize for offer in offers]
        unknown = [Probe(max(seizes), path, 0) for path in paths[:ROUTES]]
        if len(paths) < 2:
            return unknown
        field = _Field(paths, offers[0].opportunity.debt, self._terms, self._pools)
        amounts = _ladder(max(min(seizes) // DEEPEST, 1), max(seizes))
        requests = field.requests(amounts)
        quotes = yield requests
        best = field.favoured(amounts)
        for (path, amount), quote in zip(requests, quotes, strict=True):
            if quote is not None:
                worth = field.worth(path, quote.amount_out, quote.gas)
                if amount not in best or worth > best[amount].worth:
                    best[amount] = Probe(amount, path, worth)
        # Sizing may still find an amount that dry pools take.
        return [best[amount] for amount in sorted(best)] or unknown


class _Field:
    """The paths of a pair against its favourite, the one whose first unit brings most."""

    def __init__(self, paths: Sequence[Path], debt: AssetInfo, terms: Terms, pools: Pools) -> None:
        self._debt = debt
        self._terms = terms
        self._pools = pools
        self._gas_worth = terms.gas_worth(debt)
        self._rates = {path: next_rate(path, pools) for path in paths}
        self._costs = {path: self._cost(path, swap_gas(len(path.hops), 0)) for path in paths}
        self._favourite = max(paths, key=self._rates.__getitem__)
        self._sold: dict[int, Sold | None] = {}

    def requests(self, amounts: Sequence[int]) -> list[QuoteRequest]:
        """Every path at every amount that may be better there than the favourite; the favourite where needed.

        Who neither brings as much of the largest amount, be it at the price of the first unit, nor costs less
        gas is better for no amount.
        """
        most = max(amounts)
        rivals = [
            path
            for path in self._rates
            if path != self._favourite
            and (self._costs[path] < self._costs[self._favourite] or self._contends(path, most))
        ]
        return [
            QuoteRequest(path, amount)
            for amount in (amounts if rivals else [most])
            for path in (self._favourite, *rivals)
            if (self._sale(amount) is None if path == self._favourite else self._contends(path, amount))
        ]

    def favoured(self, amounts: Sequence[int]) -> dict[int, Probe]:
        """The favourite at those of `amounts` for which `requests` saw what it brings."""
        known = ((amount, self._sold[amount]) for amount in amounts if amount in self._sold)
        return {
            amount: Probe(amount, self._favourite, self.worth(self._favourite, sold.amount_out, sold.gas))
            for amount, sold in known
            if sold is not None
        }

    def worth(self, path: Path, amount_out: int, gas: int) -> int:
        """USD (8 decimals) of what a sale brings, less the gas of its swaps."""
        return to_usd(amount_out, self._debt) - self._terms.cost(self._terms.gas.swap(gas, len(path.hops)))

    def _contends(self, path: Path, amount: int) -> bool:
        """Whether `path` may be better for `amount`: nothing sells better than its first unit."""
        sold = self._sale(amount)
        floor = sold.amount_out - self._cost(self._favourite, sold.gas) if sold else -inf
        return not self._rates[path] or self._rates[path] * amount - self._costs[path] >= floor

    def _sale(self, amount: int) -> Sold | None:
        if amount not in self._sold:
            self._sold[amount] = sell(self._favourite, amount, self._pools)
        return self._sold[amount]

    def _cost(self, path: Path, gas: int) -> float:
        return self._gas_worth * self._terms.gas.swap(gas, len(path.hops))


def _ladder(low: int, high: int) -> list[int]:
    """Amounts from `low` to `high`, evenly spaced in ratio, at most SPREAD apart; both ends exact."""
    steps = max(ceil(log(high / low, SPREAD)), 1)
    inner = (min(int(low * (high / low) ** (step / steps)), high) for step in range(1, steps))
    return sorted({low, *inner, high})
