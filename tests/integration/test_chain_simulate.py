"""Looking ahead on an endpoint: the best way it offers, found out once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.chain.simulate import Way
from keeper.devnet.node import Node
from keeper.errors import CallReverted, Unreachable
from keeper.ports import NextBlock, Simulated
from keeper.types import BlockRef, Call
from tests.devnet import running_chain
from tests.execute_samples import OPERATOR, account
from tests.integration.chain_server import RpcError, Server, missing, serve

CLOCK, BROKEN, STORE = account(0x71), account(0x72), account(0x73)
CLOCK_CODE = "0x425f524360205260405ff3"  # returns timestamp and number
BROKEN_CODE = "0x600760005260206000fd"  # reverts with the word 7
STORE_CODE = "0x36600c575f545f5260205ff35b60015f5500"  # returns slot 0; called with data it stores 1 there
WAYS = list(Way)


@pytest.fixture
async def parts() -> AsyncIterator[tuple[Node, Rpc, BlockRef]]:
    async with running_chain() as (anvil, node), Rpc(anvil.http) as rpc:
        for address, code in ((CLOCK, CLOCK_CODE), (BROKEN, BROKEN_CODE), (STORE, STORE_CODE)):
            await node.request("anvil_setCode", address, code)
        await node.mine(3)
        yield node, rpc, await rpc.block()


def ahead(head: BlockRef) -> NextBlock:
    return NextBlock(head.number + 1, head.timestamp + 1000)


@pytest.mark.parametrize("way", [Way.SIMULATE, Way.OVERRIDES])
async def test_simulate__node_that_can_look_ahead__the_call_is_in_the_next_block(
    parts: tuple[Node, Rpc, BlockRef], way: Way
) -> None:
    _, rpc, head = parts
    rpc.way = way
    seen = await rpc.simulate(Call(CLOCK, b""), OPERATOR, ahead(head))
    assert (int.from_bytes(seen.data[:32]), int.from_bytes(seen.data[32:])) == (
        head.timestamp + 1000,
        head.number + 1,
    )
    assert (seen.gas is not None) == (way is Way.SIMULATE)
    assert rpc.way is way


@pytest.mark.parametrize("way", WAYS)
async def test_simulate__contract_reverts__its_data_is_the_answer_however_asked(
    parts: tuple[Node, Rpc, BlockRef], way: Way
) -> None:
    _, rpc, head = parts
    rpc.way = way
    with pytest.raises(CallReverted) as raised:
        await rpc.simulate(Call(BROKEN, b""), OPERATOR, ahead(head))
    assert int.from_bytes(raised.value.data) == 7
    assert rpc.way is way


@pytest.mark.parametrize("way", WAYS)
async def test_simulate__on_pending__sees_what_waits(parts: tuple[Node, Rpc, BlockRef], way: Way) -> None:
    node, rpc, head = parts
    rpc.way = way
    await node.request("evm_setAutomine", False)
    sender = (await node.accounts())[0]
    await node.request(
        "eth_sendTransaction", {"from": sender, "to": STORE, "data": "0x01", "gas": hex(100_000)}
    )
    then = ahead(head)
    latest = await rpc.simulate(Call(STORE, b""), OPERATOR, then)
    pending = await rpc.simulate(Call(STORE, b""), OPERATOR, then._replace(base="pending"))
    assert (int.from_bytes(latest.data), int.from_bytes(pending.data)) == (0, 1)


THEN = NextBlock(8, 1_700_000_000)
WORD = "0x" + "00" * 31 + "2a"


def call_of_at_most(count: int) -> Any:
    def answer(params: list[Any]) -> str:
        if len(params) > count:
            raise RpcError(-32602, f"too many arguments, want at most {count}")
        return WORD

    return answer


@pytest.mark.parametrize(("params", "way"), [(4, Way.OVERRIDES), (2, Way.PLAIN)])
async def test_simulate__node_without_the_best_way__another_found_out_once(
    server: Server, params: int, way: Way
) -> None:
    server.answers |= {"eth_simulateV1": missing, "eth_call": call_of_at_most(params)}
    async with Rpc(server.http) as rpc:
        for _ in range(3):
            assert await rpc.simulate(Call(CLOCK, b""), OPERATOR, THEN) == Simulated(
                bytes(31) + b"\x2a", None
            )
    assert rpc.way is way
    assert server.seen.count("eth_simulateV1") == 1
    assert server.seen.count("eth_call") == 3 + (way is Way.PLAIN)


async def test_simulate__head_moved_past_the_block_meant__tried_in_the_nodes_next_block(
    server: Server,
) -> None:
    asked: list[Any] = []

    def strict(params: list[Any]) -> Any:
        asked.append(params[0]["blockStateCalls"][0].get("blockOverrides"))
        if asked[-1]:
            raise RpcError(-38020, "block numbers must be in order: 8 <= 10")
        return [{"calls": [{"status": "0x1", "returnData": WORD, "gasUsed": "0x5208", "logs": []}]}]

    server.answers["eth_simulateV1"] = strict
    async with Rpc(server.http) as rpc:
        seen = await rpc.simulate(Call(CLOCK, b""), OPERATOR, THEN)
    assert seen == Simulated(bytes(31) + b"\x2a", 21_000)
    assert asked == [{"number": "0x8", "time": hex(1_700_000_000)}, None]
    assert rpc.way is Way.SIMULATE


async def test_simulate__geth_puts_revert_data_into_the_error__found_there(server: Server) -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x0badc0de"}
    result = {"status": "0x0", "returnData": "0x", "gasUsed": "0x1", "logs": [], "error": error}
    server.answers["eth_simulateV1"] = lambda _: [{"calls": [result]}]
    async with Rpc(server.http) as rpc:
        with pytest.raises(CallReverted) as raised:
            await rpc.simulate(Call(CLOCK, b""), OPERATOR, THEN)
    assert raised.value.data == bytes.fromhex("0badc0de")


async def test_simulate__answer_makes_no_sense__is_no_answer_and_decides_nothing(server: Server) -> None:
    server.answers["eth_simulateV1"] = lambda _: []
    async with Rpc(server.http) as rpc:
        with pytest.raises(Unreachable):
            await rpc.simulate(Call(CLOCK, b""), OPERATOR, THEN)
    assert rpc.way is Way.SIMULATE


async def test_simulate__pool_of_nodes__each_asked_in_its_own_way() -> None:
    async with serve() as plain, serve() as able:
        plain.answers |= {"eth_simulateV1": missing, "eth_call": call_of_at_most(2)}
        calls = [{"status": "0x1", "returnData": WORD, "gasUsed": "0x5208", "logs": []}]
        able.answers["eth_simulateV1"] = lambda _: [{"calls": calls}]
        async with Pool([Rpc(plain.http), Rpc(able.http)], 31337) as pool:
            first = await pool.simulate(Call(CLOCK, b""), OPERATOR, THEN)
            plain.handler = broken
            second = await pool.simulate(Call(CLOCK, b""), OPERATOR, THEN)
    assert (first.gas, second.gas) == (None, 21_000)
    assert first.data == second.data


async def broken(_: web.Request) -> web.StreamResponse:
    return web.Response(status=500)
