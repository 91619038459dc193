"""/livez, /readyz and /metrics of a running keeper, while it syncs, works, and loses its node."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.relay import Relay
from tests.e2e.world import Daemon, World, keeper

PATIENCE = 30.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Ops:
    """The keeper's HTTP server."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._url = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, Any]:
        async with self._session.get(self._url + path) as response:
            return response.status, await response.json()

    async def text(self, path: str) -> str:
        async with self._session.get(self._url + path) as response:
            assert response.status == 200
            return await response.text()

    async def until(self, path: str, status: int) -> Any:
        """The body of the first answer with that status; nobody listens in the first seconds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    found, body = await self.get(path)
                    if found == status:
                        return body
                except aiohttp.ClientConnectorError:
                    pass
                await asyncio.sleep(0.1)


def metric(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(name + " ")]
    return float(line.split()[1])


async def test_ops__syncing_then_working_then_without_node__say_so(tmp_path: Path) -> None:
    async with (
        World.start(tmp_path, borrowers=8) as world,
        Relay.start(world.network.anvil.http) as relay,
        aiohttp.ClientSession() as session,
    ):
        port = free_port()
        relay.held.add("eth_getLogs")
        changes = {"chain.http": [relay.http], "chain.ws": None, "ops.port": port}
        config = world.config(tmp_path / "mine", changes)
        ops = Ops(session, port)
        async with Daemon.running(config, "--mode", "paper") as daemon:
            syncing = await ops.until("/readyz", 503)
            assert syncing["ready"] is False
            assert syncing["components"]["synced"]["ok"] is False
            assert (await ops.get("/livez"))[0] == 200

            relay.go.set()
            head = await daemon.event("head")
            ready = await ops.until("/readyz", 200)
            assert all(component["ok"] for component in ready["components"].values())
            await sane_metrics(ops, head)

            world.network.anvil.process.send_signal(signal.SIGSTOP)
            try:
                dead = await ops.until("/readyz", 503)
                assert "readiness" in dead["components"]
                status, alive = await ops.get("/livez")
                assert (status, alive["alive"]) == (200, True)
            finally:
                world.network.anvil.process.send_signal(signal.SIGCONT)
            await ops.until("/readyz", 200)
            await world.network.node.mine(1)
            assert (await daemon.reaches(head["block"] + 1))["accounts"] == head["accounts"]

            await world.network.node.request("anvil_reorg", 2, [])
            await world.network.node.mine(1)
            assert (await daemon.event("reorg"))["depth"] == 2
            assert metric(await ops.text("/metrics"), "keeper_reorg_blocks_total") == 2
            assert await daemon.end(signal.SIGTERM) == 0
        checks = {check["name"]: check for check in (await keeper(config, "doctor", "--json")).json["checks"]}
        (reorg,) = (check for name, check in checks.items() if name.startswith("reorg "))
        assert reorg["detail"].startswith("1 time, last ")
        assert "2 blocks deep" in reorg["detail"]
        assert [name for name, check in checks.items() if "unchecked" in check["detail"]] == []


async def sane_metrics(ops: Ops, head: dict[str, Any]) -> None:
    text = await ops.text("/metrics")
    assert metric(text, "keeper_head_block") == head["block"]
    assert metric(text, "keeper_index_block") == head["block"]
    assert metric(text, "keeper_index_lag_blocks") == 0
    assert metric(text, "keeper_accounts") == head["accounts"]
    assert metric(text, "keeper_decision_seconds_count") >= 1
    assert 'keeper_build_info{mode="paper"' in text
    assert 'method="eth_getLogs"' in text
