"""Each fault does what its name says, and nothing else happens: a real node behind, real sockets in front."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from eth_account import Account

from keeper.devnet.faults.exchange import OTHER_CHAIN_ID
from keeper.devnet.faults.fault import Fault, Kind
from keeper.devnet.faults.proxy import FaultProxy
from keeper.devnet.node import Node, Tx
from keeper.devnet.reverts import DevnetError
from keeper.errors import Unreachable
from keeper.types import Address, checksum
from tests.devnet import running_chain

ECHO = Address("0x" + "ec" * 20)
ECHO_CODE = "0x60003560005260206000f3"
"""Returns the first word of its calldata."""

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""Of Anvil's first account."""

SHOUT = Address("0x" + "5e" * 20)
SHOUT_CODE = "0x60006000a000"
"""Emits an empty log."""


class Setting(NamedTuple):
    """The node itself, the proxy, and a client of the proxy."""

    node: Node
    proxy: FaultProxy
    client: Node
    sender: Address

    async def shout(self) -> int:
        """Mine a log; returns its block."""
        receipt = await self.node.send(Tx(self.sender, SHOUT, b""))
        return int(receipt["blockNumber"], 16)

    async def logs(self, first: int) -> list[Any]:
        found: list[Any] = await self.client.request(
            "eth_getLogs", {"fromBlock": hex(first), "toBlock": "latest", "address": SHOUT}
        )
        return found


@asynccontextmanager
async def setting() -> AsyncIterator[Setting]:
    async with (
        running_chain() as (_, node),
        FaultProxy.start(node.url) as proxy,
        Node(proxy.http) as client,
    ):
        await node.request("anvil_setCode", ECHO, ECHO_CODE)
        await node.request("anvil_setCode", SHOUT, SHOUT_CODE)
        yield Setting(node, proxy, client, (await node.accounts())[0])


async def test_proxy__without_faults__answers_as_the_node() -> None:
    async with setting() as it:
        first = await it.shout()
        for method, *params in (
            ("eth_chainId",),
            ("eth_getBlockByNumber", "latest", False),
            ("eth_getLogs", {"fromBlock": hex(first)}),
        ):
            assert await it.client.request(method, *params) == await it.node.request(method, *params)
        with pytest.raises(DevnetError, match="Method not found"):
            await it.client.request("eth_nonsense")
        assert not it.proxy.struck


@pytest.mark.parametrize(
    "kind", [Kind.DROP, Kind.THROTTLE, Kind.SERVER_ERROR, Kind.CUT_JSON, Kind.CUT_SOCKET]
)
async def test_proxy__a_fault_of_the_exchange__spoils_it_until_cleared(kind: Kind) -> None:
    async with setting() as it:
        it.proxy.set(Fault(kind, seconds=0.1))
        # A plain client sees every refusal as an answer that it cannot read.
        with pytest.raises((Unreachable, TypeError)):
            await it.client.request("eth_chainId")
        assert it.proxy.struck[kind] > 0
        it.proxy.clear()
        assert await it.client.request("eth_chainId") == "0x7a69"


async def test_proxy__throttle__names_a_time() -> None:
    async with setting() as it, aiohttp.ClientSession() as session:
        it.proxy.set(Fault(Kind.THROTTLE, seconds=7))
        asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        async with session.post(it.proxy.http, json=asked) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_proxy__delay__answers_late() -> None:
    async with setting() as it:
        it.proxy.set(Fault(Kind.DELAY, seconds=0.3))
        started = asyncio.get_running_loop().time()
        await it.client.request("eth_chainId")
        assert asyncio.get_running_loop().time() - started >= 0.3


async def test_proxy__logs_left_out__the_last_third_or_one_block() -> None:
    async with setting() as it:
        blocks = [await it.shout() for _ in range(6)]
        it.proxy.set(Fault(Kind.FEWER_LOGS))
        assert [int(log["blockNumber"], 16) for log in await it.logs(blocks[0])] == blocks[:4]
        it.proxy.set(Fault(Kind.MISSING_BLOCK))
        assert len(await it.logs(blocks[0])) == 5


async def test_proxy__stale__stands_still_in_every_answer() -> None:
    async with setting() as it:
        first = await it.shout()
        it.proxy.set(Fault(Kind.STALE))
        assert int(await it.client.request("eth_blockNumber"), 16) == first
        later = await it.shout()
        assert int(await it.client.request("eth_blockNumber"), 16) == first
        block = await it.client.request("eth_getBlockByNumber", "latest", False)
        assert int(block["number"], 16) == first
        assert await it.client.request("eth_getBlockByNumber", hex(later), False) is None
        assert len(await it.logs(first)) == 1
        with pytest.raises(DevnetError, match="header not found"):
            await it.client.call(ECHO, b"", later)
        it.proxy.clear()
        assert int(await it.client.request("eth_blockNumber"), 16) == later


async def test_proxy__other_chain__is_another_in_id_hashes_and_contracts() -> None:
    async with setting() as it:
        block = await it.node.request("eth_getBlockByNumber", "latest", False)
        it.proxy.set(Fault(Kind.OTHER_CHAIN))
        assert int(await it.client.request("eth_chainId"), 16) == OTHER_CHAIN_ID
        other = await it.client.request("eth_getBlockByNumber", "latest", False)
        assert other["number"] == block["number"]
        assert other["hash"] != block["hash"]
        assert await it.client.call(ECHO, (5).to_bytes(32)) == b""


async def test_proxy__lie__flips_one_bit_of_the_chosen_calls_and_stands_by_it() -> None:
    async with setting() as it:
        chosen, other = bytes.fromhex("aabbccdd").ljust(32, b"\1"), (7).to_bytes(32)
        it.proxy.set(Fault(Kind.LIE, selectors=frozenset({"0xaabbccdd"})))
        lie = await it.client.call(ECHO, chosen)
        assert (int.from_bytes(lie) ^ int.from_bytes(chosen)).bit_count() == 1
        assert await it.client.call(ECHO, chosen) == lie
        assert await it.client.call(ECHO, other) == other


async def test_proxy__lose_send__the_transaction_is_mined_all_the_same() -> None:
    async with setting() as it:
        fields = {
            "nonce": 0,
            "to": checksum(SHOUT),
            "value": 0,
            "gas": 50_000,
            "gasPrice": 10**10,
            "chainId": 31337,
        }
        signed = Account.sign_transaction(fields, KEY).raw_transaction.hex()
        it.proxy.set(Fault(Kind.LOSE_SEND))
        with pytest.raises((Unreachable, DevnetError)):
            await it.client.request("eth_sendRawTransaction", "0x" + signed.removeprefix("0x"))
        assert it.proxy.struck[Kind.LOSE_SEND] == 1
        # Anvil mines a moment after it has accepted.
        assert int(await it.client.request("eth_getTransactionCount", it.sender, "pending"), 16) == 1


async def test_proxy__websocket__passes_heads_until_muted() -> None:
    async with (
        setting() as it,
        aiohttp.ClientSession() as session,
        session.ws_connect(it.proxy.ws) as socket,
    ):
        await socket.send_json({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
        assert (await socket.receive_json(timeout=5))["id"] == 1
        block = await it.shout()
        head = await socket.receive_json(timeout=5)
        assert int(head["params"]["result"]["number"], 16) == block
        it.proxy.set(Fault(Kind.MUTE))
        await it.shout()
        with pytest.raises(TimeoutError):
            await socket.receive_json(timeout=0.5)


async def test_verb__a_schedule_by_hand__is_played_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "schedule.toml"
    file.write_text(
        '[[windows]]\nat = 0.5\nseconds = 1.5\nfaults = [{kind = "server-error"}]\n', encoding="utf-8"
    )
    async with running_chain() as (_, node):
        verb = ["devnet", "faults", "--upstream", node.url, "--schedule", str(file), "--json"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "keeper", *verb, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(30):
                first = json.loads(await process.stdout.readline())
                assert json.loads(await process.stdout.readline())["event"] == "fault"
                async with Node(first["rpc_http"]) as client:
                    with pytest.raises(Unreachable):
                        await client.request("eth_chainId")
                    assert json.loads(await process.stdout.readline()) == {"event": "quiet"}
                    last = json.loads(await process.stdout.readline())
                    assert last == {"event": "done", "struck": {"server-error": 1}}
                    assert await client.request("eth_chainId") == "0x7a69"
                process.terminate()
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
