"""The most profitable liquidation of each account, found for a whole burst of accounts at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from keeper.plan.flash_swap import sold
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, Pools, Quote
from keeper.plan.shortlist import Paths, Shortlist
from keeper.plan.size import Ranges, chosen_size, next_sizes
from keeper.plan.terms import Offer, Pair, Sale, Terms, Trial
from keeper.plan.together import together
from keeper.protocols.base import Opportunity, Settlement
from keeper.types import Address

WORTH_LASTING = 2
"""A size that lasts is taken unless it pays less than this fraction of the best one: what is skipped on chain
costs its gas and is planned anew, what is too small loses the rest for good."""


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
    shortlist = Shortlist(offers, paths, terms, pools)
    ceilings = [terms.ceiling(offer, paths[offer.pair], pools) for offer in offers]
    rivals = defaultdict[Address, list[Choice]](list)
    for offer, ceiling in zip(offers, ceilings, strict=True):
        best = _best_sale(offer, shortlist, terms, pools)
        rivals[offer.opportunity.account].append(Choice(ceiling, best))
    yield from shortlist.compare(_first_pairs(offers, ceilings))
    found = yield from together([_contest(choices) for choices in rivals.values()])
    trials = dict(zip(rivals, map(iter, found), strict=True))
    return [next(trials[offer.opportunity.account]) for offer in offers]


def _first_pairs(offers: Sequence[Offer], ceilings: Sequence[float]) -> list[Pair]:
    """The pairs of the offers that are tried in any case: those with the highest ceiling of each account."""
    highest = dict[Address, float]()
    for offer, ceiling in zip(offers, ceilings, strict=True):
        account = offer.opportunity.account
        highest[account] = max(ceiling, highest.get(account, -inf))
    return [
        offer.pair
        for offer, ceiling in zip(offers, ceilings, strict=True)
        if ceiling == highest[offer.opportunity.account]
    ]


def _contest(choices: Sequence[Choice]) -> Quoting[list[Trial | None]]:
    """The trials of all choices but those that could not be the best, highest ceiling first.

    Those without a ceiling share their rounds of questions.
    """
    order = sorted(range(len(choices)), key=lambda place: choices[place].ceiling, reverse=True)
    free = [place for place in order if choices[place].ceiling == inf]
    trials = dict(zip(free, (yield from together([choices[place].trial for place in free])), strict=True))
    for place in order[len(free) :]:
        best = _best(trials.values())
        if best is None or choices[place].ceiling > best.profit.net_usd:
            trials[place] = yield from choices[place].trial
    return [trials.get(place) for place in range(len(choices))]


def _best_sale(offer: Offer, shortlist: Shortlist, terms: Terms, pools: Pools) -> Quoting[Trial | None]:
    """The offer's most profitable size over one path or several."""
    pair = offer.opportunity
    singles = [
        Choice(terms.ceiling(offer, [path], pools), _size(pair, path, terms, pair.ranges))
        for path in (yield from shortlist.promising(offer))
    ]
    single = _best((yield from _contest(singles)))
    several = yield from shortlist.sharing(offer)
    best = _best([single, (yield from _shared(offer, several, single, terms, pair.ranges))])
    return best if terms.later is None else (yield from _lasting(offer, best, shortlist, terms))


def _shared(
    offer: Offer, paths: tuple[Path, ...], single: Trial | None, terms: Terms, ranges: Ranges
) -> Quoting[Trial | None]:
    """The most profitable size over several of `paths` at once; None where one alone brings as much.

    `single` is the best over one path. Where that is the largest size, it is so over several as well: they
    give way less.
    """
    if len(paths) < 2:
        return None
    opportunity, most = offer.opportunity, single.settlement if single else offer.most
    amounts = list(dict.fromkeys([most.seize, offer.most.seize]))
    quotes = yield [terms.question(opportunity, paths, amount) for amount in amounts]
    divided = [quote if quote and len(quote.parts) > 1 else None for quote in quotes]
    if not any(divided):
        return None
    if single is not None and single.size == ranges[-1][1]:
        return divided[0] and terms.trial(opportunity, single.size, most, divided[0])
    return (yield from _size(opportunity, paths, terms, ranges))


def _lasting(offer: Offer, trial: Trial | None, shortlist: Shortlist, terms: Terms) -> Quoting[Trial | None]:
    """`trial`, or the best size that lasts where it does not."""
    ranges = () if trial is None or terms.lasts(trial) else terms.lasting(offer)
    if trial is None or not ranges:
        return trial
    promising = yield from shortlist.promising(offer)
    sized = yield from together([_size(offer.opportunity, path, terms, ranges) for path in promising])
    single = _best(each for each in sized if each and terms.lasts(each))
    shared = yield from _shared(offer, (yield from shortlist.sharing(offer)), single, terms, ranges)
    best = _best([single, shared if shared and terms.lasts(shared) else None])
    return trial if best is None or best.profit.net_usd * WORTH_LASTING < trial.profit.net_usd else best


def _best(trials: Iterable[Trial | None]) -> Trial | None:
    return max(filter(None, trials), key=Trial.rank, default=None)


def _size(opportunity: Opportunity, sale: Sale, terms: Terms, ranges: Ranges) -> Quoting[Trial | None]:
    """The most profitable size in `ranges` over one path or several; None when no size gets a quote."""
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
    chosen = chosen_size(ranges, values)
    return None if chosen is None else trials[chosen]


def _whole(sale: Sale, quote: Quote, amount: int) -> Quote:
    """`quote` with its parts; a sale over one path has one, of the whole `amount`."""
    return Quote(quote.amount_out, quote.gas, ((sale, amount),)) if isinstance(sale, Path) else quote
