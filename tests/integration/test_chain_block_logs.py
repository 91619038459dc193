"""The logs of one block, asked for by its hash: of real nodes, and of nodes that make it hard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from keeper.chain.pool import Pool, Settings
from keeper.chain.rpc import Rpc
from keeper.config.chain import LogCheck
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import Transient
from keeper.types import Address, BlockRef, Call, Hash
from tests.integration.chain_server import RpcError, Server, forwarding, missing, serve

CHAIN = 31337
EMITTER, OTHER, SILENT, REVERTER, ECHO = (Address("0x" + f"e{number}" * 20) for number in range(5))
LOGS = "0x436000526000356020" + "6000a100"
"""LOG1(topic = first word of calldata, data = block number)."""
CODES = {EMITTER: LOGS, OTHER: LOGS, REVERTER: "0x5f5ffd", ECHO: "0x60003560005260206000f3"}
"""The last returns the first word of its calldata."""
SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """Block 1: a log of each emitter. Block 2: nothing. Block 3: one log."""
    async with Anvil.start() as anvil, Node(anvil.http) as node:
        await node.request("evm_setAutomine", False)
        for address, code in CODES.items():
            await node.request("anvil_setCode", address, code)
        for emitters in ((EMITTER, OTHER), (), (EMITTER,)):
            for emitter in emitters:
                call = {"from": SENDER, "to": emitter, "data": "0x" + "11" * 32, "gas": hex(100_000)}
                await node.request("eth_sendTransaction", call)
            await node.mine()
        yield anvil


@pytest.fixture
async def blocks(anvil: Anvil) -> list[BlockRef]:
    async with Rpc(anvil.http) as rpc:
        return await rpc.blocks(range(4))


@asynccontextmanager
async def between(anvil: Anvil) -> AsyncIterator[tuple[Server, Pool]]:
    """A server that passes everything on to `anvil`, and a pool of it alone."""
    async with (
        serve(CHAIN) as server,
        forwarding(server, anvil.http),
        Pool([Rpc(server.http)], CHAIN, settings=Settings(backoff=0.01)) as pool,
    ):
        await pool.check()
        yield server, pool


async def test_logs_in__every_block__are_those_of_its_number(anvil: Anvil, blocks: list[BlockRef]) -> None:
    wanted = [OTHER, EMITTER, SILENT]
    async with Rpc(anvil.http) as rpc, Pool([Rpc(anvil.http)], CHAIN) as pool:
        for block in blocks:
            expected = await rpc.logs(wanted, block.number, block.number)
            assert await rpc.logs_in(block, wanted) == await pool.logs_in(block, wanted) == (expected, None)
        assert [log.address for log in (await pool.logs_in(blocks[1], wanted)).logs] == [EMITTER, OTHER]
        assert (await pool.logs_in(blocks[1], [])).logs == []


async def test_logs_in__new_block__takes_one_exchange(anvil: Anvil, blocks: list[BlockRef]) -> None:
    async with between(anvil) as (server, pool):
        before = server.posts
        await pool.logs_in(blocks[1], [EMITTER])
        await pool.logs_in(blocks[3], [OTHER])
        assert server.posts == before + 2


async def test_logs_in__with_calls__answers_them_in_the_same_exchange(
    anvil: Anvil, blocks: list[BlockRef]
) -> None:
    calls = [Call(SILENT, b""), Call(REVERTER, b""), Call(ECHO, bytes(31) + b"\x07")]
    async with between(anvil) as (server, pool):
        expected = await pool.call_many(calls, blocks[3])
        before = server.posts
        found = await pool.logs_in(blocks[3], [EMITTER], calls)
        assert server.posts == before + 1
        assert found.results == expected == [b"", None, calls[2].data]
        server.answers["eth_call"] = missing
        assert (await pool.logs_in(blocks[3], [EMITTER], calls)).results is None


async def test_logs_in__more_calls_than_fit__leaves_them_out(anvil: Anvil, blocks: list[BlockRef]) -> None:
    calls = [Call(SILENT, bytes([number])) for number in range(20)]
    async with between(anvil) as (server, pool):
        await pool.call(calls[0], blocks[3])
        server.largest_batch = 20
        for _ in range(2):
            found = await pool.logs_in(blocks[1], [EMITTER], calls)
            assert (len(found.logs), found.results) == (1, None)
        assert server.batches.count(22) == 1
        assert (await pool.logs_in(blocks[1], [EMITTER], calls[:18])).results == [b""] * 18


@pytest.mark.parametrize("number", [3, 9])
async def test_logs_in__block_is_not_on_the_chain__is_transient(
    anvil: Anvil, blocks: list[BlockRef], number: int
) -> None:
    other = blocks[3]._replace(number=number, hash=Hash("0x" + "77" * 32))
    async with between(anvil) as (_, pool):
        with pytest.raises(Transient):
            await pool.logs_in(other, [EMITTER])
        with pytest.raises(Transient):
            await pool.logs_in(other, [])


async def test_logs_in__first_node_leaves_logs_out__come_from_the_second(
    anvil: Anvil, blocks: list[BlockRef]
) -> None:
    async with serve(CHAIN) as server, forwarding(server, anvil.http):
        server.answers["eth_getLogs"] = lambda _: []
        nodes, settings = [Rpc(server.http), Rpc(anvil.http)], Settings(log_check=LogCheck.BLOOM)
        async with Pool(nodes, CHAIN, settings=settings) as pool:
            await pool.check()
            assert len((await pool.logs_in(blocks[1], [EMITTER])).logs) == 1
    assert "eth_getLogs" in server.seen


@pytest.mark.parametrize(
    "refusal",
    [RpcError(-32602, "invalid params: unknown field blockHash"), RpcError(-32005, "too many logs")],
)
async def test_logs_in__node_refuses_the_hash__asks_by_number(
    anvil: Anvil, blocks: list[BlockRef], refusal: RpcError
) -> None:
    async with between(anvil) as (server, pool):

        async def by_number(params: list[Any]) -> Any:
            if "blockHash" in params[0] and len(params[0]["address"]) > 1:
                raise refusal
            assert server.rest is not None
            return await server.rest("eth_getLogs", params)

        server.late["eth_getLogs"] = by_number
        found = await pool.logs_in(blocks[1], [EMITTER, OTHER])
        assert [log.address for log in found.logs] == [EMITTER, OTHER]
        with pytest.raises(Transient, match="is not 0x7777"):
            await pool.logs_in(blocks[1]._replace(hash=Hash("0x" + "77" * 32)), [EMITTER, OTHER])


async def test_logs_in__block_came_between_the_two_answers__is_asked_again(
    anvil: Anvil, blocks: list[BlockRef]
) -> None:
    """Of a chain that fills in no filters: nothing else would tell that there are logs."""
    async with between(anvil) as (server, pool):
        answers: list[list[Any]] = [[]]

        async def logs(params: list[Any]) -> Any:
            assert server.rest is not None
            return answers.pop() if answers else await server.rest("eth_getLogs", params)

        async def header(params: list[Any]) -> Any:
            assert server.rest is not None
            return {**await server.rest("eth_getBlockByNumber", params), "logsBloom": "0x" + "00" * 256}

        server.late |= {"eth_getLogs": logs, "eth_getBlockByNumber": header}
        assert len((await pool.logs_in(blocks[3], [EMITTER])).logs) == 1
        assert answers == []
