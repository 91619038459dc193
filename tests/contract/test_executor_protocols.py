"""Every dialect and every lender: what a plan does, who may call back, and what a lie leads to."""

from collections.abc import Callable

import boa
import pytest
from eth_abi.abi import encode

from keeper.execute.reasons import REFUSED
from keeper.protocols.base import FlashKind
from tests.contract import executor_scenes as scenes
from tests.contract.executor_scenes import ALL, CALLING_BACK, Conduct, Scene
from tests.contract.executor_world import NOBODY, REPAY, SEIZED, UNIT, build_world, deploy, error

Build = Callable[[], Scene]
FIELDS = (
    *("dialect", "venue", "account", "collateral", "debt", "repay"),
    *("source", "lender", "bid_bps", "min_profit", "data", "legs"),
)

all_of_them = pytest.mark.parametrize("build", ALL, ids=lambda build: build.__name__)
callbacks = pytest.mark.parametrize("build", CALLING_BACK, ids=lambda build: build.__name__)


def changed(scene: Scene, **values: object) -> tuple[object, ...]:
    """The scene's plan with some of its fields changed."""
    fields = list(scene.plan)
    for name, value in values.items():
        fields[FIELDS.index(name)] = value
    return tuple(fields)


@all_of_them
def test_execute__every_dialect_and_lender__owner_gets_the_exact_profit_and_nothing_rests(
    build: Build,
) -> None:
    scene = build()
    world, owned = scene.world, scene.world.debt.balanceOf(scene.world.owner)
    (result,) = world.execute(changed(scene, min_profit=scene.profit))
    assert (result.ok, result.profit, result.reason) == (True, scene.profit, b"")
    (event,) = world.events("Liquidated")
    assert (event.account, event.profit, event.bid) == (world.account, scene.profit, 0)
    assert world.debt.balanceOf(world.owner) - owned == scene.profit
    world.assert_nothing_left()
    venue, lender = scene.plan[1], scene.plan[7]
    for spender in {venue, lender} - {NOBODY}:
        assert world.debt.allowance(world.executor.address, spender) == 0


@all_of_them
def test_execute__a_unit_more_is_demanded__unprofitable(build: Build) -> None:
    scene = build()
    assert scene.world.failure(changed(scene, min_profit=scene.profit + 1)) == error("unprofitable")


@all_of_them
def test_execute__venue_is_not_allow_listed__fails(build: Build) -> None:
    scene = build()
    scene.world.executor.set_venues([scene.plan[1]], False, sender=scene.world.owner)
    assert scene.world.failure(scene.plan) == error("venue not allowed")


@pytest.mark.parametrize(
    "build",
    [scenes.morpho_loan, scenes.balancer_loan, scenes.aave_lends_for_another],
    ids=lambda build: build.__name__,
)
def test_execute__lender_is_not_allow_listed__fails(build: Build) -> None:
    scene = build()
    scene.world.executor.set_venues([scene.plan[7]], False, sender=scene.world.owner)
    assert scene.world.failure(scene.plan) == error("lender not allowed")


def test_execute__pool_that_lends_is_not_the_factorys__fails() -> None:
    scene = scenes.uniswap_loan()
    other = scenes.funded(
        deploy("testing/swap_pool.vy", scene.world.debt.address, scene.world.collateral.address, 1000),
        scene.world.debt,
    )
    assert scene.world.failure(changed(scene, lender=other.address)) == error("lender not allowed")
    other.set_factory(scene.world.factory.address)
    assert scene.world.failure(changed(scene, lender=other.address)) == error("lender not allowed")


@callbacks
def test_callback__stranger_and_trusted_call_outside_a_plan__reverts(build: Build) -> None:
    scene = build()
    target, message = scene.call()
    stranger = boa.env.generate_address("stranger")
    for caller in (stranger, scene.caller.address, scene.world.owner, scene.world.operator):
        call = boa.env.execute_code(to_address=target, data=message, sender=caller)
        assert call.is_error
        assert call.output == error("unexpected callback")


@callbacks
def test_callback__after_a_plan_in_the_same_state__reverts(build: Build) -> None:
    scene = build()
    scene.world.execute(scene.plan)
    target, message = scene.call()
    assert boa.env.execute_code(to_address=target, data=message, sender=scene.caller.address).is_error


@callbacks
def test_callback__token_makes_it_in_each_of_its_transfers__every_one_reverts(build: Build) -> None:
    scene = build()
    world = scene.world
    for token in (world.debt, world.collateral):
        token.set_attack(*scene.call())
    (result,) = world.execute(scene.plan)
    assert result.profit == scene.profit
    assert world.debt.successes() == world.collateral.successes() == 0
    refused = {*world.debt.attack_failures(), *world.collateral.attack_failures()}
    reasons = ("unexpected callback", "not the lender", "not the venue", "not the connector")
    assert refused <= {error(reason) for reason in reasons}
    assert len(refused) >= 1


@callbacks
def test_execute__no_callback__fails(build: Build) -> None:
    scene = build()
    scene.caller.set_conduct(Conduct.NO_CALLBACK)
    assert scene.world.failure(scene.plan) in {error("no loan"), error("no callback"), error("F0")}


@callbacks
def test_execute__two_callbacks__fails(build: Build) -> None:
    scene = build()
    scene.caller.set_conduct(Conduct.TWO_CALLBACKS)
    assert scene.world.failure(scene.plan) == error("unexpected callback")


@callbacks
def test_execute__callback_brings_something_else__fails(build: Build) -> None:
    for number in range(len(build().lies)):
        scene = build()
        lie, reason = scene.lies[number]
        scene.caller.set_conduct(lie)
        assert scene.world.failure(scene.plan) == error(reason)


@pytest.mark.parametrize(
    ("build", "lie", "reason"),
    [
        (scenes.balancer_loan, 64, "another source"),
        (scenes.morpho_loan, 32, "another dialect"),
        (scenes.morpho, 32, "another dialect"),
        (scenes.pre_liquidation, 32, "another dialect"),
    ],
)
def test_execute__callback_is_of_another_kind__fails(build: Build, lie: int, reason: str) -> None:
    scene = build()
    scene.caller.set_conduct(lie)
    assert scene.world.failure(scene.plan) == error(reason)


@pytest.mark.parametrize(
    "build", [scenes.morpho, scenes.pre_liquidation, scenes.euler], ids=lambda build: build.__name__
)
def test_execute__self_funded_with_a_loan__fails(build: Build) -> None:
    scene = build()
    plan = changed(scene, source=FlashKind.AAVE, lender=scene.world.lender.address)
    assert scene.world.failure(plan) == error("needs no loan")


def test_execute__unknown_numbers__fail() -> None:
    world = build_world()
    assert world.failure(world.plan(dialect=7)) == error("unknown dialect")
    assert world.failure(world.plan(source=7)) == error("unknown source")


def test_inventory__owner_allows_too_little__fails() -> None:
    scene = scenes.inventory()
    scene.world.debt.approve(scene.world.executor.address, REPAY - 1, sender=scene.world.owner)
    assert scene.world.failure(scene.plan) == b""


def test_inventory__liquidation_would_lose__owner_keeps_all() -> None:
    world = build_world(rate=900)
    world.debt.mint(world.owner, REPAY)
    world.debt.approve(world.executor.address, REPAY, sender=world.owner)
    plan = world.plan(source=FlashKind.NONE, lender=NOBODY, min_profit=0)
    assert world.failure(plan) == error("unprofitable")
    assert world.debt.balanceOf(world.owner) == REPAY


def test_compound__protocol_answers_a_code__fails_with_it() -> None:
    scene = scenes.compound()
    scene.caller.set_codes(3, 0)
    assert scene.world.failure(scene.plan) == REFUSED + encode(["uint256"], [3])


def test_compound__market_has_no_cash_to_redeem__fails_with_its_code() -> None:
    scene = scenes.compound()
    world = scene.world
    debt, collateral = scenes.c_tokens(world)
    collateral.set_codes(0, 14)
    plan = world.plan(dialect=4, venue=debt.address, data=scenes.markets_of(debt, collateral))
    assert world.failure(plan) == REFUSED + encode(["uint256"], [14])


def test_comet__accounts_are_absorbed_first__or_none() -> None:
    scene = scenes.comet()
    scene.world.execute(scene.plan)
    assert scene.caller.absorbed(0) == scene.world.account
    scene = scenes.comet()
    buying = encode(["address[]", "uint256", "uint256"], [[], REPAY, SEIZED])
    (result,) = scene.world.execute(changed(scene, data=buying))
    assert result.profit == scene.profit


def test_euler__connector_is_not_the_vaults__fails() -> None:
    scene = scenes.euler()
    fake = deploy("testing/euler.vy", NOBODY, NOBODY, 0)
    data = bytes.fromhex(f"{int(fake.address, 16):064x}") + scene.plan[10][32:]
    assert scene.world.failure(changed(scene, data=data)) == error("not the connector")


def test_execute__nothing_was_seized__fails() -> None:
    world = build_world(per_mille=0)
    assert world.failure(world.plan(min_profit=0)) == error("nothing seized")


def test_execute__all_dialects_in_one_transaction__each_gets_its_result() -> None:
    scene = scenes.morpho()
    world = scene.world
    good = world.plan(account=world.new_account())
    results = world.execute(scene.plan, changed(scene, min_profit=10**9 * UNIT), good)
    assert [result.ok for result in results] == [True, False, True]
    assert results[1].reason == error("unprofitable")
