"""The float screen never passes over an account that the exact integers call liquidatable."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.screen import SCREEN_MARGIN
from keeper.types import RAY, USD, WAD, Address
from tests.aave_v3_world import World, address

prices = st.integers(1, 10) | st.integers(1, 200_000 * USD) | st.just(USD)
decimals = st.sampled_from([6, 8, 18])
scaled = st.integers(1, 10) | st.integers(1, 10**30)
indexes = st.integers(RAY, 3 * RAY)
thresholds = st.integers(1, 9_500)
revisions = st.sampled_from([1, 4, 6, 7, 8, 9, 10, 11])
ACCOUNTS = [address(0xACC0 + number) for number in range(4)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to four reserves, four accounts with legs of any size in them."""
    world = World(draw(revisions))
    assets: list[Address] = []
    for _ in range(draw(st.integers(1, 4))):
        threshold = draw(thresholds)
        asset = world.list(decimals=draw(decimals), price=draw(prices), ltv=0, threshold=threshold)
        world.accrue(asset, draw(indexes), draw(indexes), (draw(st.integers(0, RAY)), 0))
        assets.append(asset)
    legs = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(assets), scaled, st.booleans())
    for account, asset, amount, is_debt in draw(st.lists(legs, max_size=12)):
        if is_debt:
            world.borrow(account, asset, amount)
        else:
            world.supply(account, asset, amount, collateral=draw(st.booleans()))
        if is_debt and world.has_stable_debt and draw(st.booleans()):
            world.borrow_at_stable_rate(account, asset, amount, rate=draw(st.integers(0, RAY)))
    world.now += draw(st.integers(0, 10**6))
    return world


@given(worlds())
def test_screen__any_position__is_never_above_the_exact_health_factor(world: World) -> None:
    market = world.market
    frame = market.frame(world.now)
    screened = market.screen(frame)
    for row, account in enumerate(world.book.accounts()):
        health = market.health(account, frame)
        if not health.debt:
            # Up to v3.4 the pool rounds dust down to no debt at all; the screen leaves that to it.
            assert screened[row] == float("inf") or Position.of(world.book, account).debts()
        else:
            exact = health.health_factor / WAD
            assert screened[row] <= exact * (1 + SCREEN_MARGIN) + SCREEN_MARGIN
        if health.liquidatable:
            assert screened[row] < 1 + SCREEN_MARGIN


@given(worlds(), st.permutations(range(len(ACCOUNTS))), st.integers(0, len(ACCOUNTS)))
def test_screen_of__some_accounts__is_never_above_the_screen_of_everybody(
    world: World, order: list[int], count: int
) -> None:
    market = world.market
    frame = market.frame(world.now)
    assume(market.factors(frame) is not None)
    rows = np.array([row for row in order if row < len(world.book.accounts())][:count], np.intp)
    everybody = market.screen(frame)[rows]
    some = market.screen_of(rows, frame)
    assert (some <= everybody).all()
    assert (np.isinf(some) == np.isinf(everybody)).all()


@given(
    debt=st.integers(1, 10**24),
    excess=st.integers(-2, 2),
    index=indexes,
    price=st.integers(USD, 100_000 * USD),
    revision=revisions,
)
def test_screen__health_factor_a_hair_below_one__is_still_suspicious(
    debt: int, excess: int, index: int, price: int, revision: int
) -> None:
    world = World(revision)
    collateral, owed = world.list(threshold=8_000, price=price), world.list(price=price)
    account = ACCOUNTS[0]
    world.borrow(account, owed, debt)
    world.supply(account, collateral, max(debt * 10_000 // 8_000 + excess, 1))
    for asset in (collateral, owed):
        world.accrue(asset, index, index)
    frame = world.market.frame(world.now)
    if world.market.health(account, frame).liquidatable:
        assert world.market.screen(frame)[0] < 1 + SCREEN_MARGIN
