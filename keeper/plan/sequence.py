"""The plans of a burst, one after the other: each is quoted on what the ones before it leave.

Every plan was first made as if it were the only one. Taken in turn, the best of them may find its pools
traded in already; then it is priced again, sized again where that costs it more than a hair, and goes
back in line with its new worth. What is never touched is never looked at twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from math import inf
from typing import NamedTuple, Self

from keeper.plan.funding import Need, lends
from keeper.plan.liquidity import Liquidity, pools_of
from keeper.plan.model import Plan
from keeper.plan.profit import to_usd
from keeper.plan.quotes import Quoting, quoted
from keeper.plan.route import Path, PoolKey, Quote, QuoteRequest, Venue, steps
from keeper.plan.sale import sell
from keeper.plan.search import search
from keeper.plan.shortlist import Paths
from keeper.plan.terms import Offer, Terms, Trial
from keeper.plan.verdict import Case
from keeper.protocols.base import FlashKind, FlashSource, Reads
from keeper.types import Address

HAIR = 20
"""A plan that loses less than this fraction to the ones before it keeps its size and its route.

At its best size a profit is flat: where the price that others leave takes a share s of it, another size
wins back no more than (s/2)^2 of it.
"""


LARGE = 32
"""Candidates of a burst that is ordered once only."""
ALONE = -1
"""The turn after which trials were made that know of no other."""


class Runner(NamedTuple):
    """A candidate, its best trial when alone, and its offers with what each could pay then, best first."""

    case: Case
    alone: Trial
    options: Sequence[tuple[Offer, float]]

    @classmethod
    def of(cls, case: Case, trials: Sequence[Trial | None], ceilings: Sequence[float]) -> Self:
        """`trials` of the case's offers; what was not tried pays less than its ceiling, if it has one."""
        best = max(filter(None, trials), key=Trial.rank)
        worth = [
            trial.profit.net_usd if trial else ceiling
            for trial, ceiling in zip(trials, ceilings, strict=True)
        ]
        options = [option for option in zip(case.offers, worth, strict=True) if option[1] < inf]
        return cls(case, best, sorted(options, key=lambda option: option[1], reverse=True))


class Bought(NamedTuple):
    """What a sale takes out of a pool, token units; None where the pool is not known."""

    token: Address
    amount: int | None


class Turn(NamedTuple):
    """A candidate's trial on what the turns before it leave; None where no pool takes anything more."""

    case: Case
    trial: Trial | None


@dataclass(frozen=True, slots=True)
class Reserved:
    """A flash lender out of whose reserves earlier turns take `taken` (token units)."""

    source: FlashSource
    taken: Mapping[Address, int]

    @property
    def kind(self) -> FlashKind:
        return self.source.kind

    @property
    def lender(self) -> Address:
        return self.source.lender

    def available(self, token: Address) -> int:
        return max(self.source.available(token) - self.taken.get(token, 0), 0)

    def fee(self, token: Address, amount: int) -> int:
        return self.source.fee(token, amount)


@dataclass(slots=True)
class State:
    """What the turns so far leave. `touched` says after how many turns a pool was last traded in.

    `least` (USD with 8 decimals) is what a turn must bring, else it is passed over.
    `crowded`: some turn came too late for what it wanted.
    """

    terms: Terms
    liquidity: Liquidity
    least: int
    touched: dict[PoolKey, int] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    crowded: bool = False

    def fresh(self) -> "State":
        """A copy to take turns on."""
        return State(self.terms, self.liquidity, self.least, dict(self.touched))

    def on_loans(self) -> "State":
        """The same without flash swaps.

        They fail where less is seized than they sold. The second of two steps seizes less while the first is
        still on its way, as its last look may see it.
        """
        lenders = [source for source in self.terms.sources if source.kind is not FlashKind.FLASH_SWAP]
        return replace(self, terms=replace(self.terms, sources=lenders))

    def make_way(self, deed: Trial | Plan) -> None:
        """Trade over its route, and take out of the lenders what it takes."""
        token, terms = deed.opportunity.collateral.address, self.terms
        paid = _paid_out(deed, self.liquidity)
        by_lender = {terms.pools[key]: each for key, each in paid.items() if key in terms.pools}
        self.terms = replace(terms, sources=[_left(source, deed, by_lender) for source in terms.sources])
        self.liquidity = self.liquidity.after(deed.route, token)
        self.touched |= dict.fromkeys(pools_of(deed.route, token), len(self.turns))

    def commit(self, case: Case, trial: Trial) -> None:
        """Give the turn to `case`."""
        self.turns.append(Turn(case, trial))
        self.make_way(trial)

    def stale(self, trial: Trial, seen: int) -> bool:
        """Whether a trial made after turn `seen` may be wrong by now."""
        pools = pools_of(trial.route, trial.opportunity.collateral.address)
        return any(self.touched.get(key, ALONE) > seen for key in pools)

    def lends(self, trial: Trial) -> bool:
        """Whether who was to lend for a trial still has that much."""
        if trial.loan is None or not self.terms.flash_loan:
            return True
        need = Need.of(trial.opportunity, trial.request, trial.settlement, trial.instruction)
        return lends(self.terms.sources, need, trial.loan)

    @property
    def worth(self) -> int:
        """Net profit of all turns, USD with 8 decimals."""
        return sum(turn.trial.profit.net_usd for turn in self.turns if turn.trial)


Key = Callable[[Trial], float]


def by_value(trial: Trial) -> float:
    """Who pays most goes first."""
    return trial.profit.net_usd


def by_yield(trial: Trial) -> float:
    """Who pays most for what it takes out of the pools goes first."""
    return trial.profit.net_usd / max(to_usd(trial.settlement.repay, trial.opportunity.debt), 1)


def best_order(
    runners: Sequence[Runner], paths: Paths, start: State, venues: Mapping[Address, Venue]
) -> Reads[State]:
    """All runners in turn, in the better of two orders: by value, and by yield where that brings more.

    By value is right when there is enough for all, by yield often when there is not. A large burst is not
    gone through twice: who sends first gets more than who sends the better order.
    """
    first = yield from in_turn(runners, paths, start.fresh(), venues, by_value)
    if not first.crowded or len(runners) > LARGE:
        return first
    second = yield from in_turn(runners, paths, start.fresh(), venues, by_yield)
    return max(first, second, key=lambda state: state.worth)


def in_turn(
    runners: Sequence[Runner], paths: Paths, state: State, venues: Mapping[Address, Venue], key: Key
) -> Reads[State]:
    """Let the runner with the largest `key` go first, again and again, until all had their turn.

    Who finds its pools traded in is priced again as it is, and lines up with that; only who comes to the
    front so is sized again.
    """
    trials: list[Trial | None] = [runner.alone for runner in runners]
    line = [(-key(runner.alone), place, ALONE) for place, runner in enumerate(runners)]
    heapify(line)
    while line:
        _, place, seen = heappop(line)
        runner, alone, trial = runners[place], runners[place].alone, trials[place]
        if state.stale(alone, seen) or (trial and not state.lends(trial)):
            state.crowded = True
            trial = yield from quoted(_reprice(alone, state.terms), venues, state.liquidity)
            trials[place] = trial
            heappush(line, (-key(trial) if trial else inf, place, len(state.turns)))
            continue
        if trial is None or _lost(trial, alone):
            trial = yield from _again(runner, trial, paths, state, venues)
        if trial is None or trial.profit.net_usd < state.least:
            state.turns.append(Turn(runner.case, trial))
        else:
            state.commit(runner.case, trial)
    return state


def _lost(trial: Trial, alone: Trial) -> bool:
    """Whether a trial pays so much less than when alone that another size or route may be better."""
    return trial.profit.net_usd * HAIR < alone.profit.net_usd * (HAIR - 1)


def _again(
    runner: Runner, trial: Trial | None, paths: Paths, state: State, venues: Mapping[Address, Venue]
) -> Reads[Trial | None]:
    """The runner's best trial on what is left; an option that paid less when alone cannot overtake."""
    best = trial
    for offer, alone in runner.options:
        if best is not None and alone <= best.profit.net_usd:
            break
        least = best.profit.net_usd if best is not None else 0
        if state.terms.ceiling(offer, paths[offer.pair], state.liquidity.pools) <= least:
            continue
        narrowed = {offer.pair: paths[offer.pair]}
        [found] = yield from quoted(
            search([offer], narrowed, state.terms, state.liquidity.pools), venues, state.liquidity
        )
        best = max(filter(None, (best, found)), key=Trial.rank, default=None)
    return best


def _reprice(trial: Trial, terms: Terms) -> Quoting[Trial | None]:
    """The same size over the same legs, at the prices of now."""
    token = trial.opportunity.collateral.address
    legs = [(Path(leg.venue, token, leg.hops), leg.amount_in) for leg in trial.route.legs]
    if not legs:
        return trial
    quotes = yield [QuoteRequest(path, amount) for path, amount in legs]
    found = [quote for quote in quotes if quote is not None]
    if len(found) < len(legs):
        return None
    out, gas = sum(quote.amount_out for quote in found), sum(quote.gas for quote in found)
    return terms.trial(trial.opportunity, trial.size, trial.settlement, Quote(out, gas, tuple(legs)))


def _left(source: FlashSource, deed: Trial | Plan, bought: Mapping[Address, Bought]) -> FlashSource:
    """The source after `deed`: the protocol's reserves pay out what is seized, pools what is bought of them.

    The owner's allowance is used up by what it lends.
    """
    pair = deed.opportunity
    if source.lender == deed.instruction.venue:
        token, amount = pair.collateral.address, deed.settlement.seize
    elif source.kind is FlashKind.NONE and deed.loan and deed.loan.kind is FlashKind.NONE:
        token, amount = pair.debt.address, deed.request
    elif source.kind is FlashKind.UNISWAP_V3 and source.lender in bought:
        token, exact = bought[source.lender]
        amount = source.available(token) if exact is None else exact
    else:
        return source
    known = source.taken if isinstance(source, Reserved) else {}
    inner = source.source if isinstance(source, Reserved) else source
    return Reserved(inner, {**known, token: known.get(token, 0) + amount})


def _paid_out(deed: Trial | Plan, liquidity: Liquidity) -> Mapping[PoolKey, Bought]:
    """What the sale of `deed` takes out of each pool that it passes."""
    paid: dict[PoolKey, Bought] = {}
    for leg in deed.route.legs:
        for count, hop in enumerate(leg.hops, start=1):
            path = Path(leg.venue, deed.opportunity.collateral.address, leg.hops[:count])
            sold = sell(path, leg.amount_in, liquidity.pools)
            *_, (key, _) = steps(path)
            paid[key] = Bought(hop.token_out, sold.amount_out if sold else None)
    return paid
