"""A chosen size is one that the protocol accepts at every second in which its transaction may land."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keeper.plan.lasting import FALL, Horizon, shared
from keeper.plan.model import Hop
from keeper.plan.quotes import Quoting
from keeper.plan.route import Path, Question, Quote, QuoteRequest
from keeper.plan.search import WORTH_LASTING, search
from keeper.plan.strategy import GasModel
from keeper.plan.terms import Offer, Terms, Trial
from keeper.protocols.base import FlashKind, Market, Opportunity, Settlement
from keeper.protocols.flash import Lender
from keeper.types import BPS, RAY, USD, WAD, Address
from tests.aave_v3_world import ALICE, START, address
from tests.aave_v3_world import World as AaveV3
from tests.aave_v4_world import World as AaveV4

HORIZON = 144
"""Seconds: twelve blocks of twelve."""
UNIT = 10**18
EDGES = (1_000, 2_000, 2_000, 4_000)
"""Dollars at which rules change, and twice as much."""
NEAR = 5 * 10**12
"""Of 1e18: what interest adds in HORIZON seconds at 100 % a year."""
GWEI, ETHER = 10**9, 2_000 * USD
BANK = address(0xBA2C)
GAS = GasModel(liquidation=100_000)


def near(draw: st.DrawFn, dollars: int) -> int:
    """An amount of a token at a dollar within NEAR of `dollars`."""
    return dollars * UNIT + dollars * draw(st.integers(-NEAR, NEAR))


def rates(draw: st.DrawFn) -> tuple[int, int]:
    """Liquidity and borrow rate up to 100 % a year, in ray.

    Never the same: where both sides grow alike, rounding alone would decide, this way now and that way then.
    """
    even, odd = 2 * draw(st.integers(0, 49)), 2 * draw(st.integers(0, 49)) + 1
    return even * RAY // 100, odd * RAY // 100


def collateral_for(draw: st.DrawFn, owed: int) -> int:
    """Collateral that makes `owed` liquidatable: near where all may be repaid, at an edge, or any."""
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return owed * 95 * 100 // (80 * 100) + owed * draw(st.integers(-NEAR, NEAR)) // UNIT
    return near(draw, draw(st.sampled_from(EDGES))) if kind == 1 else owed * draw(st.integers(90, 125)) // 100


class Account(NamedTuple):
    """Token units at a dollar."""

    collateral: int
    more: int  # of another collateral
    debt: int
    other: int  # another debt


def at_an_edge(draw: st.DrawFn) -> Account:
    """The debt is near an amount at which rules change."""
    debt = near(draw, draw(st.sampled_from(EDGES)))
    return Account(collateral_for(draw, debt), 0, debt, 0)


def at_half_of_all(draw: st.DrawFn) -> Account:
    """Each debt is near the half of both, which is what one call may repay."""
    debt = draw(st.integers(2_500, 20_000)) * UNIT
    other = debt + debt * draw(st.integers(NEAR // 5_000, NEAR)) // UNIT * draw(st.sampled_from([1, -1]))
    return Account((debt + other) * draw(st.sampled_from([100, 110, 120, 124])) // 100, 0, debt, other)


def at_all_of_a_collateral(draw: st.DrawFn) -> Account:
    """All of a collateral is what the whole debt buys, or half of it, but for a hair."""
    debt = draw(st.integers(4_200, 20_000)) * UNIT
    bought = (
        debt * draw(st.sampled_from([105, 210])) * (UNIT + draw(st.integers(-NEAR, NEAR))) // (200 * UNIT)
    )
    return Account(bought, max(debt * draw(st.sampled_from([100, 110, 124])) // 100 - bought, 0), debt, 0)


@st.composite
def on_aave_v3(draw: st.DrawFn) -> Market:
    """An account of Aave v3.3 or later that stands near one bound."""
    world = AaveV3(draw(st.sampled_from([7, 8, 9, 10, 11])))
    assets = [world.list(price=USD, bonus=10_500) for _ in range(4)]
    drawn = draw(st.sampled_from([at_an_edge, at_half_of_all, at_all_of_a_collateral]))(draw)
    for asset, amount, move in zip(assets, drawn, [world.supply] * 2 + [world.borrow] * 2, strict=True):
        if amount:
            move(ALICE, asset, amount)
    for asset in assets:
        world.accrue(asset, RAY, RAY, rates(draw))
    return world.market


@st.composite
def on_aave_v4(draw: st.DrawFn) -> Market:
    """An account of Aave v4 that stands near some bound."""
    world = AaveV4()
    taken, owed = world.list(price=USD), world.list(price=USD)
    for number in (taken, owed):
        world.fund(number, 10**30, 10**30)
        world.accrue(number, rate=rates(draw)[1])
    world.rules(draw(st.integers(100, 120)) * WAD // 100, 9 * WAD // 10, 10_000)
    debt = near(draw, draw(st.sampled_from(EDGES)))
    world.borrow(ALICE, owed, debt, amount=debt)
    world.supply(ALICE, taken, collateral_for(draw, debt))
    world.use(ALICE, taken)
    return world.market


def premium(amount: int) -> int:
    return -(-amount * 5 // 10_000)


class Pool(NamedTuple):
    """A constant-product pool without a fee: `depth` units bought, the same worth (at `price`) sold."""

    depth: int
    price: int = 1

    def answer(self, question: Question) -> Quote:
        assert isinstance(question, QuoteRequest)
        worth = question.amount_in * self.price
        return Quote(self.depth * worth // (self.depth + worth), 100_000)


def hold(conversation: Quoting[list[Trial | None]], pool: Pool) -> list[Trial | None]:
    try:
        questions = next(conversation)
        while True:
            questions = conversation.send([pool.answer(question) for question in questions])
    except StopIteration as stop:
        found: list[Trial | None] = stop.value
        return found


def terms_of(market: Market, start: int, later: Horizon | None) -> Terms:
    lenders = [Lender(FlashKind.BALANCER, BANK, {each.address: 10**30 for each in market.assets()}, premium)]
    return Terms(market, market.frame(start), GAS, GWEI, ETHER, True, lenders, later=later)


def offers_of(market: Market, terms: Terms) -> list[Offer]:
    answers = [terms.offer(each) for each in market.opportunities(ALICE, terms.frame)]
    return [each for each in answers if isinstance(each, Offer)]


def path_of(pair: Opportunity) -> Path:
    return Path(Address("0x" + "fa" * 20), pair.collateral.address, (Hop(pair.debt.address, 500),))


def sized(offers: Sequence[Offer], terms: Terms, pool: Pool) -> list[Trial | None]:
    paths = {offer.pair: [path_of(offer.opportunity)] for offer in offers}
    return hold(search(offers, paths, terms, {}), pool)


def accepted(market: Market, trial: Trial, start: int) -> list[bool]:
    """Whether the protocol takes it, second by second."""
    return [
        isinstance(market.settle(trial.opportunity, trial.request, market.frame(start + second)), Settlement)
        for second in range(HORIZON + 1)
    ]


def check(market: Market, pool: Pool) -> None:
    terms = terms_of(market, START, Horizon.of(market, START + HORIZON))
    offers = offers_of(market, terms)
    assume(offers)
    for offer, trial in zip(offers, sized(offers, terms, pool), strict=True):
        if trial is None:
            continue
        if terms.lasts(trial):
            assert all(accepted(market, trial, START))
            continue
        for size in {end for bounds in terms.lasting(offer) for end in bounds}:
            settled = market.settle(offer.opportunity, size, terms.frame)
            assert isinstance(settled, Settlement)
            question = terms.question(offer.opportunity, path_of(offer.opportunity), settled.seize)
            other = terms.trial(offer.opportunity, size, settled, pool.answer(question))
            assert other is not None
            pays = other.profit.net_usd * WORTH_LASTING >= trial.profit.net_usd
            assert not (pays and terms.lasts(other)), "a size that lasts was overlooked"


@settings(deadline=None, max_examples=150)
@given(on_aave_v3(), st.integers(4, 9))
def test_size__aave_v3_near_a_bound__is_accepted_until_the_last_block(market: Market, power: int) -> None:
    check(market, Pool(UNIT * 10**power))


@settings(deadline=None, max_examples=60)
@given(on_aave_v4(), st.integers(4, 9))
def test_size__aave_v4_near_a_bound__is_accepted_until_the_last_block(market: Market, power: int) -> None:
    check(market, Pool(UNIT * 10**power))


def small_profit() -> Market:
    """$540 of a first collateral earn interest, and are all that a call of $514 takes."""
    world = AaveV3()
    first, second, owed = world.list(price=2_000 * USD), world.list(price=USD), world.list(price=USD)
    world.supply(ALICE, first, 27 * UNIT // 100)
    world.supply(ALICE, second, 300 * UNIT)
    world.borrow(ALICE, owed, 690 * UNIT)
    for asset in (first, second, owed):
        world.accrue(asset, RAY, RAY, (RAY // 20, RAY // 10))
    return world.market


def two_debts() -> Market:
    """Half of all that is owed is a hair above the first debt, until the first has grown."""
    world = AaveV3()
    taken, owed, other = (world.list(price=USD) for _ in range(3))
    world.supply(ALICE, taken, 14_500 * UNIT)
    world.borrow(ALICE, owed, 6_000 * UNIT)
    world.borrow(ALICE, other, 6_000 * UNIT + UNIT // 10_000)
    world.accrue(owed, RAY, RAY, (0, RAY))
    return world.market


def hasty_and_patient(market: Market, pool: Pool) -> list[tuple[Trial, list[bool]]]:
    """The first offer's trial made for the next block alone and one that lasts, with who accepts it when."""
    found = []
    for later in (None, Horizon(market.frame(START + HORIZON))):
        terms = terms_of(market, START, later)
        first, *_ = sized(offers_of(market, terms), terms, pool)
        assert first is not None
        found.append((first, accepted(market, first, START)))
    return found


def test_size__all_of_the_collateral_for_a_small_profit__asks_for_more_than_is_taken_now() -> None:
    """More costs a hair of flash fee, for which a small profit alone would ask for no more than there is."""
    [hasty, before], [patient, after] = hasty_and_patient(small_profit(), Pool(13_000 * UNIT, 2_000))
    assert before[0]
    assert not before[-1]
    assert all(after)
    assert patient.request > hasty.request
    assert patient.settlement.seize == hasty.settlement.seize
    assert 0 <= hasty.profit.net_usd - patient.profit.net_usd <= USD // 10_000


def test_size__half_of_all_debt_is_about_to_forbid_the_whole_of_one__repays_less() -> None:
    [hasty, before], [patient, after] = hasty_and_patient(two_debts(), Pool(10**9 * UNIT))
    assert before[0]
    assert not before[-1]
    assert all(after)
    assert patient.settlement.repay < hasty.settlement.repay


def test_size__what_is_left_of_the_collateral_is_about_to_be_dust__repays_less() -> None:
    """Half of the debt takes all of the collateral but $1,000 and a few cents."""
    world = AaveV3()
    taken, other, owed = (world.list(price=USD) for _ in range(3))
    world.supply(ALICE, taken, 4_150 * UNIT + UNIT // 20)
    world.supply(ALICE, other, 3_100 * UNIT)
    world.borrow(ALICE, owed, 6_000 * UNIT)
    market, trials = world.market, list[Trial]()
    for later in (None, Horizon.of(market, START)):
        terms = terms_of(market, START, later)
        [offer] = [each for each in offers_of(market, terms) if each.opportunity.collateral.address == taken]
        trials += filter(None, sized([offer], terms, Pool(10**9 * UNIT)))
    for fall in (0, 1, 10, 50, FALL):
        frame = market.frame(START, {taken: USD * (BPS - fall) // BPS})
        hasty, patient = (market.settle(each.opportunity, each.request, frame) for each in trials)
        assert isinstance(patient, Settlement)
        assert isinstance(hasty, Settlement) is (fall == 0)
    hasty_trial, patient_trial = trials
    assert patient_trial.profit.net_usd * 100 > hasty_trial.profit.net_usd * 98


ranges = st.lists(st.integers(0, 60), unique=True, max_size=8).map(
    lambda ends: list(pairwise(sorted(ends)))[::2]
)


@given(ranges, ranges)
def test_shared__any_two_sets__is_what_is_in_both(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    def members(bounds: Sequence[tuple[int, int]]) -> set[int]:
        return {amount for low, high in bounds for amount in range(low, high + 1)}

    found = list(shared(one, other))
    assert members(found) == members(one) & members(other)
    assert sum(high - low + 1 for low, high in found) == len(members(found)), "disjoint"
    assert found == sorted(found)
