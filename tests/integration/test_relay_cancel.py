"""What builders hold and nobody wants any more is taken back from them."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from keeper.chain.relay import RelayAnswer
from keeper.config.relay import RelayMethod
from keeper.execute.model import BOUND, Fees, Transaction
from keeper.execute.states import State
from keeper.execute.store import TransactionStore
from keeper.execute.txm import TransactionManager
from keeper.types import Call
from tests.execute_samples import sample_step
from tests.relay_world import RelayWorld, dead_url, relay_world
from tests.txm_world import COUNTER, FAIL, GWEI, SELECTOR

CANCELS = {"eth_cancelBundle", "eth_cancelPrivateTransaction"}


def cancels(world: RelayWorld) -> list[str]:
    return [asked.method for asked in world.relay.asked if asked.method in CANCELS]


async def test_recall__bundles__no_block_has_them_and_the_nonce_is_free_in_the_end(
    tmp_path: Path,
) -> None:
    async with relay_world(tmp_path, fall_back=True) as world:
        first = await world.submit(1, blocks=2)
        await world.watcher.hears(RelayAnswer.TAKEN, 2)
        assert world.relay.held == 2
        await world.world.manager.recall(first)
        await world.watcher.hears(RelayAnswer.CANCELLED, 2)
        assert world.relay.held == 0
        names = [asked.params[0]["replacementUuid"] for asked in world.relay.asked[-2:]]
        assert {UUID(name).version for name in names} == {4}
        for _ in range(2):
            parcels, _ = await world.mine()
            assert parcels == []
        assert (await world.world.stored(1)).state is State.DROPPED
        assert world.world.line.sent == []  # nor in public
        second = await world.submit(2)
        assert second.nonce == first.nonce
        await world.mine()
        assert await world.world.count() == 1


async def test_recall__private_transaction__forgotten_by_its_hash(tmp_path: Path) -> None:
    async with relay_world(tmp_path, RelayMethod.PRIVATE) as world:
        sent = await world.submit(1)
        await world.world.manager.recall()
        await world.watcher.hears(RelayAnswer.CANCELLED)
        assert world.relay.asked[-1].params == [{"txHash": sent.attempts[0].hash}]
        assert world.relay.held == 0
        assert (await world.mine())[0] == []


@pytest.mark.parametrize("method", [RelayMethod.MEV_BUNDLE, RelayMethod.PRIVATE_RAW, RelayMethod.RAW])
async def test_recall__method_without_a_counterpart__nothing_is_asked(
    tmp_path: Path, method: RelayMethod
) -> None:
    async with relay_world(tmp_path, method) as world:
        await world.submit(1)
        await world.world.manager.recall()
        await world.mine()
        assert cancels(world) == []
        assert (await world.world.stored(1)).state is State.CONFIRMED  # it was followed all the same


async def test_recall__last_block_is_past__nothing_is_asked(tmp_path: Path) -> None:
    async with relay_world(tmp_path) as world:
        first = await world.submit(1, blocks=1)
        await world.pass_by()
        await world.world.manager.recall(first)
        await world.mine()
        assert cancels(world) == []


async def test_recall__some_builders__only_those_that_took_it_are_asked_and_once(tmp_path: Path) -> None:
    async with relay_world(tmp_path, urls=[dead_url(), ""]) as world:
        first = await world.submit(1, blocks=1)
        await world.watcher.hears(RelayAnswer.DOWN)
        for _ in range(2):
            await world.world.manager.recall(first)
        await world.watcher.hears(RelayAnswer.CANCELLED)
        assert [host for host, answer in world.watcher.answers if answer is RelayAnswer.CANCELLED] == [
            world.relay.url
        ]
        assert len(cancels(world)) == 1
        assert [answer for _, answer in world.watcher.answers].count(RelayAnswer.DOWN) == 1


async def test_recall__builder_does_not_want_to__told_and_its_end_awaited(tmp_path: Path) -> None:
    async with relay_world(tmp_path) as world:
        first = await world.submit(1, blocks=1)
        world.relay.refusing = "no cancelling today"
        await world.world.manager.recall(first)
        await world.watcher.hears(RelayAnswer.NOT_CANCELLED)
        await world.mine()
        assert (await world.world.stored(1)).state is State.CONFIRMED
        assert await world.world.count() == 1


async def test_recall__private_transaction_that_is_gone__told(tmp_path: Path) -> None:
    async with relay_world(tmp_path, RelayMethod.PRIVATE) as world:
        first = await world.submit(1)
        await world.relay.mine()  # the keeper has not seen it yet
        await world.world.manager.recall(first)
        await world.watcher.hears(RelayAnswer.NOT_CANCELLED)
        await world.world.head()
        assert (await world.world.stored(1)).state is State.CONFIRMED


async def test_head__of_no_use_any_more__taken_back_and_offered_again_when_it_is(tmp_path: Path) -> None:
    async with relay_world(tmp_path) as world:
        code = await world.world.node.request("eth_getCode", COUNTER, "latest")
        await world.submit(1, blocks=5)
        await world.world.node.request("anvil_setCode", COUNTER, FAIL)
        await world.pass_by()
        await world.watcher.hears(RelayAnswer.CANCELLED, 4)
        assert world.relay.held <= 1  # but for the block that is past
        assert world.world.line.sent == []

        await world.world.node.request("anvil_setCode", COUNTER, code)
        await world.pass_by()
        await world.mine()
        assert (await world.world.stored(1)).state is State.CONFIRMED
        assert await world.world.count() == 1


async def bound(world: RelayWorld, blocks: int) -> Transaction:
    """A transaction that is worth something in its bundle only."""
    head = (await world.world.line.block()).number
    call, fees = Call(COUNTER, SELECTOR), Fees(GWEI, 30 * GWEI)
    sent = await world.world.manager.submit(
        f"{BOUND}1", [sample_step(1)], call, 60_000, until=head + blocks, fees=fees
    )
    assert sent.is_bound
    return sent


async def restart(world: RelayWorld) -> None:
    """Another process takes over."""
    store = TransactionStore(world.world.database, 31337, world.world.pen.address)
    line, rules = world.world.line, world.world.rules
    world.world.manager = TransactionManager(
        line, line, world.world.pen, store, rules, private=world.route, observer=world.watcher
    )
    await world.world.manager.recover()


async def state_of(world: RelayWorld, key: str) -> State:
    store = TransactionStore(world.world.database, 31337, world.world.pen.address)
    found = await store.find(key)
    assert found is not None
    return found.state


async def test_restart__what_its_bundle_binds__neither_offered_alone_nor_public(tmp_path: Path) -> None:
    async with relay_world(tmp_path, fall_back=True) as world:
        sent = await bound(world, blocks=2)
        asked = len(world.relay.asked)
        await restart(world)
        for _ in range(2):
            await world.pass_by()
        assert len(world.relay.asked) == asked
        assert await state_of(world, sent.key) is State.DROPPED
        assert world.world.line.sent == []


async def test_restart__died_before_it_knew_the_answer__given_up_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with relay_world(tmp_path) as world:

        async def die(*_: object, **__: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(world.route, "send", die)
            with pytest.raises(asyncio.CancelledError):
                await bound(world, blocks=2)
        assert await state_of(world, f"{BOUND}1") is State.SIGNED
        await restart(world)
        for _ in range(2):
            await world.pass_by()
        assert await state_of(world, f"{BOUND}1") is State.DROPPED
        assert world.world.manager.halted is None


async def test_expiry__others_wait_for_its_nonce__a_no_op_takes_it_at_once(tmp_path: Path) -> None:
    async with relay_world(tmp_path) as world:
        first = await bound(world, blocks=1)
        second = await world.world.submit(2)  # in public
        assert second.nonce == first.nonce + 1
        await world.world.mine()
        assert await state_of(world, first.key) is State.CANCELLING
        await world.world.mine()
        assert await world.world.nonce() == second.nonce + 1
        assert (await world.world.stored(2)).state is State.CONFIRMED
        assert await world.world.count() == 1


async def test_expiry__what_waits_ends_with_the_same_block__no_no_op(tmp_path: Path) -> None:
    async with relay_world(tmp_path) as world:
        first = await bound(world, blocks=1)
        await world.submit(2, blocks=1)
        await world.pass_by()
        assert await state_of(world, first.key) is State.DROPPED
        assert (await world.world.stored(2)).state is State.DROPPED
        assert world.world.line.sent == []
