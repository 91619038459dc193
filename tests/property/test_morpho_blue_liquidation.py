"""Liquidations against an independent restatement of the reference, and the screen that precedes them."""

from hypothesis import assume, given
from hypothesis import strategies as st

from keeper.protocols.base import Refusal, Settlement
from keeper.protocols.morpho_blue.liquidation import Outcome, liquidate
from keeper.protocols.morpho_blue.offers import MorphoOpportunity
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import account_key
from keeper.protocols.morpho_blue.screen import SCREEN_MARGIN
from keeper.types import MAX_UINT256, WAD, Address
from tests.morpho_world import ALICE, BOB, PRICE, Reference, World

amounts = st.integers(1, 100) | st.integers(1, 10**12) | st.integers(1, 10**26)
share_prices = st.sampled_from([1, 10**3, 10**6, 10**6, 10**7])
prices = st.sampled_from([1, 10**20, PRICE, 10**48]) | st.integers(1, 10**40) | st.integers(1, 10**56)
lltvs = st.sampled_from([0, 385, 625, 770, 860, 945, 980, 999]).map(lambda permille: permille * WAD // 1000)


@st.composite
def references(draw: st.DrawFn) -> Reference:
    """A borrower who may have anything, often close to the limit."""
    assets, price, lltv = draw(amounts), draw(prices), draw(lltvs)
    total = assets * draw(share_prices) + draw(st.integers(0, 1000))
    shares = draw(st.integers(1, max(total, 1)))
    near = shares * assets // max(total, 1) * 10**36 * WAD // (price * max(lltv, 1))
    collateral = draw(st.integers(0, 2**127) | st.integers(-3, 3).map(lambda step: max(near + step, 0)))
    return Reference(
        assets, max(total, shares), price, lltv, shares, min(collateral, 2**128 - 1, MAX_UINT256 // price)
    )


def build(reference: Reference) -> tuple[World, Address]:
    """A deployment in the restated state: the borrower, and another for the rest of the debt."""
    world = World()
    market_id = world.create(price=reference.price, lltv=reference.lltv)
    world.supply(market_id, reference.assets, reference.assets * 10**6)
    world.borrow(market_id, ALICE, reference.assets, reference.shares)
    if reference.total_shares > reference.shares:
        world.borrow(market_id, BOB, 0, reference.total_shares - reference.shares)
    if reference.collateral:
        world.pledge(market_id, ALICE, reference.collateral)
    world.refresh()
    return world, account_key(ALICE, market_id)


@given(references())
def test_health__any_position__is_the_restated_one_and_never_screened_out(reference: Reference) -> None:
    world, account = build(reference)
    frame = world.market.frame(world.now)
    health = world.market.health(account, frame)
    assert (health.collateral, health.debt) == (reference.quoted(), reference.owed())
    assert health.liquidatable is not reference.healthy()
    row = world.book.row(account)
    screened = world.market.screen(frame)[row]
    assert screened <= health.health_factor / WAD * (1 + SCREEN_MARGIN) + SCREEN_MARGIN
    if health.liquidatable:
        assert screened < 1 + SCREEN_MARGIN


@given(references(), st.integers(0, 2**100), st.booleans())
def test_liquidate__either_mode__does_what_is_restated(
    reference: Reference, amount: int, by_shares: bool
) -> None:
    world, account = build(reference)
    market = world.market.frame(world.now).market(0)
    limit = reference.shares if by_shares else reference.collateral
    assume(limit)
    asked = 1 + amount % (limit + 1)  # up to one more than there is
    seized, shares = (0, asked) if by_shares else (asked, 0)
    outcome = liquidate(Position.of(world.book, account), market, seized, shares)
    if reference.healthy():
        assert isinstance(outcome, Refusal)
        return
    factor = reference.factor()
    result = reference.by_shares(asked, factor) if by_shares else reference.by_collateral(asked, factor)
    if result.shares > reference.shares or result.seized > reference.collateral:
        assert isinstance(outcome, Refusal)
        return
    assert isinstance(outcome, Outcome)
    assert (outcome.repaid, outcome.repaid_shares, outcome.seized) == tuple(result)
    assert outcome.bad_debt == reference.bad_debt(result)


@given(references(), st.integers(0, 2**100))
def test_settle__any_accepted_budget__is_the_best_that_morpho_sells_for_it(
    reference: Reference, amount: int
) -> None:
    world, account = build(reference)
    frame = world.market.frame(world.now)
    for opportunity in world.market.opportunities(account, frame):
        assert isinstance(opportunity, MorphoOpportunity)
        ((first, last),) = opportunity.ranges
        budget = first + amount % (last - first + 1)
        settled = world.market.settle(opportunity, budget, frame)
        assert isinstance(settled, Settlement)
        assert settled.repay <= budget
        assert 0 < settled.seize <= reference.collateral
        factor = reference.factor()
        if opportunity.whole and budget >= last:
            assert settled.repay == reference.owed()
            assert reference.by_shares(reference.shares, factor).seized == settled.seize
        else:
            result = reference.by_collateral(settled.seize, factor)
            assert (settled.repay, result.shares <= reference.shares) == (result.repaid, True)
            assert settled.bad_debt.get(opportunity.debt.address, 0) == reference.bad_debt(result)
            if settled.seize < reference.collateral:
                more = reference.by_collateral(settled.seize + 1, factor)
                assert more.repaid > budget or more.shares > reference.shares


@given(references())
def test_settle__more_than_the_last_range__is_capped_to_it(reference: Reference) -> None:
    world, account = build(reference)
    frame = world.market.frame(world.now)
    for opportunity in world.market.opportunities(account, frame):
        last = opportunity.ranges[-1][1]
        capped = world.market.settle(opportunity, last + last // 1000 + 1, frame)
        assert capped == world.market.settle(opportunity, last, frame)
        below = world.market.settle(opportunity, opportunity.ranges[0][0] - 1, frame)
        assert isinstance(below, Refusal) or reference.collateral == 0


@given(references())
def test_exhaust__any_position__leaves_nothing_to_liquidate(reference: Reference) -> None:
    world, account = build(reference)
    frame = world.market.frame(world.now)
    exhaustion = world.market.exhaust(account, frame)
    if reference.healthy() or not world.market.opportunities(account, frame):
        assert exhaustion.steps == 0
        return
    (repaid,), (seized,) = exhaustion.repaid.values(), exhaustion.seized.values()
    position = Position.of(world.book, account)
    assert seized <= position.collateral
    assert repaid <= reference.owed()
    assert exhaustion.steps == 1
