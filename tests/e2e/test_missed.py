"""What others liquidate is recorded with the reason why it was not ours."""

import csv
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keeper.devnet.actors import Actors
from keeper.types import MAX_UINT256, Address, checksum
from tests.e2e.world import Daemon, World, keeper

STRANGER = Address("0x" + "57" * 20)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.start(tmp_path, borrowers=12) as world:
        yield world


async def test_ledger__others_liquidate__tells_who_when_and_why_not_we(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "mine", {"strategy": {"min_profit_usd": "100000000"}})
    actors = Actors(world.network.node, world.network.market)
    async with Daemon.running(config, "--mode", "paper") as daemon:
        await daemon.event("head")
        await world.crash()
        while not (await daemon.event("head"))["liquidatable"]:
            pass
        (first, *_) = (await keeper(config, "plans", "--json")).json
        debt, collateral = (
            next(r.symbol for r in world.network.market.reserves if checksum(r.token) == first[name])
            for name in ("debt_asset", "collateral_asset")
        )
        await actors.give(STRANGER, debt, 10**30)
        await actors.liquidate(STRANGER, first["account"].lower(), collateral, debt, MAX_UINT256)
        missed = await daemon.event("missed")
        assert missed["account"] == first["account"]
        assert missed["liquidator"] == checksum(STRANGER)
        assert missed["why"] == "rejected"
        assert missed["detail"].startswith("below_minimum")
        assert int(missed["bonus_usd"]) > 0
        assert await daemon.end(signal.SIGTERM) == 0

    shown = (await keeper(config, "ledger", "--missed", "--json")).json
    assert shown == [{name: value for name, value in missed.items() if name != "event"}]
    file = tmp_path / "missed.csv"
    assert (await keeper(config, "ledger", "--missed", "--csv", str(file))).code == 0
    (row,) = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    assert row == {name: "" if value is None else str(value) for name, value in shown[0].items()}
