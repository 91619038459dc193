"""Liquidations behind pending oracle updates, on a node that mines when asked and orders by fee."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.backrun_drill import GWEI, PATIENCE, QUIET, Drill, Fees, Keeper, Landing, Never
from keeper.app.events import Event
from keeper.types import Address
from tests.ocr_feed import STRANGER, reports

OTHER = Address("0x" + "0f" * 20)


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    async with Drill.start(tmp_path, accounts=4) as drill:
        await drill.node.fund([OTHER, STRANGER])
        yield drill


async def reaction(drill: Drill, keeper: Keeper, number: int, **how: Any) -> tuple[str, str]:
    """Hashes of an update and of what was sent behind it."""
    since = len(keeper.events)
    update = await drill.update(number, **how)
    said = await keeper.says(Event.SUBMITTED, since, PATIENCE)
    assert said is not None
    return update, said["tx_hash"]


async def test_update__pending__liquidation_directly_behind_it_with_others_around(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        await drill.empty_call(OTHER, Fees(tip=3 * GWEI, cap=90 * GWEI))
        update, ours = await reaction(drill, keeper, 0)
        await drill.empty_call(STRANGER, Fees())
        block = await drill.mine(keeper)

        assert await drill.landing(update, ours) == Landing(blocks=0, places=1)
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=update)
        assert told is not None
        assert (told["fate"], told["places"], told["block"]) == ("behind", 1, block)
        assert await keeper.says(Event.OUTCOME, 0, PATIENCE, outcome="success") is not None


async def test_update__polled_without_websocket__liquidation_directly_behind_it(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True, chain__ws=[]) as keeper:
        update, ours = await reaction(drill, keeper, 1)
        await drill.mine(keeper)
        assert (await drill.landing(update, ours)).directly_behind


async def test_updates__two_in_a_row_of_one_sender__each_has_its_liquidation_behind(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        first, ours = await reaction(drill, keeper, 0)
        second, also_ours = await reaction(drill, keeper, 1, gap=1)
        await drill.mine(keeper)
        assert (await drill.landing(first, ours)).blocks == 0
        assert (await drill.landing(second, also_ours)).blocks == 0


@pytest.mark.parametrize("never", Never)
async def test_update__that_cannot_land__nothing_is_sent_and_the_next_one_is_met(
    drill: Drill, never: Never
) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        await drill.never(never, 0, keeper)
        assert keeper.sent() == []
        # Anvil does not show what waits for another nonce.
        assert never is Never.GAP or await keeper.says(Event.UPDATE, 0, PATIENCE) is not None

        update, ours = await reaction(drill, keeper, 1)
        await drill.mine(keeper)
        assert (await drill.landing(update, ours)).directly_behind


async def test_update__replaced_after_we_sent__ours_is_taken_back(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        update, ours = await reaction(drill, keeper, 0, sender=OTHER)
        await drill.empty_call(OTHER, Fees(tip=9 * GWEI, cap=99 * GWEI))
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=update, fate="withdrawn")
        assert told is not None
        await drill.mine(keeper)

        assert await drill.node.request("eth_getTransactionReceipt", ours) is None
        assert await keeper.says(Event.OUTCOME, 0, QUIET, outcome="success") is None


async def test_update__dropped_by_its_node_after_we_sent__ours_is_taken_back(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        update, ours = await reaction(drill, keeper, 0)
        await drill.node.request("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
        await drill.mine(keeper)
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=update, fate="withdrawn")
        assert told is not None
        await drill.mine(keeper)
        assert await drill.node.request("eth_getTransactionReceipt", ours) is None


async def test_update__left_out_of_a_block__ours_keeps_its_place_behind_it(drill: Drill) -> None:
    async with drill.keeper(backrun__enabled=True) as keeper:
        update, ours = await reaction(drill, keeper, 0)
        await drill.node.request("evm_setBlockGasLimit", hex(150_000))
        await drill.mine(keeper)
        assert await drill.landing(update, ours) == Landing(None, None)
        await drill.node.request("evm_setBlockGasLimit", hex(30_000_000))
        await drill.mine(keeper)
        assert (await drill.landing(update, ours)).directly_behind


async def test_update__backrun_off__liquidated_a_block_later(drill: Drill) -> None:
    async with drill.keeper() as keeper:
        update = await drill.update(0)
        assert await keeper.says(Event.SUBMITTED, 0, QUIET) is None
        await drill.mine(keeper)
        said = await keeper.says(Event.SUBMITTED, 0, PATIENCE)
        assert said is not None
        await drill.mine(keeper)
        assert await drill.landing(update, said["tx_hash"]) == Landing(blocks=1, places=None)


async def test_update__report_through_a_forwarder__directly_behind_and_nothing_for_a_stale_one(
    drill: Drill,
) -> None:
    transmits = await reports(drill)
    async with drill.keeper(backrun__enabled=True) as keeper:
        drill.transmits = transmits(7)
        update, ours = await reaction(drill, keeper, 0, gas=400_000)
        await drill.mine(keeper)
        assert (await drill.landing(update, ours)).directly_behind

        since = len(keeper.events)
        stale = await drill.update(1, gas=400_000)
        told = await keeper.says(Event.UPDATE, since, PATIENCE, tx_hash=stale)
        assert told is not None
        assert len(told["crossing"]) == 1
        said = await keeper.says(Event.DEFERRED, since, PATIENCE)
        assert said is not None
        assert "stale report" in said["reason"]
        assert keeper.sent(since) == []
