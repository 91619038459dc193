"""Properties of the comet's arithmetic, against independent statements of them."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from keeper.protocols.base import Side
from keeper.protocols.comet import storefront
from keeper.protocols.comet.math import Indexes, Totals, present_value, principal_value, split
from keeper.protocols.comet.records import set_collateral, set_principal
from keeper.protocols.comet.screen import SCREEN_MARGIN
from keeper.protocols.records import replace
from keeper.types import USD, WAD
from tests.aave_v3_world import address
from tests.comet_world import ALICE, DAI, START, USDC, WBTC, WETH, World

prices = st.integers(1, 10) | st.integers(1, 200_000 * USD) | st.just(USD)
amounts = st.integers(0, 10) | st.integers(0, 10**28)
principals = st.integers(-(10**20), 10**20) | st.integers(-20, 20)
indexes = st.builds(Indexes, st.integers(10**15, 3 * 10**15), st.integers(10**15, 3 * 10**15))
ACCOUNTS = [address(0xACC0 + number) for number in range(3)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three accounts with legs of any size at any prices, some time after the last accrual."""
    world = World()
    world.prices({token: draw(prices) for token in (USDC, WETH, WBTC, DAI)})
    world.state(Totals(draw(indexes), 10**15, draw(st.integers(0, 2 * 10**15)), START))
    for account in ACCOUNTS:
        for number in (1, 2, 3):
            set_collateral(world.book, account, number, draw(amounts))
        set_principal(world.book, account, draw(principals))
    world.now += draw(st.integers(0, 10**7))
    return world


@given(worlds())
def test_screen__any_position__is_never_above_the_exact_health_factor(world: World) -> None:
    frame = world.market.frame(world.now)
    screened = world.market.screen(frame)
    for account in ACCOUNTS:
        health = world.market.health(account, frame)
        row = world.book.row(account)
        assert row is not None
        if health.debt:
            exact = health.details["weighted_collateral"] / health.debt
            assert screened[row] <= exact * (1 + SCREEN_MARGIN) + SCREEN_MARGIN
        if health.liquidatable:
            assert screened[row] < 1 + SCREEN_MARGIN


@given(debt=st.integers(1, 10**18), price=st.integers(USD, 100_000 * USD), excess=st.integers(-2, 2))
def test_screen__a_hair_from_the_boundary__liquidatable_is_still_suspicious(
    debt: int, price: int, excess: int
) -> None:
    world = World()
    world.prices({WETH: price})
    set_principal(world.book, ALICE, -debt)
    value = debt * USD // 10**6
    set_collateral(world.book, ALICE, 1, max(value * WAD * WAD // (price * 895 * 10**15) + excess, 0))
    frame = world.market.frame(world.now)
    row = world.book.row(ALICE)
    assert row is not None
    if world.market.health(ALICE, frame).liquidatable:
        assert world.market.screen(frame)[row] < 1 + SCREEN_MARGIN


@given(worlds())
def test_health__any_position__is_the_reference_s_signed_sum(world: World) -> None:
    frame = world.market.frame(world.now)
    for account in ACCOUNTS:
        debt = world.book.quantity(account, 0, Side.DEBT)
        liquidity = -(debt * frame.indexes.borrow // 10**15 * frame.price // frame.terms.scale)
        for asset in frame.assets:
            held = world.book.quantity(account, asset.number, Side.COLLATERAL)
            value = held * asset.price // asset.terms.scale
            liquidity += value * asset.terms.liquidate_factor // WAD
        assert world.market.health(account, frame).liquidatable == (debt > 0 and liquidity < 0)


@given(principals, st.integers(-(10**20), 10**20), indexes)
def test_principal_value__change_of_balance__never_favours_the_account(
    old: int, change: int, at: Indexes
) -> None:
    before = present_value(old, at)
    new = principal_value(before + change, at)
    exact = Fraction(new * (at.supply if new >= 0 else at.borrow), 10**15)
    assert exact <= before + change
    moved = split(old, new)
    assert moved.supply - moved.borrow == new - old


@given(
    base_price=prices,
    price=prices,
    decimals=st.sampled_from([0, 6, 8, 18]),
    base_decimals=st.sampled_from([6, 18]),
    amount=st.integers(0, 10**24),
)
def test_span__any_stock__its_ends_are_the_least_that_buys_and_the_most_that_is_not_wasted(
    base_price: int, price: int, decimals: int, base_decimals: int, amount: int
) -> None:
    world = World()
    world.prices({USDC: base_price, WETH: price})
    book = world.book
    replace(book, ("collateral", 1), book.get(("collateral", 1))._replace(scale=10**decimals))
    replace(book, ("terms",), book.get(("terms",))._replace(scale=10**base_decimals))
    frame = world.market.frame(world.now)
    weth = frame.assets[0]
    assume(storefront.asking_price(weth, frame) > 0)

    def bought(base: int) -> int:
        asking = storefront.asking_price(weth, frame)
        amount: int = base_price * base * 10**decimals // asking // 10**base_decimals
        return amount

    found = storefront.span(weth, amount, frame)
    if not found:
        least = storefront.cheapest(weth, 1, frame)
        assert bought(least) > amount
        return
    ((low, high),) = found
    assert bought(low) >= 1 > bought(low - 1)
    assert bought(high) <= amount
    assert bought(high + 1) > amount or bought(high) == amount > bought(high - 1)
