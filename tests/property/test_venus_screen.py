"""The float screen never passes over an account that a liquidation would find short."""

from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.venus.rules import COMPOUND_V2, VENUS
from keeper.protocols.venus.screen import SCREEN_MARGIN
from keeper.types import WAD
from tests.venus_world import World, address

amounts = st.integers(1, 10) | st.integers(1, 10**30)
prices = st.integers(1, 10) | st.integers(1, 10**36) | st.just(WAD)
indexes = st.integers(WAD, 3 * WAD)
ACCOUNTS = [address(0xACC0 + number) for number in range(4)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to four markets, four accounts with legs of any size in them."""
    world = World(draw(st.sampled_from([VENUS, COMPOUND_V2])))
    markets = [
        world.list(
            price=draw(prices),
            decimals=draw(st.sampled_from([6, 8, 18])),
            threshold=draw(st.integers(0, WAD)),
            rate=draw(st.integers(0, 10**12)),
        )
        for _ in range(draw(st.integers(1, 4)))
    ]
    for number in markets:
        borrow_index = draw(indexes)
        world.change(number, supply=draw(amounts), cash=draw(amounts), borrow_index=borrow_index)
    legs = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(markets), amounts, st.booleans())
    for account, number, amount, is_debt in draw(st.lists(legs, max_size=12)):
        if is_debt:
            world.borrow(account, number, amount, draw(st.integers(WAD, 3 * WAD)))
        else:
            world.supply(account, number, amount, entered=draw(st.booleans()))
    if draw(st.booleans()):
        world.book.put(("forced", draw(st.sampled_from(markets))), 1)
    return world


@given(worlds(), st.integers(0, 10**6))
def test_screen__any_position__is_never_above_the_exact_health_factor(world: World, blocks: int) -> None:
    market = world.market
    frame = world.frame(blocks)
    screened = market.screen(frame)
    for row, account in enumerate(world.book.accounts()):
        health = market.health(account, frame)
        if health.health_factor < 10**30:
            assert screened[row] <= (health.health_factor + 1) / WAD * (1 + SCREEN_MARGIN) + SCREEN_MARGIN
        if health.liquidatable:
            assert screened[row] < 1 + SCREEN_MARGIN


@given(debt=st.integers(1, 10**24), excess=st.integers(-3, 3), blocks=st.integers(0, 1000))
def test_screen__a_hair_short__is_still_suspicious(debt: int, excess: int, blocks: int) -> None:
    world = World()
    held, owing = world.list(threshold=8 * WAD // 10), world.list(rate=10**9)
    world.supply(ACCOUNTS[0], held, max(debt * 10 // 8 + excess, 1))
    world.borrow(ACCOUNTS[0], owing, debt)
    frame = world.frame(blocks)
    if world.market.health(ACCOUNTS[0], frame).liquidatable:
        assert world.market.screen(frame)[0] < 1 + SCREEN_MARGIN
