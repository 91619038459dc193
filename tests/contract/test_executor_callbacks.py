"""Who may call what, when: outside a plan nobody, during a plan only the callee that is expected, once."""

from collections.abc import Callable

import boa
import pytest

from tests.contract.executor_world import (
    PREMIUM,
    PROFIT,
    REPAY,
    SEIZED,
    UNIT,
    Lender,
    Swapper,
    World,
    build_world,
    deploy,
    encode_plan,
    error,
)

LOCKED = {b""}  # Vyper's lock comes before any check and gives no reason

Attack = Callable[[World], tuple[str, bytes]]


def loan_callback(world: World) -> tuple[str, bytes]:
    """The callback that the lender is about to make, to the last byte."""
    message = world.executor.executeOperation.prepare_calldata(
        world.debt.address, REPAY, PREMIUM, world.executor.address, encode_plan(world.plan())
    )
    return world.executor.address, message


def swap_callback(world: World) -> tuple[str, bytes]:
    """The callback that the swap pool is about to make."""
    up = int(world.collateral.address, 16) > int(world.debt.address, 16)
    amounts = (-SEIZED, SEIZED) if up else (SEIZED, -SEIZED)
    return world.executor.address, world.executor.uniswapV3SwapCallback.prepare_calldata(*amounts, b"")


def liquidation(world: World) -> tuple[str, bytes]:
    return world.executor.address, world.executor.liquidate.prepare_calldata(encode_plan(world.plan()))


def execution(world: World) -> tuple[str, bytes]:
    return world.executor.address, world.executor.execute.prepare_calldata([world.plan()], b"")


def sweep(world: World) -> tuple[str, bytes]:
    return world.executor.address, world.executor.sweep.prepare_calldata(world.debt.address)


def foreign_loan(world: World) -> tuple[str, bytes]:
    """A loan that the attacker takes from the real lender, with the executor as its receiver."""
    message = world.lender.flashLoanSimple.prepare_calldata(
        world.executor.address, world.debt.address, REPAY, encode_plan(world.plan()), 0
    )
    return world.lender.address, message


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (loan_callback, "unexpected callback"),
        (swap_callback, "unexpected swap"),
        (liquidation, "not self"),
        (execution, "not operator"),
        (sweep, "not owner"),
    ],
)
def test_entry__stranger_calls_outside_a_plan__reverts(attack: Attack, reason: str) -> None:
    world = build_world()
    target, message = attack(world)
    call = boa.env.execute_code(to_address=target, data=message, sender=boa.env.generate_address("stranger"))
    assert call.is_error
    assert call.output == error(reason)


@pytest.mark.parametrize("attack", [loan_callback, swap_callback])
def test_callback__trusted_pools_call_outside_a_plan__reverts(attack: Attack) -> None:
    world = build_world()
    target, message = attack(world)
    for caller in (world.lender.address, world.swapper.address, world.operator, world.owner):
        assert boa.env.execute_code(to_address=target, data=message, sender=caller).is_error


@pytest.mark.parametrize("attack", [loan_callback, swap_callback])
def test_callback__after_a_plan_in_the_same_state__reverts(attack: Attack) -> None:
    world = build_world()
    world.execute(world.plan())
    target, message = attack(world)
    for caller in (world.lender.address, world.swapper.address):
        assert boa.env.execute_code(to_address=target, data=message, sender=caller).is_error


def test_loan__stranger_borrows_for_the_executor_outside_a_plan__reverts() -> None:
    world = build_world()
    with boa.reverts("not the borrower"):
        world.lender.flashLoanSimple(
            world.executor.address, world.debt.address, REPAY, encode_plan(world.plan()), 0
        )


@pytest.mark.parametrize(
    ("attack", "reasons"),
    [
        (loan_callback, {error("not the lender"), error("unexpected callback")}),
        (swap_callback, {error("unexpected swap")}),
        (liquidation, {error("not self")}),
        (execution, LOCKED),
        (sweep, LOCKED),
        (foreign_loan, {error("not the borrower")}),
    ],
)
def test_entry__token_calls_in_each_of_its_transfers__every_call_reverts_and_nothing_is_lost(
    attack: Attack, reasons: set[bytes]
) -> None:
    world = build_world()
    for token in (world.debt, world.collateral):
        token.set_attack(*attack(world))
    (result,) = world.execute(world.plan())
    assert result.profit == PROFIT
    assert world.debt.successes() == world.collateral.successes() == 0
    assert set(world.debt.attack_failures()) == reasons
    assert set(world.collateral.attack_failures()) <= reasons
    assert len(world.debt.attack_failures()) == 5, "loan, repayment, swap, loan pulled back, profit"
    assert len(world.collateral.attack_failures()) == 2, "seizure, swap"


def test_execute__operator_itself_reenters__reverts() -> None:
    world = build_world()
    world.executor.set_operator(world.debt.address, sender=world.owner)
    world.debt.set_attack(*execution(world))
    (result,) = world.executor.execute([world.plan()], b"", sender=world.owner)
    assert result.profit == PROFIT
    assert world.debt.successes() == 0
    assert set(world.debt.attack_failures()) == LOCKED


def test_sweep__owner_reenters_during_a_plan__reverts() -> None:
    token = deploy("testing/token.vy")
    world = build_world(debt=token, owner=token.address)
    token.set_attack(*sweep(world))
    (result,) = world.execute(world.plan())
    assert result.profit == PROFIT
    assert token.successes() == 0
    assert set(token.attack_failures()) == LOCKED


def test_execute__lender_is_not_allow_listed__fails() -> None:
    world = build_world()
    fake = deploy("testing/lending_pool.vy", 1080)
    world.debt.mint(fake.address, 10**6 * UNIT)
    assert world.failure(world.plan(pool=fake.address)) == error("venue not allowed")
    world.executor.set_venues([world.lender.address], False, sender=world.owner)
    assert world.failure(world.plan()) == error("venue not allowed")


def test_execute__factory_is_not_allow_listed__fails() -> None:
    world = build_world()
    fake = deploy("testing/swap_factory.vy")
    assert world.failure(world.plan(factory=fake.address)) == error("factory not allowed")
    world.executor.set_factory(world.factory.address, False, sender=world.owner)
    assert world.failure(world.plan()) == error("factory not allowed")


@pytest.mark.parametrize(
    ("conduct", "reason"),
    [
        (Lender.NO_CALLBACK, error("no loan")),
        (Lender.TWO_CALLBACKS, error("unexpected callback")),
        (Lender.OTHER_AMOUNT, error("another loan")),
        (Lender.OTHER_PARAMS, error("unexpected callback")),
        (Lender.OTHER_INITIATOR, error("not the borrower")),
    ],
)
def test_execute__lender_lies__fails(conduct: Lender, reason: bytes) -> None:
    world = build_world()
    world.lender.set_conduct(conduct)
    assert world.failure(world.plan(min_profit=0)) == reason


def test_execute__lender_pulls_all_it_may__fails_as_unprofitable() -> None:
    world = build_world()
    world.lender.set_conduct(Lender.PULLS_ALLOWANCE)
    unspent = 10 * UNIT
    account = world.new_account(REPAY - unspent)
    profit = PROFIT - unspent * 8 // 100
    plan = world.plan(account=account, min_profit=profit)
    assert world.failure(plan) == error("unprofitable")
    world.lender.set_conduct(Lender.HONEST)
    assert world.execute(plan)[0].profit == profit


@pytest.mark.parametrize(
    ("conduct", "reason"),
    [
        (Swapper.NO_CALLBACK, error("swap not paid")),
        (Swapper.TWO_CALLBACKS, error("unexpected swap")),
        (Swapper.ASKS_MORE, error("wrong amount")),
        (Swapper.PARTIAL_FILL, error("wrong amount")),
    ],
)
def test_execute__swap_pool_lies__fails(conduct: Swapper, reason: bytes) -> None:
    world = build_world()
    world.swapper.set_conduct(conduct)
    assert world.failure(world.plan(min_profit=0)) == reason


def test_execute__swap_pool_asks_more_and_the_token_is_here__still_fails() -> None:
    world = build_world()
    world.collateral.mint(world.executor.address, UNIT)
    world.swapper.set_conduct(Swapper.ASKS_MORE)
    assert world.failure(world.plan()) == error("wrong amount")


def test_execute__swap_pool_claims_the_other_token__it_is_paid_in_what_goes_in() -> None:
    world = build_world()
    world.debt.mint(world.executor.address, 2 * SEIZED)
    world.swapper.set_conduct(Swapper.OTHER_TOKEN)
    (result,) = world.execute(world.plan())
    assert result.profit == PROFIT
    assert world.debt.balanceOf(world.executor.address) == 2 * SEIZED
