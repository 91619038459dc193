"""An oracle update and the liquidation behind it in one bundle, through a relay that builds the blocks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from benchmarks.backrun_drill import GWEI, PATIENCE, QUIET, Drill, Fees, Keeper
from keeper.app.events import Event
from keeper.devnet.relay import LocalRelay
from keeper.types import Address

KEY = keccak(text="sender of signed updates")
SENDER = Address(Account.from_key(KEY).address.lower())


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    async with Drill.start(tmp_path, accounts=3, order="fifo") as drill:
        await drill.node.fund([SENDER])
        yield drill


@asynccontextmanager
async def bundling(
    drill: Drill, method: str = "bundle", **more: Any
) -> AsyncIterator[tuple[Keeper, LocalRelay]]:
    async with LocalRelay.start(drill.node, signed=False) as relay:
        settings: dict[str, Any] = {
            "relay__urls": [relay.url],
            "relay__method": method,
            "relay__fall_back": True,
            "backrun__enabled": True,
            "backrun__route": "bundle",
        }
        async with drill.keeper(**settings | more) as keeper:
            yield keeper, relay


async def in_the_pool(drill: Drill) -> int:
    return int((await drill.node.request("txpool_status"))["pending"], 16)


@pytest.mark.parametrize("method", ["bundle", "mev-bundle"])
async def test_update__as_a_bundle__liquidation_directly_behind_it_and_never_in_public(
    drill: Drill, method: str
) -> None:
    async with bundling(drill, method) as (keeper, relay):
        update = await drill.signed_update(0, KEY)
        said = await keeper.says(Event.SUBMITTED, 0, PATIENCE)
        assert said is not None
        assert await in_the_pool(drill) == 1
        await relay.mine()
        assert (await drill.landing(update, said["tx_hash"])).directly_behind
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=update)
        assert told is not None
        assert (told["fate"], told["places"]) == ("behind", 1)


async def test_update__replaced__no_builder_can_take_ours_and_its_nonce_is_free_again(drill: Drill) -> None:
    async with bundling(drill) as (keeper, relay):
        await drill.signed_update(0, KEY)
        said = await keeper.says(Event.SUBMITTED, 0, PATIENCE)
        assert said is not None
        since = len(keeper.events)
        await drill.empty_call(SENDER, Fees(tip=9 * GWEI, cap=99 * GWEI))
        await drill.node.request("evm_mine")
        assert await keeper.says(Event.BACKRUN, since, PATIENCE, fate="withdrawn") is not None
        await relay.mine()
        number = await drill.node.block_number()
        assert await keeper.says(Event.HEAD, 0, PATIENCE, block=number) is not None
        assert await drill.node.request("eth_getTransactionReceipt", said["tx_hash"]) is None
        assert await in_the_pool(drill) == 0

        update = await drill.signed_update(1, KEY)
        said = await keeper.says(Event.SUBMITTED, len(keeper.events), PATIENCE)
        assert said is not None
        await relay.mine()
        assert (await drill.landing(update, said["tx_hash"])).directly_behind


async def test_update__not_in_the_next_block__both_go_to_the_one_after(drill: Drill) -> None:
    async with bundling(drill) as (keeper, relay):
        update = await drill.signed_update(0, KEY)
        said = await keeper.says(Event.SUBMITTED, 0, PATIENCE)
        assert said is not None
        since = len(keeper.events)
        await drill.node.request("evm_setBlockGasLimit", hex(150_000))
        await drill.node.request("evm_mine")
        await drill.node.request("evm_setBlockGasLimit", hex(30_000_000))
        said = await keeper.says(Event.SUBMITTED, since, PATIENCE)
        assert said is not None
        assert await keeper.says(Event.BACKRUN, 0, QUIET) is None
        await relay.mine()
        assert (await drill.landing(update, said["tx_hash"])).directly_behind


async def test_update__replaced__ours_is_taken_back_from_the_builders(drill: Drill) -> None:
    async with bundling(drill) as (keeper, relay):
        await drill.signed_update(0, KEY)
        assert await keeper.says(Event.SUBMITTED, 0, PATIENCE) is not None
        await drill.empty_call(SENDER, Fees(tip=9 * GWEI, cap=99 * GWEI))
        await asyncio.wait_for(relay.heard("eth_cancelBundle", 1), PATIENCE)
        assert relay.held == 0


async def test_bundle__operator_stops_the_keeper__taken_back_and_never_public(
    drill: Drill, tmp_path: Path
) -> None:
    kill = tmp_path / "kill"
    settings: dict[str, Any] = {"relay__target_blocks": 5, "guards__kill_file": str(kill)}
    async with bundling(drill, backrun__enabled=False, **settings) as (keeper, relay):
        await drill.update(0)
        await drill.node.request("evm_mine")
        said = await keeper.says(Event.SUBMITTED, 0, PATIENCE)
        assert said is not None
        await asyncio.wait_for(relay.heard("eth_sendBundle", 5), PATIENCE)
        kill.touch()
        await drill.mine(keeper)  # by somebody who has not heard of it
        await asyncio.wait_for(relay.heard("eth_cancelBundle", 4), PATIENCE)
        for _ in range(4):
            since = len(keeper.events)
            assert await relay.mine() == []
            number = await drill.node.block_number()
            assert await keeper.says(Event.HEAD, since, PATIENCE, block=number) is not None
        assert await keeper.says(Event.OUTCOME, 0, PATIENCE, outcome="dropped") is not None
        assert await drill.node.request("eth_getTransactionReceipt", said["tx_hash"]) is None
        assert await in_the_pool(drill) == 0
