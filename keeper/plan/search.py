"""The most profitable liquidation of each account, found for a whole burst of accounts at once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, inf, log
from typing import NamedTuple

from keeper.plan.flash_swap import sold
from keeper.plan.profit import to_usd
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, Pools, Quote, QuoteRequest
from keeper.plan.sale import next_rate, sell
from keeper.plan.size import Ranges, chosen_size, next_sizes
from keeper.plan.terms import Offer, Pair, Sale, Terms, Trial
from keeper.plan.together import together
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.protocols.base import Opportunity, Settlement
from keeper.types import Address

SPREAD = 4
"""The routes of a token pair are compared once for all accounts, at amounts at most this factor apart."""
DEEPEST = 4096
"""The smallest of these amounts is the smallest seizure divided by this: in a thin market a small part of
a large account may be all that pays, over a route that is not the best for more."""
ROUTES = 3
"""Routes that an offer is sized over."""

WORTH_LASTING = 2
"""A size that lasts is taken unless it pays less than this fraction of the best one: what is skipped on chain
costs its gas and is planned anew, what is too small loses the rest for good."""

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


class Choice(NamedTuple):
    """A way to a trial, and what that cannot bring more than (USD, 8 decimals); inf: nobody can tell."""

    ceiling: float
    trial: Quoting[Trial | None]


def search(offers: Sequence[Offer], paths: Paths, terms: Terms, pools: Pools) -> Quoting[list[Trial | None]]:
    """The best trial of each offer, in the order given; None where no route quotes any size.

    None as well where another offer of the same account pays more than this one could on the known `pools`.
    The routes of each token pair are compared once for the whole burst, then each offer is sized over
    the few routes that promise most for some part of its largest seizure, then over several of them at once
    where the pools are known and that brings more. What does not last is sized again within what does.
    """
    probes = yield from _shortlist(offers, paths, terms, pools)
    rivals = defaultdict[Address, list[Choice]](list)
    for offer in offers:
        ways, account = paths[offer.pair], offer.opportunity.account
        ceiling = terms.ceiling(offer, ways, pools)
        best = _best_sale(offer, probes[offer.pair], ways, terms, pools)
        rivals[account].append(Choice(ceiling, best))
    found = yield from together([_contest(choices) for choices in rivals.values()])
    trials = dict(zip(rivals, map(iter, found), strict=True))
    return [next(trials[offer.opportunity.account]) for offer in offers]


def _contest(choices: Sequence[Choice]) -> Quoting[list[Trial | None]]:
    """The trials of all choices but those that could not be the best, highest ceiling first.

    Those without a ceiling share their rounds of questions.
    """
    order = sorted(range(len(choices)), key=lambda place: choices[place].ceiling, reverse=True)
    free = [place for place in order if choices[place].ceiling == inf]
    trials = dict(zip(free, (yield from together([choices[place].trial for place in free])), strict=True))
    for place in order[len(free) :]:
        best = max(filter(None, trials.values()), key=Trial.rank, default=None)
        if best is None or choices[place].ceiling > best.profit.net_usd:
            trials[place] = yield from choices[place].trial
    return [trials.get(place) for place in range(len(choices))]


def _best_sale(
    offer: Offer, probes: Sequence[Probe], paths: Sequence[Path], terms: Terms, pools: Pools
) -> Quoting[Trial | None]:
    """The offer's most profitable size over one path or several."""
    singles = [
        Choice(terms.ceiling(offer, [path], pools), _size(offer.opportunity, path, terms))
        for path in _promising(probes, offer)
    ]
    found = yield from _contest(singles)
    single = max(filter(None, found), key=Trial.rank, default=None)
    best = yield from _share(offer, _sharing(probes, paths), single, terms)
    return best if terms.later is None else (yield from _lasting(offer, best, probes, paths, terms))


def _shortlist(
    offers: Sequence[Offer], paths: Paths, terms: Terms, pools: Pools
) -> Quoting[Mapping[Pair, Sequence[Probe]]]:
    by_pair: dict[Pair, list[Offer]] = {}
    for offer in offers:
        by_pair.setdefault(offer.pair, []).append(offer)
    probes = yield from together(
        [_compare(paths[pair], group, terms, pools) for pair, group in by_pair.items()]
    )
    return dict(zip(by_pair, probes, strict=True))


def _compare(
    paths: Sequence[Path], offers: Sequence[Offer], terms: Terms, pools: Pools
) -> Quoting[Sequence[Probe]]:
    """Which path is best for amounts across the sizes of `offers`, ascending."""
    seizes = [offer.most.seize for offer in offers]
    unknown = [Probe(max(seizes), path, 0) for path in paths[:ROUTES]]
    if len(paths) < 2:
        return unknown
    debt = offers[0].opportunity.debt
    amounts = _ladder(max(min(seizes) // DEEPEST, 1), max(seizes))
    requests = list(_contenders(paths, amounts, terms.gas_worth(debt), terms, pools))
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


def _promising(probes: Sequence[Probe], offer: Offer) -> list[Path]:
    """The paths of the probes up to the first one not below the largest seizure, best promise first."""
    reach = next((probe.amount for probe in probes if probe.amount >= offer.most.seize), offer.most.seize)
    within = [probe for probe in probes if probe.amount <= reach]
    ranked = sorted(within, key=lambda probe: probe.promise(offer), reverse=True)
    return list(dict.fromkeys(probe.path for probe in ranked))[:ROUTES]


def _sharing(probes: Sequence[Probe], paths: Sequence[Path]) -> tuple[Path, ...]:
    """The paths that may share a sale: the best for some amount first, then as the venues rank them."""
    return tuple(dict.fromkeys([*(probe.path for probe in probes), *paths]))[:SHARING]


def _share(
    offer: Offer, paths: tuple[Path, ...], single: Trial | None, terms: Terms
) -> Quoting[Trial | None]:
    """The better of `single` and the most profitable size over several of `paths` at once."""
    if len(paths) < 2:
        return single
    opportunity = offer.opportunity
    amounts = {offer.most.seize, single.settlement.seize if single else offer.most.seize}
    quotes = yield [terms.question(opportunity, paths, amount) for amount in amounts]
    if not any(quote and len(quote.parts) > 1 for quote in quotes):
        return single
    shared = yield from _size(opportunity, paths, terms)
    return max(filter(None, (single, shared)), key=Trial.rank, default=None)


def _lasting(
    offer: Offer, trial: Trial | None, probes: Sequence[Probe], paths: Sequence[Path], terms: Terms
) -> Quoting[Trial | None]:
    """`trial`, or the best size that lasts where it does not."""
    if trial is None or terms.lasts(trial):
        return trial
    several = _sharing(probes, paths)
    sales: list[Sale] = [*_promising(probes, offer), *([several] if len(several) > 1 else [])]
    ranges = terms.lasting(offer)
    found = yield from together([_size(offer.opportunity, sale, terms, ranges) for sale in sales])
    best = max((each for each in found if each and terms.lasts(each)), key=Trial.rank, default=None)
    return trial if best is None or best.profit.net_usd * WORTH_LASTING < trial.profit.net_usd else best


def _size(
    opportunity: Opportunity, sale: Sale, terms: Terms, ranges: Ranges | None = None
) -> Quoting[Trial | None]:
    """The most profitable size over one path or several; None when no size gets a quote.

    `ranges` are those of the opportunity where none are given.
    """
    ranges = opportunity.ranges if ranges is None else ranges
    trials: dict[int, Trial] = {}
    values: dict[int, int | None] = {}
    while sizes := next_sizes(ranges, values):
        outcomes = [(size, terms.market.settle(opportunity, size, terms.frame)) for size in sizes]
        settled = [(size, outcome) for size, outcome in outcomes if isinstance(outcome, Settlement)]
        in_swap = bool(settled) and terms.in_swap(opportunity, sale, settled[0][1])
        amounts = [sold(outcome.seize) if in_swap else outcome.seize for _, outcome in settled]
        quotes = yield [terms.question(opportunity, sale, amount) for amount in amounts]
        for (size, settlement), amount, quote in zip(settled, amounts, quotes, strict=True):
            trial = quote and terms.trial(opportunity, size, settlement, _whole(sale, quote, amount))
            if trial is not None:
                trials[size] = trial
        values |= {size: trials[size].profit.net_usd if size in trials else None for size in sizes}
    chosen = chosen_size(ranges, values) if ranges else None
    return None if chosen is None else trials[chosen]


def _whole(sale: Sale, quote: Quote, amount: int) -> Quote:
    """`quote` with its parts; a sale over one path has one, of the whole `amount`."""
    return Quote(quote.amount_out, quote.gas, ((sale, amount),)) if isinstance(sale, Path) else quote
