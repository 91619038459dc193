"""The transaction manager against a real node: pipelining, crashes, lost answers, fees, reorgs, strangers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.errors import Degraded, Halt, Unreachable
from keeper.execute.confirm import PATIENCE
from keeper.execute.model import NO_NONCE
from keeper.execute.rules import Rules
from keeper.execute.states import State
from keeper.ports import SendError, SendOutcome
from keeper.types import Call
from tests.execute_samples import account
from tests.txm_world import (
    COUNTER,
    FAIL,
    GWEI,
    MAX_GAS_PRICE,
    Crash,
    World,
    die,
    foreign,
    lose_answer,
    running_world,
)


@pytest.fixture
async def new(tmp_path: Path) -> AsyncIterator[World]:
    """A world in which the keeper has not begun yet."""
    async with running_world(tmp_path) as world:
        yield world


@pytest.fixture
async def world(new: World) -> World:
    await new.manager.recover()
    return new


async def test_submit__many_in_one_block__nonces_pipelined_and_all_mined_together(world: World) -> None:
    sent = [await world.submit(number) for number in range(5)]
    assert [transaction.nonce for transaction in sent] == [0, 1, 2, 3, 4]
    assert {transaction.state for transaction in sent} == {State.SENT}
    assert world.manager.in_flight() == {("aave-core", account(number)) for number in range(5)}
    changes = await world.mine()
    assert {change.transaction.state for change in changes} == {State.CONFIRMED}
    assert len({change.receipt and change.receipt.block for change in changes}) == 1
    assert await world.count() == 5
    assert world.manager.in_flight() == frozenset()


async def test_submit__same_intent_twice__one_transaction(world: World) -> None:
    first = await world.submit(1)
    assert await world.submit(1) == first
    await world.mine()
    assert (await world.submit(1)).id == first.id
    assert (await world.count(), await world.nonce()) == (1, 1)


async def test_submit__same_intent_when_it_could_not_be_sent_now__still_the_first_transaction(
    world: World,
) -> None:
    first = await world.submit(1)
    assert await world.submit(1, ceiling=GWEI // 2) == first
    world.manager._brake.pull("on purpose")
    assert await world.submit(1) == first
    assert len(world.pen.signed) == 1


async def test_submit__before_recovery__halts_and_signs_nothing(new: World) -> None:
    with pytest.raises(Halt, match="recovered"):
        await new.submit(1)
    assert new.pen.signed == []


async def test_submit__gas_beyond_the_ceiling__degraded_and_no_nonce_spent(world: World) -> None:
    with pytest.raises(Degraded, match="base fee"):
        await world.submit(1, ceiling=GWEI // 2)
    assert (await world.submit(2)).nonce == 0


async def test_submit__no_place_in_flight__queued_and_sent_when_there_is_one(world: World) -> None:
    world.rules = replace(world.rules, max_in_flight=2)
    await world.restart()
    await world.submit(1)
    await world.submit(2)
    assert ((await world.submit(3)).state, (await world.submit(3)).nonce) == (State.QUEUED, NO_NONCE)
    assert ("aave-core", account(3)) in world.manager.in_flight()
    await world.mine()
    assert ((await world.stored(3)).state, (await world.stored(3)).nonce) == (State.SENT, 2)
    await world.mine()
    assert await world.count() == 3


async def test_submit__queued_for_too_long__dropped_without_a_nonce(world: World) -> None:
    world.rules = replace(world.rules, max_in_flight=1)
    await world.restart()
    await world.submit(1, ceiling=3 * GWEI)
    await world.submit(2)
    for _ in range(3):
        await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
        changes = await world.mine()
    (change,) = changes
    assert (change.transaction.key, change.transaction.state) == ("intent 2", State.DROPPED)
    assert ("aave-core", account(2)) not in world.manager.in_flight()
    await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    await world.mine(2)
    assert (await world.count(), await world.nonce(), (await world.submit(3)).nonce) == (1, 1, 1)


async def test_submit__queued_and_it_would_fail_by_now__dropped(world: World) -> None:
    world.rules = replace(world.rules, max_in_flight=1)
    await world.restart()
    await world.submit(1)
    await world.submit(2)
    await world.node.mine()
    await world.node.request("anvil_setCode", COUNTER, FAIL)
    await world.head()
    assert (await world.stored(2)).state is State.DROPPED
    assert len(world.pen.signed) == 1


async def test_submit__queue_is_full_too__degraded(world: World) -> None:
    world.rules = replace(world.rules, max_in_flight=1)
    await world.restart()
    await world.submit(1)
    await world.submit(2)
    with pytest.raises(Degraded, match="queued already"):
        await world.submit(3)


CRASHES = {
    "before signing": lambda world: setattr(world.pen, "before", die),
    "before sending": lambda world: setattr(world.line, "before", die),
    "after sending": lambda world: setattr(world.line, "after", die),
}


@pytest.mark.parametrize("mined_meanwhile", [False, True])
@pytest.mark.parametrize("crash", CRASHES)
async def test_recover__crash_during_the_first_attempt__same_end(
    world: World, crash: str, mined_meanwhile: bool
) -> None:
    await world.submit(1)
    CRASHES[crash](world)
    with pytest.raises(Crash):
        await world.submit(2)
    if mined_meanwhile:
        await world.node.mine()
    await world.restart()
    await world.submit(3)
    await world.mine(2)
    states = [(await world.stored(number)).state for number in (1, 2, 3)]
    assert states == [State.CONFIRMED] * 3
    assert [(await world.stored(number)).nonce for number in (1, 2, 3)] == [0, 1, 2]
    assert (await world.count(), await world.nonce()) == (3, 3)


@pytest.mark.parametrize("crash", CRASHES)
async def test_recover__crash_while_fees_are_raised__same_end(world: World, crash: str) -> None:
    await world.submit(1)
    await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
    await world.node.mine()
    CRASHES[crash](world)
    with pytest.raises(Crash):
        await world.head()
    await world.restart()
    await world.mine(3)
    transaction = await world.stored(1)
    assert transaction.state is State.CONFIRMED
    assert (await world.count(), await world.nonce()) == (1, 1)
    assert {attempt.raw for attempt in transaction.attempts} >= set(world.line.sent)


async def test_recover__killed_after_mining__receipt_is_reported_again(world: World) -> None:
    await world.submit(1)
    await world.mine()
    (change,) = await world.restart()
    assert change.transaction.state is State.CONFIRMED
    assert change.receipt is not None
    assert change.receipt.succeeded


async def test_submit__answer_lost_after_the_node_took_it__in_flight_and_mined_once(world: World) -> None:
    world.line.after = lose_answer
    transaction = await world.submit(1)
    assert (transaction.state, transaction.attempts[-1].outcome) == (State.SENT, SendOutcome.UNKNOWN)
    world.line.after = lambda: None
    assert (await world.submit(1)).id == transaction.id
    await world.mine(2)
    assert len(world.pen.signed) == 1
    assert (await world.count(), await world.nonce()) == (1, 1)


async def test_submit__node_never_got_it__same_bytes_are_sent_again(world: World) -> None:
    world.line.before = lose_answer
    await world.submit(1)
    world.line.before = lambda: None
    await world.mine()
    assert await world.count() == 0
    await world.mine()
    assert await world.count() == 1
    assert len(world.pen.signed) == 1


async def test_on_head__base_fee_above_the_cap__fees_raised_until_mined(world: World) -> None:
    await world.submit(1)
    for _ in range(3):
        await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
        await world.mine()
    transaction = await world.stored(1)
    first, second = transaction.attempts[:2]
    assert second.fees.tip * 10 >= first.fees.tip * 11 + 10
    assert second.fees.cap * 10 >= first.fees.cap * 11 + 10
    assert (second.block - first.block, transaction.state) == (1, State.CONFIRMED)
    assert transaction.mined is not None
    assert transaction.mined.hash == second.hash
    assert (await world.count(), await world.nonce()) == (1, 1)


async def test_on_head__ceiling_reached__no_higher_attempt_but_sent_again(world: World) -> None:
    await world.submit(1, ceiling=3 * GWEI)
    for _ in range(4):
        await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(20 * GWEI))
        await world.mine()
    assert len(world.pen.signed) == 1
    assert len(world.line.sent) == 5
    await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    await world.mine(2)  # the node forgot it while it was too cheap, and takes it again
    assert (await world.count(), len(world.pen.signed)) == (1, 1)


async def test_on_head__reorg_takes_the_block_back__sent_again_and_lands_again(world: World) -> None:
    await world.mine(2)
    await world.submit(1)
    await world.mine()
    await world.mine()
    assert (await world.stored(1)).state is State.CONFIRMED
    await world.node.request("anvil_reorg", 2, [])
    assert await world.count() == 0
    (change,) = await world.head()
    assert (change.transaction.state, change.receipt) == (State.SENT, None)
    assert world.manager.in_flight() == {("aave-core", account(1))}
    await world.mine()
    assert (await world.stored(1)).state is State.CONFIRMED
    assert (await world.count(), await world.nonce(), len(world.pen.signed)) == (1, 1, 1)


async def test_on_head__head_deepens__mined_then_confirmed_then_final(world: World) -> None:
    world.rules = Rules(max_gas_price=MAX_GAS_PRICE, confirmations=3)
    await world.restart()
    await world.submit(1)
    seen = [[change.transaction.state for change in await world.mine()] for _ in range(4)]
    assert seen == [[State.MINED], [], [State.CONFIRMED], []]
    await world.node.mine(100)
    (change,) = await world.head()
    assert change.transaction.state is State.FINAL
    assert await world.restart() == []


async def test_on_head__payload_reverts__mined_as_failure_and_the_nonce_is_spent(world: World) -> None:
    await world.node.request("anvil_setCode", COUNTER, FAIL)
    await world.submit(1)
    (change,) = await world.mine()
    assert change.transaction.mined is not None
    assert change.transaction.mined.succeeded is False
    assert change.receipt is not None
    assert (await world.submit(2)).nonce == 1


async def test_on_head__someone_else_used_our_nonce__halts_and_is_lost_when_final(world: World) -> None:
    world.line.before = lose_answer
    await world.submit(1)
    await foreign(world, 0)
    await world.mine()
    with pytest.raises(Degraded, match="not seen mined"):
        await world.submit(2)
    await world.mine(PATIENCE)
    with pytest.raises(Halt, match="nonce 0"):
        await world.submit(2)
    await world.node.mine(100)
    await world.head()
    assert (await world.stored(1)).state is State.LOST
    with pytest.raises(Halt, match="nonce 0"):
        await world.submit(2)
    assert await world.count() == 0


async def test_recover__foreign_transaction_waiting_on_our_key__halts(new: World) -> None:
    await foreign(new, 0)
    await new.manager.recover()
    with pytest.raises(Halt, match=r"1 transactions .* not ours"):
        await new.submit(1)
    assert new.pen.signed == []


async def test_recover__key_was_used_before_this_database__starts_at_the_chains_nonce(new: World) -> None:
    await foreign(new, 0)
    await new.node.mine()
    await new.manager.recover()
    assert (await new.submit(1)).nonce == 1


async def test_submit__policy_forbids_it__halts_and_sends_nothing(world: World) -> None:
    call = Call(COUNTER, b"\x00\x00\x00\x00")
    with pytest.raises(Halt, match="policy"):
        await world.manager.submit("forbidden", [], call, 60_000)
    await world.mine()
    with pytest.raises(Halt, match="policy"):
        await world.submit(1)
    assert world.line.sent == []


async def test_submit__no_money_for_gas__waits_without_raising_fees_until_topped_up(world: World) -> None:
    await world.node.request("anvil_setBalance", world.pen.address, "0x0")
    transaction = await world.submit(1)
    assert transaction.attempts[-1].outcome == SendOutcome.INSUFFICIENT_FUNDS
    await world.mine(4)
    await world.node.fund([world.pen.address])
    await world.mine(2)
    assert (await world.count(), len(world.pen.signed)) == (1, 1)


async def test_submit__node_refuses_the_contents__halts(world: World) -> None:
    def refuse() -> None:
        raise SendError(SendOutcome.FATAL, "exceeds block gas limit")

    world.line.before = refuse
    await world.submit(1)
    with pytest.raises(Halt, match="refuses transaction 0: fatal"):
        await world.submit(2)


async def test_on_head__another_process_moves_our_transaction__halts(world: World) -> None:
    await world.submit(1)
    other = world.process()
    await world.node.mine()
    await other.recover()
    await other.write_up()
    with pytest.raises(Halt, match="two keepers"):
        await world.head()


async def test_on_head__several_were_mined__their_receipts_come_with_the_nonce(world: World) -> None:
    await world.manager.recover()
    for number in range(3):
        await world.submit(number)
    await world.node.mine()
    world.line.asked.clear()
    changes = await world.head()
    assert [change.receipt is not None for change in changes] == [True] * 3
    assert world.line.asked == []


async def test_on_head__node_silent_halfway__nothing_is_lost_for_the_next_head(world: World) -> None:
    await world.submit(1)
    await world.submit(2)
    await world.node.mine()
    second = (await world.stored(2)).attempts[0].hash
    world.line.deaf_to = second
    with pytest.raises(Unreachable):
        await world.head()
    world.line.deaf_to = None
    changes = await world.head()
    assert [change.transaction.nonce for change in changes] == [0, 1]
    assert {change.transaction.state for change in changes} == {State.CONFIRMED}
