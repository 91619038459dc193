"""Transactions through a relay that checks signatures and builds the blocks of an Anvil."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from keeper.chain.builder import Builder
from keeper.chain.relay import RelayAnswer, RelayClient
from keeper.chain.relay_json import Request, bundle_hash
from keeper.chain.reputation import ReputationKey
from keeper.config.relay import RelayMethod
from keeper.devnet.blocks import COINBASE
from keeper.devnet.raw import read
from keeper.errors import Degraded, Unreachable
from keeper.execute.observe import Alarm
from keeper.execute.states import State
from keeper.ports import SendError
from keeper.relay_ports import Bundle
from tests.relay_world import RELAY_KEY, RelayWorld, dead_url, relay_world, sign
from tests.txm_world import COUNTER, FAIL, SELECTOR

STRANGER = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"  # Anvil's first account


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[RelayWorld]:
    async with relay_world(tmp_path) as world:
        yield world


async def order(world: RelayWorld) -> list[str]:
    """Hashes of the newest block's transactions."""
    block = await world.world.node.request("eth_getBlockByNumber", "latest", False)
    return list(block["transactions"])


@pytest.mark.parametrize("method", list(RelayMethod))
async def test_submit__by_every_method__lands_in_the_target_block(
    tmp_path: Path, method: RelayMethod
) -> None:
    async with relay_world(tmp_path, method) as world:
        submitted = await world.submit(1)
        _, changes = await world.mine()
        [change] = changes
        mined = change.transaction.mined
        assert mined is not None
        assert (mined.block, mined.succeeded) == (submitted.created + 1, True)
        assert await world.world.count() == 1
        assert world.world.line.sent == []  # nothing in public
        assert {asked.signer for asked in world.relay.asked} == {Account.from_key(RELAY_KEY).address.lower()}


@pytest.mark.parametrize("method", [RelayMethod.BUNDLE, RelayMethod.MEV_BUNDLE, RelayMethod.PRIVATE])
async def test_submit__several_in_a_row__land_together_in_the_order_of_their_nonces(
    tmp_path: Path, method: RelayMethod
) -> None:
    async with relay_world(tmp_path, method) as world:
        hashes = [(await world.submit(number)).attempts[0].hash for number in (1, 2, 3)]
        await world.mine()
        assert await order(world) == hashes
        assert await world.world.count() == 3


class SlowAtFirst(Builder):
    """A builder whose first answer takes its time."""

    asked = 0

    async def ask(self, request: Request) -> Any:
        self.asked += 1
        await asyncio.sleep(0.1 if self.asked == 1 else 0)
        return await super().ask(request)


async def test_send__request_for_the_next_block_is_slow__its_answer_is_waited_for(world: RelayWorld) -> None:
    builder = SlowAtFirst(world.relay.url, ReputationKey(RELAY_KEY), deadline=5.0)
    async with RelayClient([builder], RelayMethod.BUNDLE) as route:
        await route.send(sign(STRANGER, 0, COUNTER), head=7, until=10)
        assert hex(8) in [asked.params[0]["blockNumber"] for asked in world.relay.asked]


async def test_submit__a_builder_misses_the_first_block__lands_in_a_later_target_block(
    world: RelayWorld,
) -> None:
    submitted = await world.submit(1, blocks=3)
    await world.pass_by()
    await world.mine()
    stored = await world.world.stored(1)
    assert stored.mined is not None
    assert stored.mined.block == submitted.created + 2
    assert await world.world.count() == 1


async def test_submit__no_block_takes_it_in_time__expires_and_the_nonce_goes_to_the_next(
    world: RelayWorld,
) -> None:
    first = await world.submit(1, blocks=2)
    await world.pass_by(2)
    assert (await world.world.stored(1)).state is State.DROPPED
    second = await world.submit(2)
    assert second.nonce == first.nonce
    await world.mine()
    assert [(await world.world.stored(2)).state, await world.world.count()] == [State.CONFIRMED, 1]
    assert world.world.line.sent == []


async def test_submit__a_route_that_never_forgets__a_no_op_takes_the_nonce(tmp_path: Path) -> None:
    async with relay_world(tmp_path, RelayMethod.RAW) as world:
        await world.submit(1, blocks=1)
        await world.pass_by()
        stored = await world.world.stored(1)
        assert stored.state is State.CANCELLING
        assert world.world.line.sent == [stored.attempts[-1].raw]


async def test_submit__relay_down__nothing_in_public_and_the_nonce_is_free_in_the_end(tmp_path: Path) -> None:
    async with relay_world(tmp_path, urls=[dead_url()]) as world:
        await world.submit(1, blocks=2)
        assert world.watcher.alarms == [Alarm.RELAY]
        await world.pass_by(2)
        assert (await world.world.stored(1)).state is State.DROPPED
        assert (world.world.line.sent, await world.world.nonce()) == ([], 0)
        assert {answer for _, answer in world.watcher.answers} == {RelayAnswer.DOWN}


async def test_submit__relay_down_and_fall_back__goes_public_at_once(tmp_path: Path) -> None:
    async with relay_world(tmp_path, urls=[dead_url()], fall_back=True) as world:
        submitted = await world.submit(1)
        assert (submitted.until, submitted.attempts[0].until) == (None, None)
        assert world.world.line.sent == [submitted.attempts[0].raw]
        await world.mine()
        assert (await world.world.stored(1)).state is State.CONFIRMED


async def test_submit__expired_and_fall_back__goes_public(tmp_path: Path) -> None:
    async with relay_world(tmp_path, fall_back=True) as world:
        await world.submit(1, blocks=1)
        assert world.world.line.sent == []
        await world.pass_by()
        assert len(world.world.line.sent) == 1
        await world.mine()
        assert await world.world.count() == 1


async def test_submit__expired_and_of_no_use_with_fall_back__given_up(tmp_path: Path) -> None:
    async with relay_world(tmp_path, fall_back=True) as world:
        await world.submit(1, blocks=1)
        await world.world.node.request("anvil_setCode", COUNTER, FAIL)
        await world.pass_by()
        assert (await world.world.stored(1)).state is State.DROPPED
        assert world.world.line.sent == []


async def test_submit__one_of_several_builders_down__the_other_lands_it(tmp_path: Path) -> None:
    async with relay_world(tmp_path, urls=[dead_url(), ""]) as world:
        await world.submit(1)
        await world.mine()
        assert await world.world.count() == 1
        told = dict(world.watcher.answers)
        assert told[world.relay.url] is RelayAnswer.TAKEN
        assert set(told.values()) == {RelayAnswer.TAKEN, RelayAnswer.DOWN}
        assert world.watcher.alarms == []


async def test_submit__not_signed__refused_and_nothing_in_public(tmp_path: Path) -> None:
    async with relay_world(tmp_path, signed=False) as world:
        submitted = await world.submit(1)
        assert submitted.attempts[0].outcome == "retryable"
        assert not submitted.is_out
        assert {answer for _, answer in world.watcher.answers} == {RelayAnswer.REFUSED}
        assert (world.watcher.alarms, world.world.manager.halted) == ([Alarm.RELAY], None)
        assert world.world.line.sent == []


async def test_submit__refused_at_first__taken_at_the_next_head(world: RelayWorld) -> None:
    world.relay.refusing = "too busy"
    await world.submit(1)
    assert world.relay.held == 0
    world.relay.refusing = ""
    await world.mine()  # without it, but the manager offers it again
    await world.mine()
    assert await world.world.count() == 1


async def test_submit__would_revert__not_mined_and_nothing_paid(world: RelayWorld) -> None:
    await world.submit(1)
    await world.world.node.request("anvil_setCode", COUNTER, FAIL)
    parcels, _ = await world.mine()
    assert parcels == []
    assert (await world.world.nonce(), await world.relay.earned()) == (0, 0)


async def test_send_bundle__ours_behind_a_stranger_that_pays_less__in_the_bundle_s_order(
    world: RelayWorld,
) -> None:
    head = (await world.world.line.block()).number
    ours = await world.submit(1)
    foreign = sign(STRANGER, 0, COUNTER, gwei=2, data=SELECTOR)
    await world.world.node.request("eth_sendRawTransaction", "0x" + foreign.hex())  # it is public, too
    bundle = Bundle((foreign, ours.attempts[0].raw), head + 1)
    assert await world.route.send_bundle(bundle) == bundle_hash(bundle)
    await world.mine()
    assert await order(world) == [read(foreign).hash, ours.attempts[0].hash]


async def test_send_bundle__the_stranger_cannot_land__ours_stays_out(world: RelayWorld) -> None:
    head = (await world.world.line.block()).number
    late = sign(STRANGER, 5, COUNTER)
    ours = sign(RELAY_KEY, 0, COUNTER)
    await world.world.node.fund([read(ours).sender])
    await world.route.send_bundle(Bundle((late, ours), head + 1, head + 2))
    for _ in range(2):
        parcels, _ = await world.mine()
        assert (parcels, await order(world)) == ([], [])
    assert world.relay.held == 0


async def test_send_bundle__known_by_its_hash_only__mev_bundle_takes_it(tmp_path: Path) -> None:
    async with relay_world(tmp_path, RelayMethod.MEV_BUNDLE) as world:
        head = (await world.world.line.block()).number
        foreign = sign(STRANGER, 0, COUNTER, data=SELECTOR)
        hidden = read(foreign).hash
        await world.world.node.request("eth_sendRawTransaction", "0x" + foreign.hex())
        ours = (await world.submit(1)).attempts[0]
        await world.route.send_bundle(Bundle((hidden, ours.raw), head + 1))
        await world.mine()
        assert await order(world) == [hidden, ours.hash]


@pytest.mark.parametrize("allowed", [True, False])
async def test_send_bundle__one_of_it_reverts__only_with_leave(world: RelayWorld, allowed: bool) -> None:
    await world.world.node.request("anvil_setCode", COUNTER, FAIL)
    head = (await world.world.line.block()).number
    failing, fine = sign(STRANGER, 0, COUNTER), sign(STRANGER, 1, "0x" + "99" * 20)
    may_revert = frozenset({read(failing).hash}) if allowed else frozenset()
    await world.route.send_bundle(Bundle((failing, fine), head + 1, may_revert=may_revert))
    await world.mine()
    assert await order(world) == ([read(failing).hash, read(fine).hash] if allowed else [])


async def test_simulate__a_bundle__gas_payment_and_errors(world: RelayWorld) -> None:
    head = (await world.world.line.block()).number
    count = sign(STRANGER, 0, COUNTER, data=SELECTOR)
    pay = sign(STRANGER, 1, COINBASE, value=12_345)
    found = await world.route.simulate(Bundle((count, pay), head + 1))
    assert (found.error, found.to_coinbase, found.block) == ("", 12_345, head)
    assert [step.hash for step in found.steps] == [read(count).hash, read(pay).hash]
    assert found.gas_used == sum(step.gas_used for step in found.steps) > 42_000

    await world.world.node.request("anvil_setCode", COUNTER, FAIL)
    failed = await world.route.simulate(Bundle((count,), head + 1))
    assert failed.error
    assert await order(world) == []


async def test_route__no_bundles_by_a_private_rpc__degraded(tmp_path: Path) -> None:
    async with relay_world(tmp_path, RelayMethod.RAW) as world:
        with pytest.raises(Degraded, match="no bundles"):
            await world.route.send_bundle(Bundle((b"\x01",), 1))


async def test_route__block_in_the_past__send_error(world: RelayWorld) -> None:
    with pytest.raises(SendError, match="in the past"):
        await world.route.send(sign(STRANGER, 0, COUNTER), head=-1, until=0)


async def test_simulate__nobody_there__unreachable(tmp_path: Path) -> None:
    async with relay_world(tmp_path, urls=[dead_url()]) as world:
        with pytest.raises(Unreachable):
            await world.route.simulate(Bundle((sign(STRANGER, 0, COUNTER),), 1))


async def test_mine__public_transactions__by_fee_behind_the_bundles(world: RelayWorld) -> None:
    sent = []
    for nonce, gwei in ((0, 2), (1, 50)):
        raw = sign(STRANGER, nonce, COUNTER, gwei=gwei, data=SELECTOR)
        sent.append(read(raw).hash)
        await world.world.node.request("eth_sendRawTransaction", "0x" + raw.hex())
    ours = (await world.submit(1)).attempts[0].hash
    await world.mine()
    assert await order(world) == [ours, *sent]
