"""Owner and operator: what each may do, from when to when."""

import boa
import pytest

from tests.contract.executor_world import (
    NOBODY,
    PROFIT,
    UNIT,
    World,
    build_world,
    deployer,
    encode_plan,
    named,
)


def test_deploy__no_owner__reverts() -> None:
    with boa.reverts("no owner"):
        deployer("executor.vy")(NOBODY, boa.env.generate_address(), NOBODY)


def test_deploy__roles_given__are_set_and_logged() -> None:
    owner, operator = boa.env.generate_address(), boa.env.generate_address()
    executor = deployer("executor.vy")(owner, operator, NOBODY)
    assert (executor.owner(), executor.operator(), executor.pending_owner()) == (owner, operator, NOBODY)


def test_execute__owner_calls__is_allowed() -> None:
    world = build_world()
    (result,) = world.executor.execute([world.plan()], b"", sender=world.owner)
    assert result.profit == PROFIT


def test_execute__stranger_calls__reverts() -> None:
    world = build_world()
    with boa.reverts("not operator"):
        world.executor.execute([world.plan()], b"", sender=boa.env.generate_address())


def test_liquidate__owner_and_operator_call__reverts() -> None:
    world = build_world()
    for caller in (world.owner, world.operator):
        with boa.reverts("not self"):
            world.executor.liquidate(encode_plan(world.plan()), sender=caller)


def test_set_operator__new_operator__takes_over_at_once() -> None:
    world = build_world()
    successor = boa.env.generate_address()
    world.executor.set_operator(successor, sender=world.owner)
    (event,) = world.events("OperatorSet")
    assert event.operator == successor
    with boa.reverts("not operator"):
        world.execute(world.plan())
    (result,) = world.executor.execute([world.plan()], b"", sender=successor)
    assert result.ok


def test_set_operator__nobody__leaves_only_the_owner() -> None:
    world = build_world()
    world.executor.set_operator(NOBODY, sender=world.owner)
    with boa.reverts("not operator"):
        world.execute(world.plan())


@pytest.mark.parametrize(
    ("setter", "arguments"),
    [
        ("set_operator", 1),
        ("set_venues", 2),
        ("set_factory", 2),
        ("set_router", 2),
        ("sweep", 1),
        ("transfer_ownership", 1),
    ],
)
def test_owner_only__operator_or_stranger_calls__reverts(setter: str, arguments: int) -> None:
    world = build_world()
    listed = [world.debt.address] if setter == "set_venues" else world.debt.address
    given = (listed, True)[:arguments]
    for caller in (world.operator, boa.env.generate_address()):
        with boa.reverts("not owner"):
            getattr(world.executor, setter)(*given, sender=caller)


def test_allow_lists__set_and_unset__show_and_are_logged() -> None:
    world = build_world()
    address = boa.env.generate_address()
    for allowed in (True, False):
        world.executor.set_venues([address], allowed, sender=world.owner)
        (event,) = world.events("VenueSet")
        assert (event.venue, event.allowed, world.executor.venues(address)) == (address, allowed, allowed)
        world.executor.set_factory(address, allowed, sender=world.owner)
        (event,) = world.events("FactorySet")
        assert (event.factory, event.allowed, world.executor.factories(address)) == (
            address,
            allowed,
            allowed,
        )
        world.executor.set_router(address, allowed, sender=world.owner)
        (event,) = world.events("RouterSet")
        assert (event.router, event.allowed, world.executor.routers(address)) == (address, allowed, allowed)


def test_ownership__offered_and_accepted__moves_with_the_profits() -> None:
    world = build_world()
    heir = boa.env.generate_address()
    world.executor.transfer_ownership(heir, sender=world.owner)
    (event,) = world.events("OwnershipOffered")
    assert (event.owner, event.pending_owner) == (world.owner, heir)
    assert world.executor.owner() == world.owner, "an offer alone changes nothing"
    world.executor.accept_ownership(sender=heir)
    (event,) = world.events("OwnershipTransferred")
    assert (event.previous, event.owner) == (world.owner, heir)
    assert (world.executor.owner(), world.executor.pending_owner()) == (heir, NOBODY)
    with boa.reverts("not owner"):
        world.executor.set_operator(heir, sender=world.owner)
    world.execute(world.plan())
    assert world.debt.balanceOf(heir) == PROFIT


def test_ownership__someone_else_accepts__reverts() -> None:
    world = build_world()
    heir = boa.env.generate_address()
    world.executor.transfer_ownership(heir, sender=world.owner)
    for caller in (world.owner, world.operator, boa.env.generate_address()):
        with boa.reverts("not pending owner"):
            world.executor.accept_ownership(sender=caller)


def test_ownership__offer_taken_back__cannot_be_accepted() -> None:
    world = build_world()
    heir = boa.env.generate_address()
    world.executor.transfer_ownership(heir, sender=world.owner)
    world.executor.transfer_ownership(NOBODY, sender=world.owner)
    with boa.reverts("not pending owner"):
        world.executor.accept_ownership(sender=heir)


def test_sweep__tokens_rest_here__owner_gets_all() -> None:
    world = build_world()
    world.debt.mint(world.executor.address, 9 * UNIT)
    world.executor.sweep(world.debt.address, sender=world.owner)
    assert world.debt.balanceOf(world.owner) == 9 * UNIT
    (event,) = named(world.executor, "Swept")
    assert (event.token, event.amount) == (world.debt.address, 9 * UNIT)


def test_sweep__ether_was_forced_in__owner_gets_all() -> None:
    world = build_world()
    boa.env.set_balance(world.executor.address, 3 * UNIT)
    world.executor.sweep(NOBODY, sender=world.owner)
    assert boa.env.get_balance(world.owner) == 3 * UNIT
    assert boa.env.get_balance(world.executor.address) == 0


def test_ether__sent_to_the_executor__is_refused() -> None:
    world: World = build_world()
    giver = boa.env.generate_address()
    boa.env.set_balance(giver, UNIT)
    payment = boa.env.execute_code(to_address=world.executor.address, sender=giver, value=UNIT, data=b"")
    assert payment.is_error
