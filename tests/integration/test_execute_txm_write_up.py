"""What a head told is acted on first and written down after the sends."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keeper.execute.model import Change
from keeper.execute.states import State
from tests.txm_world import World, running_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path) as world:
        await world.manager.recover()
        yield world


async def test_on_head__what_the_chain_says__counts_at_once_and_is_stored_by_write_up(world: World) -> None:
    await world.submit(1)
    await world.node.mine()
    (change,) = await world.manager.on_head(await world.line.block())
    assert change.transaction.state is State.CONFIRMED
    assert (await world.stored(1)).state is State.SENT
    assert world.manager.in_flight() == frozenset()
    assert (await world.submit(2)).nonce == 1, "what leaves does not wait for it"
    await world.manager.write_up()
    stored = await world.stored(1)
    assert (stored.state, stored.mined) == (State.CONFIRMED, change.transaction.mined)


async def test_recover__killed_before_write_up__the_chain_says_it_again(world: World) -> None:
    await world.submit(1)
    await world.node.mine(100)
    head = await world.line.block()
    (last,) = await world.manager.on_head(head)
    assert last.transaction.state is State.FINAL
    (change,) = await world.restart()
    assert (change.transaction.state, change.receipt) == (State.FINAL, last.receipt)
    assert await world.manager.on_head(head) == []


async def test_close__block_is_final__ends_it_after_the_sends(world: World) -> None:
    await world.submit(1)
    (change,) = await world.mine()
    assert change.transaction.mined is not None
    closed = list[Change]()
    while not closed:
        await world.node.mine()
        assert await world.manager.on_head(await world.line.block()) == [], "nothing waits for finality"
        closed = await world.manager.close()
        await world.manager.write_up()
    assert change.transaction.mined.block <= (await world.line.block("finalized")).number
    assert (await world.stored(1)).state is State.FINAL


async def test_on_head__noted_and_then_taken_back__stored_as_it_stands(world: World) -> None:
    await world.mine(2)
    await world.submit(1)
    await world.node.mine(2)
    await world.manager.on_head(await world.line.block())
    await world.node.request("anvil_reorg", 2, [])
    await world.manager.on_head(await world.line.block())
    await world.manager.write_up()
    stored = await world.stored(1)
    assert (stored.state, stored.mined) == (State.SENT, None)
