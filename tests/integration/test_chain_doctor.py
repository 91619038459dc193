"""What `keeper doctor` says of each node: its state, its lag, and what its reads and logs are worth."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from keeper.app.doctor.check import Check
from keeper.app.doctor.nodes import best_head, endpoint_checks
from keeper.chain.rpc import Rpc
from keeper.clock import SystemClock
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from tests.integration.chain_server import RpcError, Server, forwarding, serve

CHAIN = 31337
EMITTER = "0x" + "e0" * 20
SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    async with Anvil.start(chain_id=CHAIN) as anvil, Node(anvil.http) as node:
        await node.request("anvil_setCode", EMITTER, "0x4360005260003560206000a100")
        sent = {"from": SENDER, "to": EMITTER, "data": "0x" + "07" * 32, "gas": "0x186a0"}
        await node.request("eth_sendTransaction", sent)
        await node.request("anvil_mine", "0x4")
        yield anvil


@pytest.fixture
async def server(anvil: Anvil) -> AsyncIterator[Server]:
    async with serve(CHAIN) as server, forwarding(server, anvil.http):
        yield server


async def checks(url: str, best: int = 0) -> dict[str, Check]:
    async with Rpc(url) as rpc:
        report = await endpoint_checks(rpc, CHAIN, SystemClock(), best=best, lag=5)
    return {check.name.split()[0]: check for check in report.checks}


async def test_checks__sound_node__says_state_lag_pinning_and_logs(anvil: Anvil) -> None:
    found = await checks(anvil.http, best=7)
    assert all(check.ok for check in found.values())
    assert found["rpc"].detail.endswith("block 5, alive, 2 behind, reads pinned by block hash")
    assert found["logs"].detail.endswith("blocks; complete")


async def test_checks__node_far_behind_the_best__lags(anvil: Anvil, server: Server) -> None:
    server.answers["eth_blockNumber"] = lambda _: "0x10"
    async with Rpc(anvil.http) as slow, Rpc(server.http) as fast:
        best = await best_head([slow, fast], CHAIN)
    assert best == 16
    found = await checks(anvil.http, best)
    assert not found["rpc"].ok
    assert "lagging, 11 behind" in found["rpc"].detail


async def test_checks__node_syncs_and_knows_only_numbers__is_said(server: Server) -> None:
    def call(params: list[Any]) -> str:
        if not isinstance(params[1], str):
            raise RpcError(-32602, "invalid argument 1: cannot unmarshal object into string")
        return "0x"

    server.answers |= {"eth_syncing": lambda _: {"highestBlock": "0xff"}, "eth_call": call}
    found = await checks(server.http)
    assert not found["rpc"].ok
    assert "syncing" in found["rpc"].detail
    assert "pinned by number, hash compared" in found["rpc"].detail


async def test_checks__node_loses_logs__fails_the_logs(server: Server) -> None:
    server.answers["eth_getLogs"] = lambda _: []
    found = await checks(server.http)
    assert not found["logs"].ok
    assert "INCOMPLETE" in found["logs"].detail
