"""Liquidating twice where the close factor forbids to repay enough at once.

Source: Qin, Zhou, Gamito, Jovanovic, Gervais, "An Empirical Study of DeFi Liquidations" (2021), §5.2, the
optimal fixed spread strategy: the first liquidation repays as much as leaves the account just liquidatable,
so that the second may repay the protocol's share of all that is left. Together that is more than the share
allowed at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from keeper.plan.lasting import Horizon
from keeper.plan.quotes import quoted
from keeper.plan.route import Venue
from keeper.plan.search import search
from keeper.plan.sequence import State, Turn
from keeper.plan.shortlist import Paths
from keeper.plan.terms import Offer, Terms, Trial
from keeper.plan.verdict import Case
from keeper.protocols.base import Foresighted, Health, Opportunity, Reads, Refusal
from keeper.types import WAD, Address

MARGINS = (10**6, 10**4, 10**3, 10**2)
"""The first step stays such a fraction below the edge, where roundings (of an average threshold to a
hundredth of a percent, above all) might heal the account: the least that does."""


class Step(NamedTuple):
    """One of two liquidations of an account, and the terms that it was priced on."""

    case: Case
    trial: Trial
    terms: Terms


class Left(NamedTuple):
    """The pair of a first step, and the terms, as it leaves them."""

    opportunity: Opportunity
    terms: Terms


def in_two_steps(
    turns: Sequence[Turn], start: State, paths: Paths, venues: Mapping[Address, Venue]
) -> Reads[dict[Address, tuple[Step, Step]]]:
    """Both steps of every account that is worth more in two, by more than a plan has to bring.

    The first step is priced in the account's own turn, the second after all turns, so that nobody else's
    plan is worth less for it.
    """
    taken = [(case, once) for case, once in turns if once and once.profit.net_usd >= start.least]
    offers = [_worthwhile(once, start, paths) for _, once in taken]
    if not any(offers):
        return {}
    state, firsts = start.fresh(), list[tuple[Step, Trial]]()
    for (case, once), offer in zip(taken, offers, strict=True):
        first = (yield from _priced(offer, state.terms, state, paths, venues)) if offer else None
        if first is not None:
            firsts.append((Step(case, first, state.terms), once))
        state.commit(case, first or once)
    found: dict[Address, tuple[Step, Step]] = {}
    for step, once in firsts:
        second = yield from _second(step, state, paths, venues)
        if second is not None and _pays(step.trial, second.trial, once, state.least):
            found[step.case.account] = step, second
            state.commit(step.case, second.trial)
        else:  # what of it the first step did already counts twice then, which makes nothing look better
            state.commit(step.case, once)
    return found


def _pays(first: Trial, second: Trial, once: Trial, least: int) -> bool:
    parts = first.profit.net_usd, second.profit.net_usd
    return min(parts) >= least and sum(parts) > once.profit.net_usd + least


def _worthwhile(once: Trial, state: State, paths: Paths) -> Offer | None:
    """The first of two steps where both could pay; None where they would not even at unmoved prices."""
    terms, pools, least = state.terms, state.liquidity.pools, state.least
    edge = first_size(once, terms)
    if edge is None:
        return None
    first = terms.offer(replace(once.opportunity, ranges=((edge, edge),)))
    if not isinstance(first, Offer):
        return None
    best = once.profit.net_usd
    # `once` is the best of all sizes, so that this one pays no more either.
    most = min(terms.ceiling(first, paths[first.pair], pools), best)
    left = _after(first.opportunity, first.most.repay, terms) if most >= least else None
    second = left and left.terms.offer(left.opportunity)
    if not isinstance(second, Offer):
        return None
    more = terms.ceiling(second, paths[second.pair], pools)
    return first if more >= least and most + more > best + least else None


def _second(step: Step, state: State, paths: Paths, venues: Mapping[Address, Venue]) -> Reads[Step | None]:
    """The best step after `step` on what all turns so far leave."""
    left = _after(step.trial.opportunity, step.trial.settlement.repay, state.terms)
    if left is None:
        return None
    terms = replace(left.terms, later=_later(step, state.terms))
    offer = terms.offer(left.opportunity)
    trial = (yield from _priced(offer, terms, state, paths, venues)) if isinstance(offer, Offer) else None
    return trial and Step(step.case, trial, terms)


def first_size(trial: Trial, terms: Terms) -> int | None:
    """The most that can be repaid first so that the account stays liquidatable; None if two steps are no use.

    Health less one, times the debt, falls on a straight line with what is repaid, so two points tell where it
    crosses; the market itself has the last word.
    """
    opportunity, full = trial.opportunity, trial.settlement.repay
    if trial.size < opportunity.ranges[-1][1] or not isinstance(terms.market, Foresighted):
        return None
    now = _shortfall(terms.market.health(opportunity.account, terms.frame))
    then = _health(opportunity, full, terms)
    if then is None or then.debt == 0:
        return None
    if then.liquidatable:
        return full
    size = full * now // (now - _shortfall(then))
    for margin in MARGINS:
        size -= size // margin + 1
        left = _health(opportunity, size, terms) if size > 0 else None
        if left is None:
            return None
        if left.liquidatable:
            return size
    return None


def _shortfall(health: Health) -> int:
    """What the account's debt exceeds its weighted collateral by; below zero when it is healthy."""
    return (WAD - health.health_factor) * health.debt


def _health(opportunity: Opportunity, repay: int, terms: Terms) -> Health | None:
    assert isinstance(terms.market, Foresighted), "asked before"
    left = terms.market.after(opportunity, repay, terms.frame)
    if isinstance(left, Refusal):
        return None
    market, frame = left
    return market.health(opportunity.account, frame)


def _after(opportunity: Opportunity, repay: int, terms: Terms) -> Left | None:
    """What repaying `repay` leaves; the pools and lenders are those of `terms`."""
    assert isinstance(terms.market, Foresighted), "asked before"
    left = terms.market.after(opportunity, repay, terms.frame)
    if isinstance(left, Refusal):
        return None
    market, frame = left
    pair = (opportunity.debt.asset, opportunity.collateral.asset)
    found = market.opportunities(opportunity.account, frame)
    same = next((each for each in found if (each.debt.asset, each.collateral.asset) == pair), None)
    return Left(same, replace(terms, market=market, frame=frame)) if same else None


def _later(step: Step, terms: Terms) -> Horizon | None:
    """The last block that a second step may wait for, None where the first does not last."""
    assert isinstance(terms.market, Foresighted), "asked before"
    if terms.later is None:
        return None
    left = terms.market.after(step.trial.opportunity, step.trial.request, terms.later.frame)
    return None if isinstance(left, Refusal) else Horizon(left[1])


def _priced(
    offer: Offer, terms: Terms, state: State, paths: Paths, venues: Mapping[Address, Venue]
) -> Reads[Trial | None]:
    narrowed = {offer.pair: paths[offer.pair]}
    [trial] = yield from quoted(
        search([offer], narrowed, terms, state.liquidity.pools), venues, state.liquidity
    )
    return trial
