"""`keeper run` from start to end: one pass, until a block, signals, kill -9, the three modes."""

import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from keeper.devnet.aave.view import AccountData
from keeper.types import WAD, Address, checksum
from tests.e2e.relay import Relay
from tests.e2e.slack import unsold
from tests.e2e.world import Daemon, World, keeper

SNAPSHOT_BLOCKS = 100


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.start(tmp_path, borrowers=20) as world:
        yield world


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def snapshot_blocks(config: Path) -> list[int]:
    with sqlite3.connect(config.with_suffix(".db")) as database:
        found = [row[0] for row in database.execute("SELECT block FROM snapshots ORDER BY block")]
    database.close()
    return found


async def health(world: World, account: str) -> AccountData:
    return await world.network.actors.view.account(account.lower())  # type: ignore[arg-type]


async def test_run_once__paper_then_live__paper_sends_nothing_and_live_earns_what_it_says(
    world: World, tmp_path: Path
) -> None:
    config = world.config(tmp_path / "mine")
    await world.crash()
    nonce = await world.operator_nonce()

    paper = await keeper(config, "run", "--mode", "paper", "--once", "--json")
    assert (paper.code, paper.err) == (0, "")
    assert names(paper.events)[0] == "started"
    assert names(paper.events)[-1] == "stopped"
    papered = [event for event in paper.events if event["event"] == "paper"]
    assert papered
    assert all("realised" not in event for event in papered)
    assert await world.operator_nonce() == nonce

    live = await keeper(config, "run", "--mode", "live", "--once", "--json")
    assert (live.code, live.err) == (0, "")
    outcomes = [event for event in live.events if event["event"] == "outcome"]
    assert {event["account"] for event in outcomes} == {event["account"] for event in papered}
    assert {event["outcome"] for event in outcomes} == {"success"}
    assert await world.operator_nonce() > nonce
    for event in outcomes:
        # Interest until the block that mined it is all that may differ.
        assert int(event["realised"]["repaid"]) == pytest.approx(int(event["expected"]["repay"]), rel=1e-6)
        assert int(event["realised"]["seized"]) == pytest.approx(int(event["expected"]["seize"]), rel=1e-6)

    entries = (await keeper(config, "ledger", "--json")).json
    assert {entry["mode"] for entry in entries} == {"paper", "live"}
    assert len([entry for entry in entries if entry["mode"] == "live"]) == len(outcomes)
    assert all(entry["outcome"] == "paper" for entry in entries if entry["mode"] == "paper")
    for entry in entries:
        timed(entry)
    file = tmp_path / "ledger.parquet"
    assert (await keeper(config, "ledger", "--parquet", str(file))).code == 0
    assert parquet.read_table(file).num_rows == len(entries)
    assert "p50 / p99 of" in (await keeper(config, "ledger")).out
    shown = (await keeper(config, "ledger", "--by", "asset")).out.split()
    for group in (await keeper(config, "ledger", "--by", "asset", "--json")).json:
        asset = Address(group["asset"].lower())
        assert shown[shown.index(group["asset"]) - 1] == world.network.prices.symbols[asset][0]
    await earned(world, outcomes)


def timed(entry: dict[str, Any]) -> None:
    """What was sent tells how long each stage took, and where its money came from."""
    assert bool(entry["attempts"]) is (entry["mode"] == "live")
    for attempt in entry["attempts"]:
        stages = [attempt[f"{stage}_ms"] for stage in ("decided", "signed", "sent", "mined")]
        assert stages == sorted(stages)
        assert stages[0] > 0
        assert attempt["blocks"] >= 1
    for money in filter(None, (entry["expected"], entry.get("realised"))):
        bonus, swap, gas, bid = (int(money[f"{part}_usd"]) for part in ("bonus", "swap", "gas", "bid"))
        assert bonus > 0
        assert int(money["net_usd"]) == bonus + swap - gas - bid


async def earned(world: World, outcomes: list[dict[str, Any]]) -> None:
    """The executor's owner holds exactly the profits the ledger tells, and every account is better off.

    Flash swaps leave the owner a millionth of the collateral besides.
    """
    profits = await unsold(world, {event["realised"]["tx_hash"] for event in outcomes})
    for event in outcomes:
        profits[event["debt_asset"]] += int(event["realised"]["profit"])
    holdings = {
        checksum(reserve.token): int(
            await world.network.node.request(
                "eth_call", {"to": reserve.token, "data": "0x70a08231" + "0" * 24 + world.site.operator[2:]}
            ),
            16,
        )
        for reserve in world.network.market.reserves
    }
    assert {token: amount for token, amount in holdings.items() if amount} == profits
    for event in outcomes:
        assert (await health(world, event["account"])).health_factor > WAD * 9 // 10


async def test_run_watch__without_key_swap_and_executor__sees_and_plans_nothing(
    world: World, tmp_path: Path
) -> None:
    changes = {"signer": None, "executor": None, "swap": None}
    config = world.config(tmp_path / "mine", changes)
    await world.crash()

    result = await keeper(config, "run", "--mode", "watch", "--once", "--json")

    assert (result.code, result.err) == (0, "")
    (head,) = [event for event in result.events if event["event"] == "head"]
    assert head["liquidatable"] > 0
    assert head["plans"] == 0
    assert (await keeper(config, "ledger", "--json")).json == []


async def test_run_paper__without_executor__records_plans(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "mine", {"signer": None, "executor": None})
    await world.crash()

    result = await keeper(config, "run", "--mode", "paper", "--once", "--json")

    assert (result.code, result.err) == (0, "")
    papered = {event["account"] for event in result.events if event["event"] == "paper"}
    assert papered
    plans = (await keeper(config, "plans", "--json")).json
    assert {plan["account"] for plan in plans if plan["reason"] is None} == papered


async def test_run_until_block__reached__stops_with_code_0(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "mine")
    last = await world.network.node.block_number() + 3
    async with Daemon.running(config, "--mode", "watch", "--until-block", str(last)) as daemon:
        await daemon.event("head")
        await world.network.node.mine(5)
        await daemon.event("stopped", reason="done")
        assert await daemon.end(signal.SIGCONT) == 0
    assert max(event["block"] for event in daemon.events if event["event"] == "head") >= last


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_run__asked_to_stop__saves_a_snapshot_and_says_why(
    number: signal.Signals, code: int, world: World, tmp_path: Path
) -> None:
    config = world.config(tmp_path / "mine")
    async with Daemon.running(config, "--mode", "watch") as daemon:
        head = await daemon.event("head")
        assert await daemon.end(number) == code
    assert daemon.events[-1] == {"event": "stopped", "reason": number.name}
    assert snapshot_blocks(config) == [head["block"]]
    assert "Traceback" not in config.with_suffix(".err").read_text()


async def test_run__killed_and_started_again__continues_from_the_snapshot(
    world: World, tmp_path: Path
) -> None:
    node = world.network.node
    await node.mine(SNAPSHOT_BLOCKS)
    async with Relay.start(world.network.anvil.http) as relay:
        config = world.config(tmp_path / "mine", {"chain.http": [relay.http], "chain.ws": None})
        async with Daemon.running(config, "--mode", "watch") as daemon:
            first = await daemon.reaches(SNAPSHOT_BLOCKS)
            await node.mine(1)
            await daemon.reaches(first["block"] + 1)
            await daemon.end(signal.SIGKILL)
        (saved,) = snapshot_blocks(config)
        await world.crash()
        relay.asked.clear()

        result = await keeper(config, "run", "--mode", "watch", "--once", "--json")

        assert (result.code, result.err) == (0, "")
        assert min(begin for begin, _ in relay.log_ranges()) == saved + 1
        restored = (await keeper(config, "positions", "--json")).json
    fresh = (await keeper(world.config(tmp_path / "fresh"), "positions", "--json")).json
    assert restored == fresh
    assert any(position["liquidatable"] for position in fresh)


async def test_run_live__killed_with_a_transaction_out__sends_it_once(world: World, tmp_path: Path) -> None:
    config, node = world.config(tmp_path / "mine"), world.network.node
    await world.crash()
    nonce = await world.operator_nonce()
    await node.request("evm_setAutomine", False)
    async with Daemon.running(config, "--mode", "live") as daemon:
        sent = await daemon.event("submitted")
        await daemon.end(signal.SIGKILL)
    await node.request("evm_setAutomine", True)
    await node.mine(1)

    async with Daemon.running(config, "--mode", "live") as daemon:
        outcome = await daemon.event("outcome", account=sent["account"])
        assert await daemon.end(signal.SIGTERM) == 0

    assert outcome["outcome"] == "success"
    entries = (await keeper(config, "ledger", "--json")).json
    of_account = [entry for entry in entries if entry["account"] == sent["account"]]
    assert [entry["outcome"] for entry in of_account] == ["success"]
    batches = {entry["batch"] for entry in entries}
    assert await world.operator_nonce() - nonce == len(batches)


async def test_run_live__several_cross_at_once__the_richest_leaves_first_and_all_land_in_one_block(
    world: World, tmp_path: Path
) -> None:
    config, node = world.config(tmp_path / "mine"), world.network.node
    await world.crash()
    nonce = await world.operator_nonce()
    await node.request("evm_setAutomine", False)
    async with Daemon.running(config, "--mode", "live") as daemon:
        head = await daemon.event("head")
        sent = [await daemon.event("submitted") for _ in range(head["plans"])]
        await node.mine(1)
        outcomes = [await daemon.event("outcome", outcome="success") for _ in sent]
        assert await daemon.end(signal.SIGTERM) == 0

    hashes = list(dict.fromkeys(event["tx_hash"] for event in sent))
    first = {event["account"] for event in sent if event["tx_hash"] == hashes[0]}
    assert (len(first), len(hashes) > 1) == (1, True)
    assert len({event["account"] for event in sent}) > 1
    mined = [await node.request("eth_getTransactionByHash", each) for each in hashes]
    assert [int(each["nonce"], 16) for each in mined] == list(range(nonce, nonce + len(hashes)))
    assert {int(each["blockNumber"], 16) for each in mined} == {head["block"] + 1}
    assert sorted(event["account"] for event in outcomes) == sorted(event["account"] for event in sent)


async def test_run__reports_as_log_lines_for_people(world: World, tmp_path: Path) -> None:
    await world.crash()
    result = await keeper(world.config(tmp_path / "mine"), "run", "--mode", "paper", "--once")
    assert result.code == 0
    assert result.out == ""
    assert " paper " in result.err
    key = world.site.config.with_suffix(".key").read_text().strip()
    assert key.removeprefix("0x") not in result.err
