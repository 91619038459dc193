"""Aave v4 over several hubs against a second statement of its rules, and the screen against the exact."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.aave_v4 import ranges
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.pair import Pair, examine
from keeper.protocols.aave_v4.position import Position
from keeper.protocols.aave_v4.records import DynamicConfig, asset_of, config_of, reserves, terms_of
from keeper.protocols.aave_v4.screen import SCREEN_MARGIN
from keeper.protocols.base import Opportunity, Refusal, Settlement
from keeper.protocols.base import Side as Leg
from keeper.types import RAY, USD, WAD
from tests.aave_v3_world import address
from tests.aave_v4_reference import HubAsset, Rules, Side, account_data, bonus, liquidation
from tests.aave_v4_world import ALICE, HUBS, SPOKE, World

prices = st.integers(1, 10) | st.integers(1, 200_000 * USD) | st.just(USD)
decimals = st.sampled_from([6, 8, 18])
shares = st.integers(1, 10) | st.integers(1, 10**30)
indexes = st.integers(RAY, 3 * RAY)
TOKEN = address(0x70C)

Terms = tuple[int, int, int]


@st.composite
def dynamic_configs(draw: st.DrawFn) -> Terms:
    """(factor, bonus, fee) that the spoke accepts: the bonus times the factor stays below one."""
    factor = draw(st.integers(1, 9_400))
    largest = min(20_000, (10**8 - 1) // factor)
    return factor, draw(st.integers(10_000, largest)), draw(st.sampled_from([0, 1, 1_000, 10_000]))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to four reserves on two hubs, one underlying on both, and one account with legs of any size."""
    world = World()
    target = draw(st.integers(WAD, 2 * WAD))
    world.rules(target, draw(st.integers(0, WAD - 1)), draw(st.integers(0, 10_000)))
    for number in range(draw(st.integers(1, 4))):
        factor, largest, fee = draw(dynamic_configs())
        hub, risk = draw(st.sampled_from(HUBS)), draw(st.sampled_from([0, 0, 500, 100_000]))
        world.list(
            hub,
            decimals=draw(decimals),
            price=draw(prices),
            factor=factor,
            bonus=largest,
            fee=fee,
            risk=risk,
            underlying=TOKEN if number > 1 else None,
        )
        index = draw(indexes)
        world.accrue(number, index, draw(st.integers(0, RAY)), draw(st.integers(0, 10**6)))
        pooled = draw(st.integers(10**18, 10**27))
        world.fund(number, pooled, pooled * draw(st.integers(100, 200)) // 100)
        if draw(st.booleans()):
            world.supply(ALICE, number, draw(shares))
            if draw(st.booleans()):
                world.use(ALICE, number)
        if draw(st.booleans()):
            drawn = draw(shares)
            world.borrow(ALICE, number, drawn)
            premium = drawn * draw(st.integers(0, 100_000)) // 10_000
            owed = draw(st.integers(0, 10**6)) * RAY
            world.premium(ALICE, number, premium, premium * index - owed)
        if draw(st.booleans()):
            world.add_config(number, 1, *draw(dynamic_configs()))
    if draw(st.booleans()):
        world.refresh(ALICE)
    world.now += draw(st.integers(0, 10**7))
    return world


@st.composite
def unhealthy(draw: st.DrawFn) -> World:
    """A debt and a collateral on different hubs, worth a few dollars or millions, just or far too little."""
    world = World()
    world.rules(
        draw(st.sampled_from([WAD, 105 * WAD // 100, 2 * WAD])),
        draw(st.sampled_from([0, 9 * WAD // 10, WAD - 1])),
        draw(st.integers(0, 10_000)),
    )
    factor, largest, fee = draw(dynamic_configs())
    units = [draw(decimals), draw(decimals)]
    price = [draw(st.integers(USD // 100, 100_000 * USD)) for _ in units]
    debt = world.list(HUBS[0], decimals=units[0], price=price[0])
    collateral = world.list(HUBS[1], decimals=units[1], price=price[1], factor=factor, bonus=largest, fee=fee)
    if draw(st.booleans()):
        other = world.list(HUBS[0], price=USD, factor=draw(st.sampled_from([1, 5_000])))
        world.supply(ALICE, other, 10**18)
        world.use(ALICE, other)
    index = draw(indexes)
    world.accrue(debt, index)
    for number in (debt, collateral):
        pooled = 10 ** draw(st.integers(18, 26))
        world.fund(number, pooled, pooled * draw(st.integers(100, 150)) // 100)
    dollars = 10 ** draw(st.integers(0, 7))
    drawn = dollars * 10 ** units[0] * USD * RAY // price[0] // index + 1
    world.borrow(ALICE, debt, drawn)
    premium = drawn * draw(st.integers(0, 2_000)) // 10_000
    owed = draw(st.sampled_from([0, 1, 10])) * drawn * index // 100
    world.premium(ALICE, debt, premium, premium * index - owed)
    share = Fraction(draw(st.integers(1, 130)), 100)
    world.supply(ALICE, collateral, int(dollars * share * 10 ** units[1] * USD / price[1]) + 1)
    world.use(ALICE, collateral)
    return world


def restated(world: World, number: int) -> Side:
    """A reserve of Alice's in the words of the second statement."""
    book, reserve = world.book, reserves(world.book)[number]
    stored = asset_of(book, reserve)
    assert stored
    asset = HubAsset(
        stored.liquidity,
        stored.added_shares,
        stored.drawn_shares,
        stored.premium_shares,
        stored.premium_offset,
        stored.deficit,
        stored.realized_fees,
        stored.liquidity_fee,
        stored.drawn_index,
        stored.drawn_rate,
        stored.swept,
    )
    seconds = world.now - stored.updated
    terms = terms_of(book, ALICE, number)
    price = book.get(("price", book.get(("source", number))))
    return Side(
        asset.share_price(seconds),
        asset.index_after(seconds),
        price,
        stored.decimals,
        book.quantity(ALICE, number, Leg.COLLATERAL),
        book.enabled(ALICE, number),
        config_of(book, number, terms.key).factor,
        reserve.risk,
        book.quantity(ALICE, number, Leg.DEBT),
        terms.premium_shares,
        terms.premium_offset,
    )


def sides(world: World) -> list[Side]:
    return [restated(world, number) for number in range(len(world.places))]


@given(worlds())
def test_health__any_position_over_two_hubs__is_as_the_reference_states_it(world: World) -> None:
    found = world.market.health(ALICE, world.market.frame(world.now))
    premium, average, health, collateral, debt, backing, borrows = account_data(sides(world))
    assert found.health_factor == health
    assert found.liquidatable == (health < WAD)
    assert dict(found.details) == {
        "total_collateral_value": collateral,
        "total_debt_value_ray": debt,
        "risk_premium": premium,
        "avg_collateral_factor": average,
        "active_collateral_count": backing,
        "borrow_count": borrows,
    }
    assert found.collateral == collateral // 10**18
    assert (found.debt - 1) * 10**45 < debt <= found.debt * 10**45


@given(worlds())
def test_screen__any_position__is_never_above_the_exact_health_factor(world: World) -> None:
    frame = world.market.frame(world.now)
    screened = world.market.screen(frame)
    row = world.book.row(ALICE)
    if row is None:
        return
    *_, health, _, debt, _, _ = account_data(sides(world))
    if debt:
        assert screened[row] <= health / WAD * (1 + SCREEN_MARGIN) + SCREEN_MARGIN
    else:
        assert screened[row] == float("inf")
    if health < WAD:
        assert screened[row] < 1 + SCREEN_MARGIN


@given(
    debt=st.integers(1, 10**24),
    excess=st.integers(-2, 2),
    index=indexes,
    price=st.integers(USD, 100_000 * USD),
)
def test_screen__health_factor_a_hair_below_one__is_still_suspicious(
    debt: int, excess: int, index: int, price: int
) -> None:
    world = World()
    owed, backing = world.list(HUBS[0], price=price), world.list(HUBS[1], price=price)
    world.accrue(owed, index)
    world.borrow(ALICE, owed, debt)
    world.supply(ALICE, backing, max(-(-debt * index // RAY) * 10_000 // 8_000 + excess, 1))
    world.use(ALICE, backing)
    frame = world.market.frame(world.now)
    if world.market.health(ALICE, frame).liquidatable:
        assert world.market.screen(frame)[0] < 1 + SCREEN_MARGIN


def _pair(world: World) -> Pair | None:
    position = Position.of(world.book, ALICE)
    pair = examine(position, 0, 1, world.market.frame(world.now))
    return None if isinstance(pair, Refusal) else pair


@given(unhealthy(), st.integers(1, 10**28) | st.integers(1, 100), st.integers(1, 1_000))
def test_liquidation__any_offer_across_hubs__does_what_the_reference_states(
    world: World, offer: int, part: int
) -> None:
    pair = _pair(world)
    found = sides(world)
    _, _, health, *_ = account_data(found)
    assert (pair is None) == (health >= WAD)
    if pair is None:
        return
    spoke = pair.frame.liquidation
    config: DynamicConfig = pair.config
    rules = Rules(spoke.target, spoke.full_bonus_below, spoke.bonus_factor, config.bonus, config.fee)
    assert pair.bonus == bonus(rules, health)
    most = ranges.accepted(pair)
    end = most[-1][1] if most else 10**18
    for cover in {offer, max(end * part // 1_000, 1), end, ranges.EVERYTHING}:
        expected = liquidation(found, found[0], found[1], rules, cover)
        outcome = liquidate(pair, cover)
        if isinstance(outcome, Refusal):
            assert (expected is None) == (outcome.code == "MustNotLeaveDust")
        else:
            taken = outcome.taken
            derived = (outcome.repay, taken.drawn, taken.premium, taken.shares, taken.given)
            assert derived == expected


@given(unhealthy(), st.lists(st.integers(0, 1_100), min_size=1, max_size=12))
def test_ranges__any_offer__is_accepted_exactly_inside_of_them(world: World, parts: list[int]) -> None:
    pair = _pair(world)
    if pair is None:
        return
    runs = ranges.accepted(pair)
    assert all(first <= last for first, last in runs)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(runs))
    ends = {end + step for run in runs for end in run for step in (-1, 0, 1)}
    scale = runs[-1][1] if runs else 10**18
    for offer in ends | {scale * part // 1_000 for part in parts}:
        if offer < 1:
            continue
        outcome = liquidate(pair, offer)
        inside = any(first <= offer <= last for first, last in runs)
        if inside:
            assert isinstance(outcome, Outcome)
            assert outcome.repay <= offer
        elif isinstance(outcome, Outcome) and outcome.seize:
            # Refused but for rounding: it costs what an end of a run costs, or is as good as one.
            ended = [liquidate(pair, end) for run in runs for end in run]
            costs = [end.repay for end in ended if isinstance(end, Outcome)]
            assert min(abs(outcome.repay - cost) for cost in costs) <= _two_units(pair)


def _two_units(pair: Pair) -> int:
    """What two units of the collateral are worth, in units of the debt."""
    return 2 * (pair.collateral.unit_value // pair.debt.unit_value + 1)


@given(unhealthy())
def test_exhaust__any_account__ends_healthy_or_without_collateral_or_refused(world: World) -> None:
    market, frame = world.market, world.market.frame(world.now)
    before = market.health(ALICE, frame)
    found = market.exhaust(ALICE, frame)
    assert bool(found.steps) <= before.liquidatable
    for opportunity in market.opportunities(ALICE, frame):
        assert isinstance(opportunity, Opportunity)
        settled = market.settle(opportunity, opportunity.ranges[-1][1], frame)
        assert isinstance(settled, Settlement)
        assert found.steps > 0


@pytest.mark.parametrize("threshold", [0, 100])
def test_liquidation__hub_allows_little_premium__is_refused_as_the_hub_would(threshold: int) -> None:
    world = World()
    owed, backing = world.list(HUBS[0]), world.list(HUBS[1], risk=1_000)
    world.fund(owed, 10**24, 10**24)
    world.borrow(ALICE, owed, 10**22)
    world.supply(ALICE, backing, 10**22)
    world.use(ALICE, backing)
    world.limit(owed, threshold=threshold)
    pair = _pair(world)
    assert pair is not None
    outcome = liquidate(pair, 10**21)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "InvalidPremiumChange"
    # Taking all of the collateral writes the rest off, which leaves no premium.
    (whole,) = ranges.accepted(pair)
    assert whole[0] == whole[1]


def test_ranges__premium_allowed_after_large_repayments_only__start_there() -> None:
    world = World()
    world.rules(2 * WAD, 0, 0)
    owed, backing = world.list(HUBS[0]), world.list(HUBS[1], risk=1_000)
    world.fund(owed, 10**24, 10**24)
    world.borrow(ALICE, owed, 9 * 10**21)
    # Other accounts owe without premium, so what Alice adds is little enough once she owes less.
    world.hub(HUBS[0], "Draw(uint256,address,uint256,uint256)", [0, SPOKE], 10**22, 0)
    world.supply(ALICE, backing, 10**22)
    world.use(ALICE, backing)
    world.limit(owed, threshold=300)
    pair = _pair(world)
    assert pair is not None
    (first, *_), *_ = ranges.accepted(pair)
    assert first > 1
    assert isinstance(liquidate(pair, first), Outcome)
    refused = liquidate(pair, first - 1)
    assert isinstance(refused, Refusal)
    assert refused.code == "InvalidPremiumChange"
