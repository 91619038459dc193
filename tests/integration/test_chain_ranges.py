"""A long history, several ranges at a time, from a real Anvil."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keeper.chain.logs import Span
from keeper.chain.pool import Pool, Settings
from keeper.chain.ranges import RangeReader
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import Transient
from keeper.ports import LogRange, LogSource
from keeper.types import Address, Log
from tests.integration.chain_server import RpcError, forwarding, serve

CHAIN = 31337
EMITTER = Address("0x" + "e0" * 20)
OTHER = Address("0x" + "e1" * 20)
SENDER = Address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
BLOCKS = 60


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    async with Anvil.start(chain_id=CHAIN, no_mining=True) as anvil, Node(anvil.http) as node:
        for address in (EMITTER, OTHER):
            await node.request("anvil_setCode", address, "0x4360005260003560206000a100")
        for number in range(1, BLOCKS + 1):
            for address in (EMITTER, OTHER)[: number % 3]:
                sent = {"from": SENDER, "to": address, "data": f"0x{number:064x}", "gas": "0x186a0"}
                await node.request("eth_sendTransaction", sent)
            await node.request("anvil_mine", "0x1", "0xc")
        yield anvil


async def read(source: LogSource, *addresses: Address, last: int = BLOCKS) -> list[LogRange]:
    async with source.log_ranges(addresses, 0, last) as ranges:
        return [piece async for piece in ranges]


def joined(pieces: list[LogRange]) -> list[Log]:
    return [log for piece in pieces for log in piece.logs]


async def assert_right(rpc: Rpc, pieces: list[LogRange], *addresses: Address) -> None:
    assert joined(pieces) == await rpc.logs(addresses, 0, BLOCKS)
    starts = [piece.first for piece in pieces]
    assert starts == [0, *(piece.last + 1 for piece in pieces[:-1])]
    assert pieces[-1].last == BLOCKS
    blocks = await rpc.blocks(sorted({log.block for log in joined(pieces)}))
    told = {number: seconds for piece in pieces for number, seconds in piece.timestamps.items()}
    assert told == {block.number: block.timestamp for block in blocks}


async def test_ranges__of_pool_and_rpc__join_in_order_with_timestamps(anvil: Anvil) -> None:
    async with Rpc(anvil.http) as rpc, Pool([Rpc(anvil.http)], CHAIN) as pool:
        for source in (rpc, pool):
            await assert_right(rpc, await read(source, EMITTER, OTHER), EMITTER, OTHER)
        assert await read(rpc, EMITTER, last=-1) == []


async def test_ranges__node_without_timestamps_and_with_a_limit__same_result(anvil: Anvil) -> None:
    async with serve(CHAIN) as server, forwarding(server, anvil.http) as upstream:

        async def logs(params: list[Any]) -> Any:
            first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
            if last - first >= 7:
                raise RpcError(-32602, "range exceeds limit of 7")
            found = await upstream("eth_getLogs", params)
            return [{key: entry[key] for key in entry if key != "blockTimestamp"} for entry in found]

        server.late["eth_getLogs"] = logs
        async with Rpc(anvil.http) as rpc, Pool([Rpc(server.http)], CHAIN) as pool:
            await assert_right(rpc, await read(pool, EMITTER, OTHER), EMITTER, OTHER)


async def test_ranges__several_in_flight__bounded_and_at_the_readers_pace(anvil: Anvil) -> None:
    running = peak = started = 0
    async with Rpc(anvil.http) as rpc:

        async def fetch(addresses: Any, first: int, last: int) -> Any:
            nonlocal running, peak, started
            running, started = running + 1, started + 1
            peak = max(peak, running)
            await asyncio.sleep(0.02)
            running -= 1
            return await rpc.found_logs(addresses, first, last)

        reader = RangeReader(fetch, rpc.blocks, lambda: Span(4, 4), in_flight=3)
        pieces = []
        async with reader.open([EMITTER], 0, BLOCKS) as ranges:
            async for piece in ranges:
                pieces.append(piece)
                assert started <= len(pieces) + 3
        await assert_right(rpc, pieces, EMITTER)
    assert peak == 3


async def test_ranges__address_found_on_the_way__is_in_every_later_range(anvil: Anvil) -> None:
    async with Rpc(anvil.http) as rpc:
        reader = RangeReader(rpc.found_logs, rpc.blocks, lambda: Span(10, 10), in_flight=4)
        async with reader.open([EMITTER], 0, BLOCKS) as ranges:
            first = await anext(ranges)
            ranges.include([OTHER])
            rest = [piece async for piece in ranges]
        assert first.logs == await rpc.logs([EMITTER], 0, first.last)
        assert joined(rest) == await rpc.logs([EMITTER, OTHER], first.last + 1, BLOCKS)


async def test_ranges__one_fails__those_before_it_are_given(anvil: Anvil) -> None:
    async with Rpc(anvil.http) as rpc:

        async def fetch(addresses: Any, first: int, last: int) -> Any:
            if first >= 20:
                raise Transient("down")
            await asyncio.sleep(0.05)
            return await rpc.found_logs(addresses, first, last)

        reader = RangeReader(fetch, rpc.blocks, lambda: Span(10, 10), in_flight=4)
        async with reader.open([EMITTER], 0, BLOCKS) as ranges:
            assert [(await anext(ranges)).last for _ in range(2)] == [9, 19]
            with pytest.raises(Transient, match="down"):
                await anext(ranges)


async def test_ranges__reader_leaves__nothing_goes_on_loading(anvil: Anvil) -> None:
    async with Pool([Rpc(anvil.http)], CHAIN, settings=Settings(in_flight=2)) as pool:
        with contextlib.suppress(ZeroDivisionError):
            async with pool.log_ranges([EMITTER], 0, BLOCKS) as ranges:
                await anext(ranges)
                raise ZeroDivisionError
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("logs ")]
