"""The sale in legs, routers of aggregators, and the bid to the block's builder."""

from typing import Any

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.executor_world import (
    FEE,
    PROFIT,
    SEIZED,
    STOCK,
    UNIT,
    World,
    build_world,
    deploy,
    error,
    three,
)

NO_HOPS = three([])


def router_world() -> tuple[World, Any]:
    world = build_world()
    router = deploy("testing/router.vy")
    world.debt.mint(router.address, 10**9 * UNIT)
    world.executor.set_router(router.address, True, sender=world.owner)
    return world, router


def order(world: World, router: Any, amount: int, given: int) -> bytes:
    call: bytes = router.swap.prepare_calldata(world.collateral.address, amount, world.debt.address, given)
    return call


def test_legs__two_pools__each_sells_its_part() -> None:
    world = build_world()
    other = world.add_swapper(world.collateral, world.debt, fee=3000, rate=1100)
    hops, more = three([(world.debt.address, FEE)]), three([(world.debt.address, 3000)])
    legs = [(world.factory.address, SEIZED // 4, hops), (world.factory.address, 0, more)]
    (result,) = world.execute(world.plan(legs=legs))
    rest = SEIZED - SEIZED // 4
    assert result.profit == PROFIT + rest // 10
    assert world.collateral.balanceOf(other.address) == STOCK + rest
    world.assert_nothing_left()


def test_legs__parts_exceed_what_was_seized__fails() -> None:
    world = build_world()
    hops = three([(world.debt.address, FEE)])
    legs = [(world.factory.address, SEIZED + 1, hops), (world.factory.address, 0, hops)]
    assert world.failure(world.plan(legs=legs)) == b""


def test_legs__factory_of_the_second_is_not_allow_listed__fails() -> None:
    world = build_world()
    hops = three([(world.debt.address, FEE)])
    legs = [(world.factory.address, 1, hops), (world.account, 0, hops)]
    assert world.failure(world.plan(legs=legs)) == error("factory not allowed")


def test_router__sells_all__owner_gets_the_profit_and_no_allowance_stays() -> None:
    world, router = router_world()
    plan = world.plan(legs=[(router.address, 0, NO_HOPS)])
    (result,) = world.execute(plan, call=order(world, router, SEIZED, SEIZED + 5))
    assert result.profit == PROFIT + 5
    world.assert_nothing_left()
    assert world.collateral.allowance(world.executor.address, router.address) == 0


def test_router__leaves_a_part__the_next_leg_sells_it() -> None:
    world, router = router_world()
    hops = three([(world.debt.address, FEE)])
    plan = world.plan(legs=[(router.address, SEIZED // 2, NO_HOPS), (world.factory.address, 0, hops)])
    (result,) = world.execute(plan, call=order(world, router, SEIZED // 2 - 7, SEIZED // 2))
    assert result.profit == PROFIT + 7
    world.assert_nothing_left()
    assert world.collateral.allowance(world.executor.address, router.address) == 0


def test_router__last_leg_leaves_a_part__it_goes_to_the_owner() -> None:
    world, router = router_world()
    plan = world.plan(legs=[(router.address, 0, NO_HOPS)])
    (result,) = world.execute(plan, call=order(world, router, SEIZED - 7, SEIZED))
    assert result.profit == PROFIT
    assert world.collateral.balanceOf(world.owner) == 7
    world.assert_nothing_left()


def test_router__takes_more_than_its_part__fails() -> None:
    world, router = router_world()
    hops = three([(world.debt.address, FEE)])
    plan = world.plan(legs=[(router.address, SEIZED // 2, NO_HOPS), (world.factory.address, 0, hops)])
    assert world.failure(plan, call=order(world, router, SEIZED // 2 + 1, SEIZED)) == b""


def test_router__pays_too_little__unprofitable() -> None:
    world, router = router_world()
    plan = world.plan(legs=[(router.address, 0, NO_HOPS)])
    assert world.failure(plan, call=order(world, router, SEIZED, SEIZED - PROFIT)) == error("unprofitable")


def test_router__is_not_allow_listed__fails() -> None:
    world, router = router_world()
    world.executor.set_router(router.address, False, sender=world.owner)
    plan = world.plan(legs=[(router.address, 0, NO_HOPS)])
    assert world.failure(plan, call=order(world, router, SEIZED, SEIZED)) == error("router not allowed")


def test_router__transaction_brings_no_call__fails() -> None:
    world, router = router_world()
    assert world.failure(world.plan(legs=[(router.address, 0, NO_HOPS)])) == error("no router call")


def test_hand_over__anyone_calls__reverts() -> None:
    world, router = router_world()
    for caller in (world.owner, world.operator, router.address):
        with boa.reverts("not self"):
            world.executor.hand_over(router.address, world.collateral.address, 1, sender=caller)


def native_world() -> World:
    """The debt asset is the wrapped native token, well backed."""
    native = deploy("testing/wrapped_native.vy")
    boa.env.set_balance(native.address, 10**9 * UNIT)
    return build_world(debt=native, wrapped=native.address)


@pytest.mark.parametrize("bps", [1, 5000, 10_000])
def test_bid__share_of_the_profit__builder_gets_it_in_ether(bps: int) -> None:
    world = native_world()
    builder = boa.env.generate_address("builder")
    boa.env.set_balance(builder, 0)
    bid = PROFIT * bps // 10_000
    with boa.env.anchor():
        boa.env.evm.patch.coinbase = boa.util.abi.Address(builder).canonical_address
        (result,) = world.execute(world.plan(bid_bps=bps, min_profit=PROFIT - bid))
        assert result.profit == world.debt.balanceOf(world.owner) == PROFIT - bid
        assert boa.env.get_balance(builder) == bid
    (event,) = world.events("Liquidated")
    assert (event.profit, event.bid) == (PROFIT - bid, bid)
    assert boa.env.get_balance(world.executor.address) == 0


def test_bid__leaves_the_owner_too_little__unprofitable() -> None:
    world = native_world()
    plan = world.plan(bid_bps=5000, min_profit=PROFIT - PROFIT * 5000 // 10_000 + 1)
    assert world.failure(plan) == error("unprofitable")


def test_bid__more_than_the_profit__fails() -> None:
    world = native_world()
    assert world.failure(world.plan(bid_bps=10_001, min_profit=0)) == b""


def test_bid__debt_is_another_token__fails() -> None:
    for world in (build_world(), build_world(wrapped=boa.env.generate_address())):
        assert world.failure(world.plan(bid_bps=1)) == error("no bid in this token")


def test_ether__from_anyone_but_the_wrapped_token__is_refused() -> None:
    world = native_world()
    giver = boa.env.generate_address()
    boa.env.set_balance(giver, UNIT)
    paid = boa.env.execute_code(to_address=world.executor.address, sender=giver, value=1, data=b"")
    assert paid.is_error


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.tuples(st.integers(0, SEIZED), st.integers(0, SEIZED)))
def test_legs__any_parts__all_is_sold_once(parts: tuple[int, int]) -> None:
    world = build_world()
    hops = three([(world.debt.address, FEE)])
    first, second = parts
    legs = [(world.factory.address, amount, hops) for amount in (first, second, 0)]
    plan = world.plan(legs=legs)
    if first + second >= SEIZED or not first or not second:
        world.failure(plan)
        return
    (result,) = world.execute(plan)
    assert result.profit == PROFIT
    world.assert_nothing_left()
