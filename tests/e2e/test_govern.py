"""The operator's hand on a running keeper: kill switch, guards, and new settings without a restart."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import tomlkit

from tests.e2e.test_ops import free_port
from tests.e2e.world import Daemon, World, keeper


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.start(tmp_path, borrowers=12) as world:
        yield world


async def test_govern__file_signal_and_request__stop_and_resume(world: World, tmp_path: Path) -> None:
    kill, port = tmp_path / "mine" / "STOP", free_port()
    config = world.config(tmp_path / "mine", {"guards": {"kill_file": str(kill)}, "ops.port": port})
    kill.touch()
    await world.crash()
    async with (
        Daemon.running(config, "--mode", "paper") as daemon,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        assert str(kill) in (await daemon.event("halted"))["reason"]
        daemon.send(signal.SIGUSR1)
        kill.unlink()
        await world.network.node.mine(1)
        assert "SIGUSR1" in (await daemon.event("halted"))["reason"]

        async with session.post("/resume") as refused:
            assert refused.status == 403
        async with session.post("/resume", headers={"X-Keeper-Operator": "yes"}) as answer:
            assert (answer.status, await answer.json()) == (200, {"ok": True})
        await world.network.node.mine(1)
        await daemon.event("paper")
        assert await daemon.end(signal.SIGTERM) == 0
    (halted,) = [
        check
        for check in (await keeper(config, "doctor", "--json")).json["checks"]
        if check["name"] == "halted operator"
    ]
    assert halted["detail"].startswith("2 times")


async def test_reload__new_guards__say_what_they_change_and_act(world: World, tmp_path: Path) -> None:
    kill = tmp_path / "mine" / "STOP"  # what was papered would not be planned again for a while
    config = world.config(tmp_path / "mine", {"guards": {"kill_file": str(kill)}})
    kill.touch()
    await world.crash()
    candidates = json.loads((await keeper(config, "plans", "--json")).out)
    victim = next(plan["account"] for plan in candidates if plan["reason"] is None)
    async with Daemon.running(config, "--mode", "paper") as daemon:
        await daemon.event("halted")
        document = tomlkit.parse(config.read_text(encoding="utf-8"))
        document["guards"] = {"deny": [victim]}
        document["strategy"] = {"min_profit_usd": "1000000"}
        document["audit"] = {"accounts_per_block": 7}
        config.write_text(tomlkit.dumps(document), encoding="utf-8")
        daemon.send(signal.SIGHUP)
        await world.network.node.mine(1)
        reloaded = await daemon.event("reloaded")
        assert {change["key"] for change in reloaded["changes"]} == {
            "guards.deny",
            "guards.kill_file",
            "strategy.min_profit_usd",
        }
        assert reloaded["need_restart"] == ["audit"]
        changed = await daemon.event("changed", account=victim)
        assert changed["before"].startswith("liquidate for $")
        assert changed["after"].startswith("below_minimum")
        assert await daemon.end(signal.SIGTERM) == 0
    plans = json.loads((await keeper(config, "plans", "--json")).out)
    assert plans
    assert {plan["reason"] for plan in plans} <= {"below_minimum", "unprofitable"}


async def test_reload__settings_are_wrong__says_so_and_goes_on(world: World, tmp_path: Path) -> None:
    config = world.config(tmp_path / "mine")
    async with Daemon.running(config, "--mode", "paper") as daemon:
        await daemon.event("head")
        good = config.read_text(encoding="utf-8")
        config.write_text(good + "\n[guards]\nmax_plan_usd = -1\n", encoding="utf-8")
        daemon.send(signal.SIGHUP)
        await world.network.node.mine(1)
        assert "guards.max_plan_usd" in (await daemon.event("notice"))["reason"]
        await daemon.event("head")
        assert await daemon.end(signal.SIGTERM) == 0
