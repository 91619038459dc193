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
from keeper.types import Address, BlockRef, Hash
from tests.integration.chain_server import RpcError, Server, forwarding, serve

CHAIN = 31337
EMITTER, OTHER, SILENT = (Address("0x" + pair * 20) for pair in ("e0", "e1", "e2"))
CODE = "0x436000526000356020" + "6000a100"
"""LOG1(topic = first word of calldata, data = block number)."""
SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """Block 1: a log of each emitter. Block 2: nothing. Block 3: one log."""
    async with Anvil.start() as anvil, Node(anvil.http) as node:
        await node.request("evm_setAutomine", False)
        for address in (EMITTER, OTHER):
            await node.request("anvil_setCode", address, CODE)
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
            assert await rpc.logs_in(block, wanted) == await pool.logs_in(block, wanted) == expected
        assert [log.address for log in await pool.logs_in(blocks[1], wanted)] == [EMITTER, OTHER]
        assert await pool.logs_in(blocks[1], []) == []


async def test_logs_in__new_block__takes_one_exchange(anvil: Anvil, blocks: list[BlockRef]) -> None:
    async with between(anvil) as (server, pool):
        before = server.posts
        await pool.logs_in(blocks[1], [EMITTER])
        await pool.logs_in(blocks[3], [OTHER])
        assert server.posts == before + 2


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
            assert len(await pool.logs_in(blocks[1], [EMITTER])) == 1
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
        logs = await pool.logs_in(blocks[1], [EMITTER, OTHER])
        assert [log.address for log in logs] == [EMITTER, OTHER]
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
        assert len(await pool.logs_in(blocks[3], [EMITTER])) == 1
        assert answers == []
