"""PreLiquidation against an independent restatement of the reference: no recorded run has it."""

from fractions import Fraction
from math import ceil, floor

from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.protocols.base import Opportunity, Refusal, Settlement
from keeper.protocols.morpho_blue.offers import MorphoOpportunity
from keeper.protocols.morpho_blue.records import account_key
from keeper.protocols.morpho_blue.screen import SCREEN_MARGIN
from keeper.types import WAD, Address
from tests.morpho_world import ALICE, PRE, PRICE, Reference, World

permille = WAD // 1000


@st.composite
def terms(draw: st.DrawFn, lltv: int) -> tuple[int, ...]:
    """preLltv, LCF1, LCF2, LIF1, LIF2 as the contract's constructor accepts them."""
    pre_lltv = draw(st.integers(1, lltv - 1))
    close = sorted(draw(st.tuples(st.integers(1, 1200), st.integers(1, 1200))))
    highest = WAD * WAD // lltv
    bonus = sorted(draw(st.tuples(st.integers(WAD, highest), st.integers(WAD, highest))))
    return pre_lltv, min(close[0] * permille, WAD), close[1] * permille, *bonus


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, Address, Reference, tuple[int, ...], int]:
    lltv = draw(st.sampled_from([500, 770, 860, 945])) * permille
    assets = draw(st.integers(10, 10**6) | st.integers(10, 10**24))
    total = assets * 10**6 + draw(st.integers(0, 10**6))
    price = draw(st.sampled_from([PRICE, 3 * PRICE // 7, 10**24 + 1]))
    parameters = draw(terms(lltv))
    ltv = draw(st.integers(max(parameters[0] - permille, 1), lltv + permille))
    collateral = max(assets * WAD * 10**36 // (ltv * price) + draw(st.integers(-2, 2)), 1)
    collateral = min(collateral, 10**38)  # far more, and Morpho overflows
    pre_price = price * draw(st.sampled_from([1000, 1000, 1000, 1050, 980])) // 1000
    world = World()
    market_id = world.create(price=price, lltv=lltv)
    world.supply(market_id, assets * 2, assets * 2 * 10**6)
    world.borrow(market_id, ALICE, assets, total)
    world.pledge(market_id, ALICE, collateral)
    world.offer_pre_liquidation(market_id, parameters, pre_price)
    world.authorize(ALICE)
    world.refresh()
    reference = Reference(assets, total, price, lltv, total, collateral)
    return world, account_key(ALICE, market_id), reference, parameters, pre_price


def restated(reference: Reference, parameters: tuple[int, ...], price: int) -> tuple[int, int] | None:
    """(incentive, most shares), None where the contract reverts."""
    pre_lltv, close_1, close_2, bonus_1, bonus_2 = parameters
    value = floor(Fraction(reference.collateral * price, 10**36))
    owed, lltv = reference.owed(), reference.lltv
    if owed > floor(Fraction(value * lltv, WAD)) or owed <= floor(Fraction(value * pre_lltv, WAD)):
        return None
    ltv = ceil(Fraction(owed * WAD, value))
    part = floor(Fraction((ltv - pre_lltv) * WAD, lltv - pre_lltv))
    bonus = bonus_1 + floor(Fraction(part * (bonus_2 - bonus_1), WAD))
    close = close_1 + floor(Fraction(part * (close_2 - close_1), WAD))
    return bonus, min(floor(Fraction(reference.shares * close, WAD)), reference.shares)


def by_contract(world: World, account: Address) -> list[Opportunity]:
    """What the PreLiquidation contract would take."""
    offered = world.market.opportunities(account, world.market.frame(world.now))
    return [each for each in offered if isinstance(each, MorphoOpportunity) and each.venue == PRE]


@settings(max_examples=200)
@given(worlds(), st.integers(0, 2**100))
def test_pre_liquidation__any_position__is_offered_and_settled_as_restated(
    drawn: tuple[World, Address, Reference, tuple[int, ...], int], amount: int
) -> None:
    world, account, reference, parameters, price = drawn
    frame = world.market.frame(world.now)
    allowed = restated(reference, parameters, price)
    liquidatable = world.market.health(account, frame).liquidatable
    assert liquidatable is (allowed is not None or not reference.healthy())
    if liquidatable:
        assert world.market.screen(frame)[world.book.row(account)] < 1 + SCREEN_MARGIN
    offered = by_contract(world, account)
    if allowed is None:
        assert not offered
        return
    bonus, most = allowed
    for opportunity in offered:
        ((first, last),) = opportunity.ranges
        budget = first + amount % (last - first + 1)
        settled = world.market.settle(opportunity, budget, frame)
        if isinstance(settled, Refusal):
            assert settled.code == "insufficient collateral"
            assert price != reference.price, "at one price it always gets healthier"
            continue
        assert isinstance(settled, Settlement)
        result = reference.by_collateral(settled.seize, bonus, price)
        assert settled.repay == result.repaid <= budget
        assert result.shares <= most
        assert reference.after(result).healthy()


@given(worlds())
def test_pre_liquidation__authorization_withdrawn__ends_it(
    drawn: tuple[World, Address, Reference, tuple[int, ...], int],
) -> None:
    world, account, reference, _, _ = drawn
    world.authorize(ALICE, allowed=False)
    frame = world.market.frame(world.now)
    assert world.market.health(account, frame).liquidatable is not reference.healthy()
    assert not by_contract(world, account)
