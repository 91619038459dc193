"""The operator's HTTP server, asked over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest

from keeper.errors import ConfigError, Unreachable
from keeper.ops import http
from keeper.ops.health import Component, Heartbeat
from keeper.ops.http import OpsServer
from keeper.ops.metrics import Metrics
from keeper.types import Mode
from tests.clock import StillClock


class Node:
    """A keeper as the server sees it."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.heartbeat = Heartbeat(self.clock, limit=30)
        self.metrics = Metrics(Mode.PAPER, "0.1.0")
        self.components = [
            Component("synced", ok=True, detail="block 7"),
            Component("store", ok=True, detail=""),
        ]
        self.failure: Exception | None = None

    async def readiness(self) -> Sequence[Component]:
        if self.failure is not None:
            raise self.failure
        return self.components

    def server(self, port: int = 0) -> OpsServer:
        return OpsServer(
            "127.0.0.1", port, heartbeat=self.heartbeat, readiness=self.readiness, metrics=self.metrics
        )


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
async def client(node: Node) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        node.server() as server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
    ):
        yield session


async def test_livez__while_the_loop_turns__is_200(client: aiohttp.ClientSession, node: Node) -> None:
    node.clock.seconds = 29
    async with client.get("/livez") as answer:
        assert answer.status == 200
        assert await answer.json() == {"alive": True, "seconds_since_turn": 29}


async def test_livez__when_the_loop_hangs__is_503_however_often_asked(
    client: aiohttp.ClientSession, node: Node
) -> None:
    node.clock.seconds = 31
    for _ in range(2):
        async with client.get("/livez") as answer:
            assert answer.status == 503
    node.heartbeat.turn()
    async with client.get("/livez") as answer:
        assert answer.status == 200


async def test_readyz__all_components_ok__is_200(client: aiohttp.ClientSession) -> None:
    async with client.get("/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {
            "ready": True,
            "components": {"synced": {"ok": True, "detail": "block 7"}, "store": {"ok": True, "detail": ""}},
        }


async def test_readyz__one_component_not_ok__is_503(client: aiohttp.ClientSession, node: Node) -> None:
    node.components = [*node.components, Component("signer", ok=False, detail="locked")]
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        body = await answer.json()
    assert body["ready"] is False
    assert body["components"]["signer"] == {"ok": False, "detail": "locked"}


async def test_readyz__when_looking_fails__is_503_with_the_reason(
    client: aiohttp.ClientSession, node: Node
) -> None:
    node.failure = Unreachable("no endpoint answered")
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["components"]["readiness"]["detail"] == "no endpoint answered"


async def test_readyz__when_looking_hangs__is_503_after_the_deadline(
    client: aiohttp.ClientSession, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READINESS_SECONDS", 0.05)

    async def hang() -> Sequence[Component]:
        await asyncio.sleep(60)
        return []

    async with (
        OpsServer("127.0.0.1", 0, heartbeat=node.heartbeat, readiness=hang, metrics=node.metrics) as server,
        client.get(f"http://127.0.0.1:{server.port}/readyz") as answer,
    ):
        assert answer.status == 503


async def test_metrics__after_a_change__show_it(client: aiohttp.ClientSession, node: Node) -> None:
    node.metrics.head_block.set(12)
    async with client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        assert "keeper_head_block 12.0" in await answer.text()


async def test_port__already_in_use__is_a_configuration_error_with_a_fix(node: Node) -> None:
    async with node.server() as first:
        with pytest.raises(
            ConfigError, match=r"^ops\.port: \d+: already in use on 127\.0\.0\.1; choose another"
        ):
            await node.server(first.port).__aenter__()


async def test_host__not_of_this_machine__is_a_configuration_error(node: Node) -> None:
    server = OpsServer(
        "192.0.2.1", 0, heartbeat=node.heartbeat, readiness=node.readiness, metrics=node.metrics
    )
    with pytest.raises(ConfigError, match=r'^ops\.host: "192\.0\.2\.1": not an address of this machine'):
        await server.__aenter__()


async def test_server__after_its_block__has_freed_the_port(node: Node) -> None:
    async with node.server() as first:
        port = first.port
    async with node.server(port) as again:
        assert again.port == port
