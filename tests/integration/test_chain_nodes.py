"""Several nodes of one chain: real Anvils that lag, hang and change their chain, and one that lies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from keeper.chain.faults import Throttled
from keeper.chain.node_state import NodeState, Rules
from keeper.chain.observe import NoObserver
from keeper.chain.pool import Pool, Settings
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import Degraded, Transient, WrongChain
from keeper.ports import Priority, priority
from keeper.types import Address, BlockRef, Call, Hash
from tests.devnet import frozen
from tests.integration.chain_server import RpcError, Server, forwarding, serve

CHAIN = 31337
START = 1_700_000_000
ECHO = Address("0x" + "e3" * 20)
REVERTER = Address("0x" + "e2" * 20)
CODES = {ECHO: "0x60003560005260206000f3", REVERTER: "0x60206000fd"}
"""Returns the first word of calldata; reverts."""

RULES = Rules(rest=0.2, window=5.0, pause=0.5, lag_blocks=3, lag_seconds=60.0)
CALLS = [Call(ECHO, n.to_bytes(32, "big")) for n in range(5)] + [Call(REVERTER, b"")]
RESULTS = [call.data for call in CALLS[:5]] + [None]


class Observer(NoObserver):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.states: list[tuple[str, NodeState]] = []
        self.failovers: list[str] = []
        self.disagreements: list[str] = []

    def on_state(self, host: str, state: NodeState) -> None:
        self.states.append((host, state))

    def on_failover(self, host: str) -> None:
        self.failovers.append(host)

    def on_disagreement(self, host: str) -> None:
        self.disagreements.append(host)


@pytest.fixture
def observer() -> Observer:
    return Observer()


@pytest.fixture
async def anvils() -> AsyncIterator[list[Anvil]]:
    """Two nodes whose chains are the same as long as they are given the same blocks."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Anvil.start(chain_id=CHAIN, timestamp=START)) for _ in range(2)
        ]


@pytest.fixture
async def nodes(anvils: list[Anvil]) -> AsyncIterator[list[Node]]:
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(Node(anvil.http)) for anvil in anvils]
        for node in nodes:
            for address, code in CODES.items():
                await node.request("anvil_setCode", address, code)
        yield nodes


@asynccontextmanager
async def pool_of(urls: list[str], observer: Observer | None = None) -> AsyncIterator[Pool]:
    settings = Settings(rules=RULES, watch_seconds=0.1, backoff=0.01)
    rpcs = [Rpc(url, deadline=0.3) for url in urls]
    async with Pool(rpcs, CHAIN, settings=settings, observer=observer) as pool:
        await pool.check()
        yield pool


async def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to be")


async def mine(*nodes: Node, blocks: int = 1) -> None:
    for node in nodes:
        await node.request("anvil_mine", hex(blocks), "0xc")


def states(pool: Pool) -> list[NodeState]:
    return [node.state for node in pool.nodes]


async def test_watched__first_lags__second_is_used_until_it_has_caught_up(
    anvils: list[Anvil], nodes: list[Node], observer: Observer
) -> None:
    async with pool_of([anvil.http for anvil in anvils], observer) as pool, pool.watched():
        await mine(*nodes, blocks=2)
        assert (await pool.block()).number == 2
        await mine(nodes[1], blocks=2)
        await asyncio.sleep(0.3)
        assert states(pool) == [NodeState.ALIVE, NodeState.ALIVE], "two blocks are within the limit"
        assert (await pool.block()).number == 2

        await mine(nodes[1], blocks=3)
        await until(lambda: pool.nodes[0].state is NodeState.LAGGING)
        assert (await pool.block()).number == 7
        await mine(nodes[0], blocks=5)
        await until(lambda: pool.nodes[0].state is NodeState.ALIVE)
        await asyncio.sleep(RULES.rest)
        await mine(nodes[0])
        assert (await pool.block()).number == 8
    assert observer.failovers == [anvils[0].http, anvils[1].http]
    assert (anvils[0].http, NodeState.LAGGING) in observer.states


async def test_block__node_in_use_does_not_have_it_yet__another_is_asked(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    async with pool_of([anvil.http for anvil in anvils]) as pool:
        await mine(nodes[1], blocks=2)
        assert (await pool.block(2)).number == 2
        assert (await pool.block()).number == 0, "the first one is still in use"
        with pytest.raises(Degraded, match="no block 3"):
            await pool.block(3)


async def test_watched__first_hangs__is_unreachable_then_back(
    anvils: list[Anvil], nodes: list[Node], observer: Observer
) -> None:
    async with pool_of([anvil.http for anvil in anvils], observer) as pool, pool.watched():
        await mine(nodes[1])
        async with frozen(anvils[0]):
            assert (await pool.block()).number == 1, "the same read goes to the other node"
            await until(lambda: pool.nodes[0].state is NodeState.UNREACHABLE)
            assert (await pool.block()).number == 1
        await until(lambda: pool.nodes[0].state is NodeState.ALIVE)
        await asyncio.sleep(RULES.rest)
        assert (await pool.block()).number == 0
    first = [state for host, state in observer.states if host == anvils[0].http]
    assert first[:3] == [NodeState.UNCHECKED, NodeState.ALIVE, NodeState.UNREACHABLE]
    assert first[-1] is NodeState.ALIVE


async def test_watched__chain_is_swapped_behind_the_address__is_left_until_it_is_back(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    await mine(nodes[1])
    async with pool_of([anvil.http for anvil in anvils]) as pool, pool.watched():
        await nodes[0].request("anvil_setChainId", 10)
        await until(lambda: pool.nodes[0].state is NodeState.WRONG_CHAIN)
        assert (await pool.block()).number == 1
        await nodes[1].request("anvil_setChainId", 11)
        await until(lambda: pool.nodes[1].state is NodeState.WRONG_CHAIN)
        with pytest.raises(WrongChain, match=r"chain 11.*chain 10"):
            await pool.block()
        await nodes[0].request("anvil_setChainId", CHAIN)
        assert (await pool.block()).number == 0


async def test_switch__next_node_serves_another_chain_by_now__is_not_used(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    async with pool_of([anvil.http for anvil in anvils]) as pool:
        await nodes[1].request("anvil_setChainId", 10)
        async with frozen(anvils[0]):
            with pytest.raises(Transient, match="chain 10"):
                await pool.block()
        assert pool.nodes[1].state is NodeState.WRONG_CHAIN


async def test_watched__node_says_it_syncs__another_is_used(anvils: list[Anvil], nodes: list[Node]) -> None:
    await mine(nodes[0])
    async with serve(CHAIN) as server, forwarding(server, anvils[1].http):
        server.answers["eth_syncing"] = lambda _: {"startingBlock": "0x0", "highestBlock": "0xff"}
        async with pool_of([server.http, anvils[0].http]) as pool, pool.watched():
            await until(lambda: pool.nodes[0].state is NodeState.SYNCING)
            assert (await pool.block()).number == 1
            server.answers["eth_syncing"] = lambda _: False
            await until(lambda: pool.nodes[0].state is NodeState.ALIVE)


async def test_watched__body_fails__its_own_error_comes_out(anvils: list[Anvil]) -> None:
    async with pool_of([anvils[0].http]) as pool:
        with pytest.raises(ZeroDivisionError):
            async with pool.watched():
                raise ZeroDivisionError
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "watch nodes"]


def limited(server: Server, headers: dict[str, str], times: int) -> None:
    """`server` refuses the next `times` requests, then forwards."""

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal times
        times -= 1
        if times <= 0:
            server.handler = None
        return web.Response(status=429, headers=headers)

    server.handler = handler


async def test_read__429_with_retry_after__is_repeated_when_it_said(anvils: list[Anvil]) -> None:
    loop = asyncio.get_running_loop()
    async with serve(CHAIN) as server, forwarding(server, anvils[0].http), pool_of([server.http]) as pool:
        limited(server, {"Retry-After": "1"}, 1)
        started = loop.time()
        assert (await pool.block()).number == 0
        assert 0.95 < loop.time() - started < 2

        limited(server, {"Retry-After": "60"}, 9)
        started = loop.time()
        with pytest.raises(Throttled):
            await pool.block()
        assert loop.time() - started < 0.5, "execution does not wait a minute"
        server.handler = None


async def test_read__429_and_another_node__goes_there_and_holds_back_only_lower_classes(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    await mine(nodes[1])
    async with (
        serve(CHAIN) as server,
        forwarding(server, anvils[0].http),
        pool_of([server.http, anvils[1].http]) as pool,
    ):
        limited(server, {"Retry-After": "3600"}, 1)
        assert (await pool.block()).number == 1
        with priority(Priority.BACKFILL):
            assert (await pool.block()).number == 1
        assert server.seen.count("eth_getBlockByNumber") == 1


@pytest.fixture
async def liar(anvils: list[Anvil], nodes: list[Node]) -> AsyncIterator[Server]:
    """Says what the first node says, but for one word."""
    async with serve(CHAIN) as server, forwarding(server, anvils[0].http) as upstream:

        async def call(params: list[Any]) -> Any:
            true = await upstream("eth_call", params)
            return "0x" + "ff" * 32 if true.endswith("03") else true

        server.late["eth_call"] = call
        yield server


async def test_quorum__honest_nodes__agree_at_the_hash(anvils: list[Anvil], nodes: list[Node]) -> None:
    await mine(*nodes)
    async with pool_of([anvils[0].http, anvils[0].http]) as pool:
        head = await pool.block()
        assert await pool.quorum_call_many(CALLS, head, 2) == RESULTS
        gone = head._replace(hash=Hash("0x" + "12" * 32))
        with pytest.raises(Transient):
            await pool.quorum_call_many(CALLS, gone, 2)
        with pytest.raises(Degraded, match="3 nodes have to agree and 2 are configured"):
            await pool.quorum_call_many(CALLS, head, 3)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_quorum__one_liar_of_three__is_outvoted_and_named(
    anvils: list[Anvil], liar: Server, observer: Observer, place: int
) -> None:
    urls = [anvils[0].http, anvils[0].http]
    urls.insert(place, liar.http)
    async with pool_of(urls, observer) as pool:
        head = await pool.block()
        assert await pool.quorum_call_many(CALLS, head, 2) == RESULTS
        assert observer.disagreements == ([] if place == 2 else [liar.http])
        assert pool.nodes[place].resting is (place < 2)


async def test_quorum__one_liar_of_two__is_degraded_and_names_both(
    anvils: list[Anvil], liar: Server, observer: Observer
) -> None:
    async with pool_of([anvils[0].http, liar.http], observer) as pool:
        head = await pool.block()
        with pytest.raises(Degraded) as raised:
            await pool.quorum_call_many(CALLS, head, 2)
    assert liar.http in str(raised.value)
    assert anvils[0].http in str(raised.value)
    assert sorted(observer.disagreements) == sorted([liar.http, anvils[0].http])


async def test_quorum__one_node_down__the_third_is_asked(anvils: list[Anvil], nodes: list[Node]) -> None:
    async with pool_of([anvils[1].http, anvils[0].http, anvils[0].http]) as pool:
        head = await pool.block()
        async with frozen(anvils[1]):
            assert await pool.quorum_call_many(CALLS, head, 2) == RESULTS
            with pytest.raises(Transient):
                await pool.quorum_call_many(CALLS, head, 3)


async def test_pinned__block_is_reorganised_away__reads_of_it_fail(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    await mine(nodes[0], blocks=3)
    async with pool_of([anvils[0].http]) as pool:
        head = await pool.block()
        assert await pool.block(head) == head
        assert await pool.call(CALLS[1], head) == CALLS[1].data
        assert await pool.call_many(CALLS, head) == RESULTS
        assert await pool.code(ECHO, head) == bytes.fromhex(CODES[ECHO][2:])
        assert await pool.balance(ECHO, head) == await pool.nonce(ECHO, head) == 0
        await nodes[0].request("anvil_reorg", 2, [])
        reads: list[Callable[[], Any]] = [
            lambda: pool.block(head),
            lambda: pool.call(CALLS[1], head),
            lambda: pool.call_many(CALLS, head),
            lambda: pool.code(ECHO, head),
        ]
        for read in reads:
            with pytest.raises(Transient):
                await read()


async def test_pinned__node_knows_only_numbers__hash_is_compared_before_and_after(
    anvils: list[Anvil], nodes: list[Node]
) -> None:
    await mine(nodes[0], blocks=3)
    async with serve(CHAIN) as server, forwarding(server, anvils[0].http) as upstream:
        reorganise = False

        async def call(params: list[Any]) -> Any:
            if not isinstance(params[1], str):
                raise RpcError(-32602, "invalid argument 1: cannot unmarshal object into string")
            answer = await upstream("eth_call", params)
            if reorganise:
                await nodes[0].request("anvil_reorg", 2, [])
            return answer

        server.late["eth_call"] = call
        async with Rpc(server.http) as rpc:
            head: BlockRef = await rpc.block()
            assert await rpc.call_many(CALLS, head) == RESULTS
            assert await rpc.call(CALLS[1], head) == CALLS[1].data
            assert rpc.pins_by_hash is False
            assert server.seen.count("eth_call") == 2 * len(CALLS) + 1, "hashes are tried once"
            reorganise = True
            with pytest.raises(Transient, match="block 3 is not"):
                await rpc.call(CALLS[1], head)
