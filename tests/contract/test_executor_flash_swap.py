"""Flash swaps: the sale's first pool pays before it has the collateral, and gets it or nothing happened."""

import boa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keeper.protocols.base import FlashKind
from tests.contract.executor_scenes import flash_swap
from tests.contract.executor_world import (
    FEE,
    NOBODY,
    REPAY,
    SEIZED,
    STOCK,
    UNIT,
    Plan,
    Swapper,
    World,
    build_world,
    deploy,
    encode_plan,
    error,
    three,
)

GAIN = SEIZED - REPAY


def swapping(
    world: World, sold: int = SEIZED, *, hops: list[tuple[str, int]] | None = None, **changes: object
) -> Plan:
    """A plan paid for by a flash swap of `sold` collateral along `hops`; None: one to the debt."""
    way = three([(world.debt.address, FEE)] if hops is None else hops)
    fields = {"source": FlashKind.FLASH_SWAP, "lender": NOBODY, "legs": [(world.factory.address, sold, way)]}
    return world.plan(**(fields | changes))  # type: ignore[arg-type]


def test_flash_swap__three_hops__the_first_pool_waits_and_the_others_swap_on() -> None:
    world = build_world()
    way = world.add_detour()
    (result,) = world.execute(swapping(world, hops=way.hops))
    assert result.profit == SEIZED * 6 // 5 - REPAY
    assert [token.balanceOf(world.executor.address) for token in way.between] == [0, 0]
    assert world.collateral.balanceOf(way.pools[0].address) == STOCK + SEIZED
    world.assert_nothing_left()


def test_flash_swap__more_is_seized_than_sold__the_rest_goes_to_the_owner() -> None:
    world = build_world()
    (result,) = world.execute(swapping(world, SEIZED - 7))
    assert result.profit == GAIN - 7
    assert world.collateral.balanceOf(world.owner) == 7
    (event,) = world.events("Liquidated")
    assert (event.repaid, event.seized, event.profit) == (REPAY, SEIZED, GAIN - 7)
    world.assert_nothing_left()


def test_flash_swap__less_is_seized_than_sold__fails_even_when_the_token_is_here() -> None:
    world = build_world()
    assert world.failure(swapping(world, SEIZED + 1)) == error("too little seized")
    world.collateral.mint(world.executor.address, UNIT)
    assert world.failure(swapping(world, SEIZED + 1)) == error("too little seized")


def test_flash_swap__swap_gives_less_than_is_repaid__fails_even_when_the_token_is_here() -> None:
    world = build_world(rate=900)
    assert world.failure(swapping(world, min_profit=0)) == b"", "the debt cannot be paid"
    world.debt.mint(world.executor.address, REPAY)
    assert world.failure(swapping(world, min_profit=0)) == error("unprofitable")


def test_flash_swap__debt_is_smaller_than_expected__too_little_seized() -> None:
    world = build_world()
    account = world.new_account(REPAY - 1000)
    assert world.failure(swapping(world, account=account, min_profit=0)) == error("too little seized")


def test_flash_swap__tokens_were_here_before__they_stay_untouched() -> None:
    world = build_world()
    middle = world.add_middle()
    for token in (world.collateral, middle, world.debt):
        token.mint(world.executor.address, 7 * UNIT)
    for hops in ([(middle.address, FEE), (world.debt.address, FEE)], [(world.debt.address, FEE)]):
        plan = swapping(world, account=world.new_account(), hops=hops, min_profit=GAIN)
        assert world.execute(plan)[0].profit == GAIN
        for token in (world.collateral, middle, world.debt):
            assert token.balanceOf(world.executor.address) == 7 * UNIT


def test_flash_swap__one_of_three_fails__its_pool_is_as_before_and_the_others_succeed() -> None:
    world = build_world()
    healthy = world.new_account(debt=0)
    results = world.execute(
        swapping(world), swapping(world, account=healthy), swapping(world, account=world.new_account())
    )
    assert [result.ok for result in results] == [True, False, True]
    assert [result.profit for result in results] == [GAIN, 0, GAIN]
    assert results[1].reason == error("45")
    assert world.collateral.balanceOf(world.swapper.address) == STOCK + 2 * SEIZED
    assert world.debt.balanceOf(world.swapper.address) == STOCK - 2 * SEIZED
    world.assert_nothing_left()


def test_flash_swap__a_failed_one_left_marks__next_plan_starts_clean() -> None:
    world = build_world()
    for failing in (swapping(world, SEIZED + 1), swapping(world, min_profit=GAIN + 1)):
        results = world.execute(failing, world.plan(account=world.new_account()))
        assert [result.ok for result in results] == [False, True]
    world.assert_nothing_left()


def test_flash_swap__not_one_leg__fails() -> None:
    world = build_world()
    leg = (world.factory.address, SEIZED // 2, three([(world.debt.address, FEE)]))
    assert world.failure(swapping(world, legs=[])) == error("not one leg")
    assert world.failure(swapping(world, legs=[leg, leg])) == error("not one leg")


def test_flash_swap__leg_names_a_router_or_no_pool__fails() -> None:
    world = build_world()
    world.executor.set_router(world.swapper.address, True, sender=world.owner)
    router = (world.swapper.address, SEIZED, three([]))
    assert world.failure(swapping(world, legs=[router])) == b""
    assert world.failure(swapping(world, hops=[(world.debt.address, 123)])) == error("no swap pool")


def test_flash_swap__route_ends_in_another_token__fails() -> None:
    world = build_world()
    other = deploy("testing/token.vy")
    world.add_swapper(world.collateral, other)
    assert world.failure(swapping(world, hops=[(other.address, FEE)])) == error("route ends elsewhere")


def test_flash_swap__factory_is_not_allow_listed__fails() -> None:
    world = build_world()
    world.executor.set_factory(world.factory.address, False, sender=world.owner)
    assert world.failure(swapping(world)) == error("factory not allowed")


def test_flash_swap__pool_is_the_swap_pool_of_another_factory__fails() -> None:
    world = build_world()
    fake = deploy("testing/swap_factory.vy")
    fake.add(world.collateral.address, world.debt.address, FEE, world.swapper.address)
    leg = (fake.address, SEIZED, three([(world.debt.address, FEE)]))
    assert world.failure(swapping(world, legs=[leg])) == error("factory not allowed")


@pytest.mark.parametrize(
    ("conduct", "reason"),
    [
        (Swapper.NO_CALLBACK, "swap not paid"),
        (Swapper.TWO_CALLBACKS, "unexpected swap"),
        (Swapper.ASKS_MORE, "wrong amount"),
        (Swapper.PARTIAL_FILL, "wrong amount"),
        (Swapper.OTHER_DATA, "unexpected callback"),
        (Swapper.NO_DATA, "no callback"),
    ],
)
def test_flash_swap__pool_lies__fails(conduct: Swapper, reason: str) -> None:
    world = build_world()
    world.collateral.mint(world.executor.address, 2 * SEIZED)  # what the pool asks for could be paid
    world.swapper.set_conduct(conduct)
    assert world.failure(swapping(world, min_profit=0)) == error(reason)


def test_swap__pool_makes_a_plain_swap_a_flash_swap__fails() -> None:
    world = build_world()
    world.swapper.set_conduct(Swapper.OTHER_DATA)
    assert world.failure(world.plan()) == error("unexpected callback")


def test_callback__stranger_and_pool_call_outside_a_plan__reverts() -> None:
    scene = flash_swap()
    target, message = scene.call()
    stranger = boa.env.generate_address("stranger")
    for caller in (stranger, scene.caller.address, scene.world.owner, scene.world.operator):
        for _ in ("before", "after"):
            call = boa.env.execute_code(to_address=target, data=message, sender=caller)
            assert call.is_error
            assert call.output == error("unexpected swap")
            scene.world.execute(swapping(scene.world, account=scene.world.new_account()))


def test_liquidate_in_swap__anyone_calls__reverts() -> None:
    world = build_world()
    for caller in (world.owner, world.operator, world.swapper.address):
        with boa.reverts("not self"):
            world.executor.liquidate_in_swap(encode_plan(swapping(world)), sender=caller)


@pytest.mark.parametrize("attack", ["callback", "inner call"])
def test_flash_swap__token_attacks_in_each_of_its_transfers__every_call_reverts(attack: str) -> None:
    scene = flash_swap()
    world = scene.world
    inner = world.executor.liquidate_in_swap.prepare_calldata(encode_plan(scene.plan))
    message = scene.callback if attack == "callback" else inner
    for token in (world.debt, world.collateral):
        token.set_attack(world.executor.address, message)
    (result,) = world.execute(scene.plan)
    assert result.profit == GAIN
    assert world.debt.successes() == world.collateral.successes() == 0
    refused = {*world.debt.attack_failures(), *world.collateral.attack_failures()}
    assert refused == {error("unexpected swap" if attack == "callback" else "not self")}
    assert len(world.debt.attack_failures()) == 3, "swap, repayment, profit"
    assert len(world.collateral.attack_failures()) == 2, "seizure, payment of the swap"


def test_flash_swap__bid__builder_gets_its_share() -> None:
    native = deploy("testing/wrapped_native.vy")
    boa.env.set_balance(native.address, 10**9 * UNIT)
    world = build_world(debt=native, wrapped=native.address)
    (result,) = world.execute(swapping(world, bid_bps=2500))
    assert result.profit == GAIN - GAIN // 4
    (event,) = world.events("Liquidated")
    assert event.bid == GAIN // 4


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    market=st.tuples(
        st.integers(1, 10**27),  # repay
        st.integers(1, 10**27),  # debt that may be repaid
        st.integers(1, 3000),  # collateral units seized for 1000 debt units
        st.integers(1, 3000),  # debt units that the swap pool pays for 1000 collateral units
    ),
    kept=st.integers(-2, 5),
)
def test_flash_swap__any_amounts__money_is_conserved_and_nothing_rests(
    market: tuple[int, int, int, int], kept: int
) -> None:
    repay, debt, per_mille, rate = market
    world = build_world(per_mille=per_mille, rate=rate)
    account = world.new_account(debt)
    repaid = min(repay, debt)
    seized = repaid * per_mille // 1000
    sold = seized - kept
    given_out = sold * rate // 1000
    plan = swapping(world, max(sold, 0), account=account, repay=repay, min_profit=0)
    if sold <= 0 or sold > seized or given_out < repaid:
        world.failure(plan)
        return
    (result,) = world.execute(plan)
    assert (result.ok, result.profit) == (True, given_out - repaid)
    assert world.debt.balanceOf(world.owner) == given_out - repaid
    assert world.collateral.balanceOf(world.owner) == kept
    assert world.collateral.balanceOf(world.swapper.address) == STOCK + sold
    world.assert_nothing_left()
