"""Logs that a node leaves out: seen by the block's own filter, fetched elsewhere, and never a loop."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from keeper.chain.bloom import bloom_of
from keeper.chain.completeness import NEWEST
from keeper.chain.faults import LogsMissing
from keeper.chain.observe import NoObserver
from keeper.chain.pool import Pool, Settings
from keeper.chain.probe import probe
from keeper.chain.rpc import Rpc
from keeper.clock import SystemClock
from keeper.config.chain import LogCheck
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.types import Address, Log
from tests.integration.chain_server import Server, forwarding, serve

CHAIN = 31337
EMITTER = Address("0x" + "e0" * 20)
TWICE = Address("0x" + "e1" * 20)
SENDER = Address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")
CODES = {
    EMITTER: "0x4360005260003560206000a100",
    TWICE: "0x4360005260003560206000a160003560206000a100",
}
"""LOG1(topic = first word of calldata, data = block number), once and twice."""

BLOCKS = 30


class Observer(NoObserver):
    """Counts gaps by host."""

    def __init__(self) -> None:
        self.gaps: list[str] = []

    def on_log_gap(self, host: str) -> None:
        self.gaps.append(host)


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """Every second block has a log of EMITTER, every third two of TWICE."""
    async with Anvil.start(chain_id=CHAIN, no_mining=True) as anvil, Node(anvil.http) as node:
        for address, code in CODES.items():
            await node.request("anvil_setCode", address, code)
        for number in range(1, BLOCKS + 1):
            for address, every in ((EMITTER, 2), (TWICE, 3)):
                if number % every == 0:
                    sent = {"from": SENDER, "to": address, "data": f"0x{number:064x}", "gas": "0x186a0"}
                    await node.request("eth_sendTransaction", sent)
            await node.request("evm_mine")
        yield anvil


@pytest.fixture
async def truth(anvil: Anvil) -> list[Log]:
    async with Rpc(anvil.http) as rpc:
        logs = await rpc.logs([EMITTER, TWICE], 0, BLOCKS)
    assert len(logs) == BLOCKS // 2 + 2 * (BLOCKS // 3)
    return logs


@asynccontextmanager
async def pool_of(
    urls: list[str], check: LogCheck, observer: Observer | None = None, samples: int = 8
) -> AsyncIterator[Pool]:
    settings = Settings(log_check=check, log_samples=samples, backoff=0.01)
    async with Pool([Rpc(url) for url in urls], CHAIN, settings=settings, observer=observer) as pool:
        yield pool


@asynccontextmanager
async def leaving_out(anvil: Anvil, dropped: Callable[[dict[str, Any]], bool]) -> AsyncIterator[Server]:
    """A node in front of `anvil` whose log index lacks some logs, however it is asked."""
    async with serve(CHAIN) as server, forwarding(server, anvil.http) as upstream:

        async def logs(params: list[Any]) -> list[Any]:
            return [entry for entry in await upstream("eth_getLogs", params) if not dropped(entry)]

        server.late["eth_getLogs"] = logs
        yield server


def in_block(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda entry: int(entry["blockNumber"], 16) == number


async def test_bloom__of_every_block_of_a_node__is_the_one_computed(anvil: Anvil) -> None:
    async with Rpc(anvil.http) as rpc:
        headers = await rpc.headers(range(BLOCKS + 1))
        blooms = [bloom_of(await rpc.block_logs(header.block.hash)) for header in headers]
        facts = await probe(rpc, SystemClock())
    assert [header.bloom for header in headers] == blooms
    assert any(blooms)
    assert not all(blooms)
    assert facts.full_logs is True
    assert facts.pins_by_hash is True


@pytest.mark.parametrize("check", list(LogCheck))
async def test_logs__honest_nodes__are_complete_and_raise_no_alarm(
    anvil: Anvil, truth: list[Log], check: LogCheck
) -> None:
    observer = Observer()
    for urls in ([anvil.http], [anvil.http, anvil.http]):
        async with pool_of(urls, check, observer) as pool:
            assert await pool.logs([EMITTER, TWICE], 0, BLOCKS) == truth
    assert observer.gaps == []


async def test_logs__range_far_below_the_head__is_judged_by_its_own_blocks_only(
    anvil: Anvil, node: Node, truth: list[Log]
) -> None:
    await node.mine(2 * NEWEST)
    observer = Observer()
    async with pool_of([anvil.http], LogCheck.BLOOM, observer) as pool:
        assert await pool.logs([EMITTER, TWICE], 0, 5) == [log for log in truth if log.block <= 5]
    assert observer.gaps == []


@pytest.mark.parametrize("check", [LogCheck.BLOOM, LogCheck.FULL])
@pytest.mark.parametrize(
    "lost", [in_block(12), in_block(BLOCKS), lambda entry: int(entry["blockNumber"], 16) > 20]
)
async def test_logs__first_node_leaves_blocks_out__come_from_the_second(
    anvil: Anvil, truth: list[Log], check: LogCheck, lost: Callable[[dict[str, Any]], bool]
) -> None:
    observer = Observer()
    async with (
        leaving_out(anvil, lost) as server,
        pool_of([server.http, anvil.http], check, observer) as pool,
    ):
        await pool.check()
        assert await pool.logs([EMITTER, TWICE], 0, BLOCKS) == truth
        assert await pool.logs([EMITTER, TWICE], BLOCKS, BLOCKS) == [
            log for log in truth if log.block == BLOCKS
        ]
    assert observer.gaps == [server.http]


async def test_logs__one_of_two_logs_of_a_contract_left_out__full_check_sees_it(
    anvil: Anvil, truth: list[Log]
) -> None:
    def second_of_two(entry: dict[str, Any]) -> bool:
        return entry["address"] == EMITTER and int(entry["blockNumber"], 16) == 18

    observer = Observer()
    async with (
        leaving_out(anvil, second_of_two) as server,
        pool_of([server.http, anvil.http], LogCheck.FULL, observer) as pool,
    ):
        assert await pool.logs([EMITTER, TWICE], 0, BLOCKS) == truth
    assert observer.gaps == [server.http]


async def test_logs__only_node_leaves_a_block_out__says_so_three_times_then_goes_on(anvil: Anvil) -> None:
    """Its index lacks the block however it is asked: standing still for ever would help nobody."""
    observer = Observer()
    async with (
        leaving_out(anvil, in_block(12)) as server,
        pool_of([server.http], LogCheck.BLOOM, observer) as pool,
    ):
        logs = await pool.logs([EMITTER], 0, BLOCKS)
    assert {log.block for log in logs} == set(range(2, BLOCKS + 1, 2)) - {12}
    assert observer.gaps == [server.http] * 2


async def test_logs__only_node_cuts_ranges_short__is_found_by_asking_for_the_block(anvil: Anvil) -> None:
    async with serve(CHAIN) as server, forwarding(server, anvil.http) as upstream:

        async def cut(params: list[Any]) -> list[Any]:
            found: list[Any] = await upstream("eth_getLogs", params)
            return found if "blockHash" in params[0] else found[:10]

        server.late["eth_getLogs"] = cut
        async with pool_of([server.http], LogCheck.BLOOM) as pool:
            with pytest.raises(LogsMissing, match="were left out"):
                await pool.logs([EMITTER, TWICE], 0, BLOCKS)


async def test_logs__filter_suggests_what_was_not_logged__two_nodes_agree_and_are_asked_once(
    anvil: Anvil,
) -> None:
    """A false positive, made certain by a header whose filter has every bit set."""
    async with serve(CHAIN) as server, forwarding(server, anvil.http) as upstream:

        async def full_filter(params: list[Any]) -> Any:
            return {**await upstream("eth_getBlockByNumber", params), "logsBloom": "0x" + "ff" * 256}

        server.late["eth_getBlockByNumber"] = full_filter
        observer = Observer()
        async with pool_of([server.http, anvil.http], LogCheck.BLOOM, observer) as pool:
            await pool.check()
            assert await pool.logs([EMITTER], 7, 7) == []
    assert observer.gaps == []
    assert server.seen.count("eth_getLogs") == 1


async def test_logs__far_below_the_head__a_cut_answer_is_found_by_the_sample(
    anvil: Anvil, node: Node, truth: list[Log]
) -> None:
    await node.request("anvil_mine", "0xc8")
    observer = Observer()
    async with (
        leaving_out(anvil, lambda entry: int(entry["blockNumber"], 16) > 20) as server,
        pool_of([server.http, anvil.http], LogCheck.BLOOM, observer, samples=6) as pool,
    ):
        await pool.check()
        assert await pool.logs([EMITTER, TWICE], 0, BLOCKS) == truth
    assert observer.gaps == [server.http]


async def test_logs__block_replaced_after_its_header_was_read__is_read_again(
    anvil: Anvil, node: Node, truth: list[Log]
) -> None:
    observer = Observer()
    async with pool_of([anvil.http], LogCheck.BLOOM, observer) as pool:
        assert await pool.logs([EMITTER, TWICE], 0, BLOCKS) == truth
        await node.request("anvil_reorg", 6, [])
        after = await pool.logs([EMITTER, TWICE], 0, BLOCKS)
    assert after == [log for log in truth if log.block <= BLOCKS - 6]
    assert observer.gaps == []
