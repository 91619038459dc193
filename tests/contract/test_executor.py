"""What a liquidation does with its money, alone and among others."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.executor_world import (
    FEE,
    PREMIUM,
    PROFIT,
    REPAY,
    SEIZED,
    STOCK,
    UNIT,
    Swapper,
    build_world,
    deploy,
    error,
)

MARKET = st.tuples(
    st.integers(1, 10**27),  # repay
    st.integers(1, 10**27),  # debt that may be repaid
    st.integers(0, 3000),  # collateral units seized for 1000 debt units
    st.integers(1, 3000),  # debt units that the swap pool pays for 1000 collateral units
)


def test_execute__profitable_plan__owner_gets_the_whole_profit() -> None:
    world = build_world()
    (result,) = world.execute(world.plan(min_profit=PROFIT))
    assert (result.ok, result.profit, result.reason) == (True, PROFIT, b"")
    assert world.debt.balanceOf(world.owner) == PROFIT
    assert world.debt.balanceOf(world.operator) == 0
    world.assert_nothing_left()


def test_execute__profitable_plan__logs_what_happened() -> None:
    world = build_world()
    world.execute(world.plan())
    (event,) = world.events("Liquidated")
    assert (event.account, event.debt, event.collateral) == (
        world.account,
        world.debt.address,
        world.collateral.address,
    )
    assert (event.repaid, event.seized, event.profit) == (REPAY, SEIZED, PROFIT)
    assert not world.events("Skipped")


def test_execute__pool_takes_less_than_repay__rest_only_repays_the_loan() -> None:
    world = build_world()
    capped = REPAY // 4
    account = world.new_account(capped)
    (result,) = world.execute(world.plan(account=account))
    (event,) = world.events("Liquidated")
    assert (event.repaid, event.seized) == (capped, SEIZED // 4)
    assert result.profit == SEIZED // 4 - capped - PREMIUM
    world.assert_nothing_left()


def test_execute__collateral_is_the_debt_asset__no_swap_is_needed() -> None:
    token = deploy("testing/token.vy")
    world = build_world(collateral=token, debt=token)
    (result,) = world.execute(world.plan(hops=[]))
    (event,) = world.events("Liquidated")
    assert (event.repaid, event.seized, result.profit) == (REPAY, SEIZED, PROFIT)
    world.assert_nothing_left()


def test_execute__three_hops__swaps_through_all() -> None:
    world = build_world()
    way = world.add_detour()
    (result,) = world.execute(world.plan(hops=way.hops))
    assert result.profit == SEIZED * 6 // 5 - REPAY - PREMIUM
    assert [token.balanceOf(world.executor.address) for token in way.between] == [0, 0]
    world.assert_nothing_left()


def test_execute__tokens_were_here_before__they_stay_untouched() -> None:
    world = build_world()
    middle = world.add_middle()
    for token in (world.collateral, middle, world.debt):
        token.mint(world.executor.address, 7 * UNIT)
    hops = [(middle.address, FEE), (world.debt.address, FEE)]
    (result,) = world.execute(world.plan(hops=hops))
    assert result.profit == PROFIT
    for token in (world.collateral, middle, world.debt):
        assert token.balanceOf(world.executor.address) == 7 * UNIT


def test_execute__one_of_three_fails__others_succeed_and_it_is_skipped() -> None:
    world = build_world()
    healthy = world.new_account(debt=0)
    results = world.execute(
        world.plan(),
        world.plan(account=healthy),
        world.plan(account=world.new_account()),
    )
    assert [result.ok for result in results] == [True, False, True]
    assert [result.profit for result in results] == [PROFIT, 0, PROFIT]
    assert results[1].reason == error("45")
    (skipped,) = world.events("Skipped")
    assert (skipped.account, skipped.reason) == (healthy, error("45"))
    assert len(world.events("Liquidated")) == 2
    assert world.debt.balanceOf(world.owner) == 2 * PROFIT
    world.assert_nothing_left()


def test_execute__a_failed_plan_left_marks__next_plan_starts_clean() -> None:
    world = build_world()
    other = world.add_swapper(world.collateral, world.debt, fee=3000)
    world.swapper.set_conduct(Swapper.NO_CALLBACK)
    results = world.execute(world.plan(), world.plan(hops=[(world.debt.address, 3000)]))
    assert [result.ok for result in results] == [False, True]
    assert world.collateral.balanceOf(other.address) == STOCK + SEIZED
    world.assert_nothing_left()


def test_execute__none_succeeds__reverts_with_the_first_reason() -> None:
    world = build_world()
    healthy = world.new_account(debt=0)
    assert world.failure(world.plan(account=healthy), world.plan(min_profit=PROFIT + 1)) == error("45")
    assert world.lender.debt_of(world.account) == 2 * REPAY


def test_execute__no_plans__reverts_without_a_reason() -> None:
    world = build_world()
    assert world.failure() == b""


def test_execute__profit_below_minimum__fails_as_unprofitable() -> None:
    world = build_world()
    assert world.failure(world.plan(min_profit=PROFIT + 1)) == error("unprofitable")


def test_execute__swap_loses_money__fails_even_without_a_minimum() -> None:
    world = build_world(rate=800)
    assert world.failure(world.plan(min_profit=0)) == error("unprofitable")


def test_execute__loss_could_be_paid_from_a_resting_balance__still_unprofitable() -> None:
    world = build_world(rate=800)
    world.debt.mint(world.executor.address, REPAY)
    assert world.failure(world.plan(min_profit=0)) == error("unprofitable")
    assert world.debt.balanceOf(world.executor.address) == REPAY


def test_execute__reason_is_long__it_is_cut_at_132_bytes() -> None:
    world = build_world()
    wordy = deploy("testing/wordy_pool.vy")
    world.executor.set_venues([wordy.address], True, sender=world.owner)
    reason = world.failure(world.plan(pool=wordy.address))
    assert len(reason) == 132
    assert error("x" * 100).startswith(reason)


def test_execute__route_ends_in_another_token__fails() -> None:
    world = build_world()
    other = deploy("testing/token.vy")
    world.add_swapper(world.collateral, other)
    assert world.failure(world.plan(hops=[(other.address, FEE)])) == error("route ends elsewhere")
    assert world.failure(world.plan(hops=[])) == error("route ends elsewhere")


def test_execute__no_pool_for_that_fee__fails() -> None:
    world = build_world()
    assert world.failure(world.plan(hops=[(world.debt.address, 123)])) == error("no swap pool")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(market=MARKET)
def test_execute__any_amounts__money_is_conserved_and_nothing_rests(
    market: tuple[int, int, int, int],
) -> None:
    repay, debt, per_mille, rate = market
    world = build_world(per_mille=per_mille, rate=rate)
    account = world.new_account(debt)
    repaid = min(repay, debt)
    seized = repaid * per_mille // 1000
    profit = seized * rate // 1000 - repaid - repay * 5 // 10_000
    plan = world.plan(account=account, repay=repay, min_profit=0)
    if profit < 0 or seized == 0:
        world.failure(plan)
        return
    (result,) = world.execute(plan)
    assert (result.ok, result.profit) == (True, profit)
    assert world.debt.balanceOf(world.owner) == profit
    world.assert_nothing_left()
