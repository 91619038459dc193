"""The float screen never passes over an account that the exact integers call liquidatable."""

from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.euler_v2.records import Scale
from keeper.protocols.euler_v2.screen import SCREEN_MARGIN
from keeper.types import RAY, Address
from tests.aave_v3_world import address
from tests.euler_v2_world import World

amounts = st.integers(1, 10) | st.integers(1, 10**9) | st.integers(1, 10**30)
scales = st.builds(Scale, st.integers(1, 10**24), st.sampled_from([1, 10**6, 10**18]))
ACCOUNTS = [address(0xACC0 + number) for number in range(3)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three vaults that recognise each other, with interest, and accounts of any size."""
    world = World()
    made = [world.create(number) for number in range(3)]
    for number, each in enumerate(made):
        world.quote(number, draw(scales))
        for other in made:
            if other != each:
                world.set_ltv(each, other, draw(st.integers(0, 9_999)))
        shares, cash = draw(amounts), draw(amounts)
        world.tell(each, shares=shares, cash=cash, rate=draw(st.integers(0, RAY // 10**7)))
    for account in ACCOUNTS:
        _act(draw, world, account, made)
    world.now += draw(st.integers(0, 10**6))
    return world


def _act(draw: st.DrawFn, world: World, account: Address, made: list[Address]) -> None:
    owes = draw(st.sampled_from(made))
    for each in made:
        if each != owes and draw(st.booleans()):
            world.supply(account, each, draw(amounts))
    if draw(st.booleans()):
        world.now += draw(st.integers(0, 10**5))
        world.borrow(account, owes, draw(amounts))


def _judge(world: World) -> None:
    frame = world.market.frame(world.now)
    screened = world.market.screen(frame)
    for row, account in enumerate(world.book.accounts()):
        health = world.market.health(account, frame)
        if health.debt:
            assert screened[row] <= health.collateral / health.debt * (1 + SCREEN_MARGIN)
        if health.liquidatable:
            assert screened[row] < 1 + SCREEN_MARGIN


@given(worlds())
def test_screen__any_position__is_never_above_the_exact_ratio(world: World) -> None:
    _judge(world)


@given(
    debt=st.integers(10**3, 10**30),
    price=st.integers(1, 10**24),
    ltv=st.integers(1, 9_999),
    excess=st.integers(-2, 2),
)
def test_screen__collateral_next_to_the_boundary__is_never_passed_over(
    debt: int, price: int, ltv: int, excess: int
) -> None:
    world = World()
    owed, held = world.create(0), world.create(1)
    world.set_ltv(owed, held, ltv)
    world.quote(0, Scale(price, 1))
    world.quote(1, Scale(price, 1))
    world.tell(owed, shares=debt, cash=debt)
    world.tell(held, shares=10**30, cash=10**30)
    world.supply(ACCOUNTS[0], held, max(debt * 10**4 // ltv + excess, 1))
    world.borrow(ACCOUNTS[0], owed, debt)
    _judge(world)
