"""Tokens that do not keep to ERC-20."""

from tests.contract.executor_world import PREMIUM, PROFIT, REPAY, SEIZED, build_world, deploy, error


def test_execute__debt_token_returns_nothing__works_again_and_again() -> None:
    world = build_world(debt=deploy("token_silent.vy", "Silent", "SIL", 18))
    capped = REPAY // 2
    for _ in range(2):  # such a token refuses to change an allowance that an earlier plan left behind
        account = world.new_account(capped)
        (result,) = world.execute(world.plan(account=account))
        assert result.profit == SEIZED // 2 - capped - PREMIUM
        world.assert_nothing_left()


def test_execute__collateral_returns_nothing__works() -> None:
    world = build_world(collateral=deploy("token_silent.vy", "Silent", "SIL", 18))
    (result,) = world.execute(world.plan())
    assert result.profit == PROFIT
    world.assert_nothing_left()


def test_sweep__token_returns_nothing__works() -> None:
    world = build_world(debt=deploy("token_silent.vy", "Silent", "SIL", 18))
    world.debt.mint(world.executor.address, 5)
    world.executor.sweep(world.debt.address, sender=world.owner)
    assert world.debt.balanceOf(world.owner) == 5


def test_execute__collateral_answers_false__fails() -> None:
    world = build_world()
    world.collateral.refuse(world.executor.address)
    assert world.failure(world.plan()) == error("transfer refused")


def test_execute__debt_token_answers_false__fails() -> None:
    world = build_world()
    world.debt.refuse(world.executor.address)
    assert world.failure(world.plan()) == error("approve refused")


def test_execute__debt_is_no_token__fails() -> None:
    world = build_world()
    assert world.failure(world.plan(debt=world.account)) == b""


def test_execute__collateral_takes_a_fee__swap_pool_refuses_and_the_next_plan_goes_on() -> None:
    world = build_world()
    world.collateral.set_tax(100)
    assert world.failure(world.plan()) == error("IIA")
    honest = deploy("testing/token.vy")
    honest.mint(world.lender.address, SEIZED)
    world.add_swapper(honest, world.debt)
    results = world.execute(world.plan(), world.plan(collateral=honest.address))
    assert [(result.ok, result.profit) for result in results] == [(False, 0), (True, PROFIT)]
    world.assert_nothing_left()


def test_execute__debt_takes_a_fee__fails() -> None:
    world = build_world()
    world.debt.set_tax(1000)
    assert world.failure(world.plan(min_profit=0)) == b"", "the mock underflows without a word"
