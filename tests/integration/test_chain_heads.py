"""The head stream against a real Anvil, a relay that is cut, and WebSockets that say nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from keeper.chain.heads import head_stream
from keeper.chain.observe import NoObserver
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import Transient, WrongChain
from keeper.types import BlockRef, Hash
from tests.integration.chain_server import Hasty, Relay, Server, relay, serve

CHAIN = 31337
NEVER = 3600.0


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    async with Anvil.start() as anvil:
        yield anvil


@pytest.fixture
async def pool(anvil: Anvil) -> AsyncIterator[Pool]:
    async with Pool([Rpc(anvil.http)], CHAIN) as pool:
        yield pool


@pytest.fixture
async def cut(anvil: Anvil) -> AsyncIterator[tuple[Relay, str]]:
    async with relay(int(anvil.http.rpartition(":")[2])) as (it, port):
        yield it, f"ws://127.0.0.1:{port}"


async def until(heads: AsyncIterator[BlockRef], number: int) -> list[int]:
    """Numbers given, up to `number`."""
    given: list[int] = []
    async with asyncio.timeout(10):
        async for head in heads:
            given.append(head.number)
            if head.number >= number:
                return given
    raise AssertionError("the stream ended")


async def connected(line: Relay | Server, times: int = 1) -> None:
    """Wait until `line` has taken so many connections."""
    for _ in range(500):
        if line.connections >= times:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{line.connections} connections, expected {times}")


async def test_heads__subscription__gives_each_new_head_once(anvil: Anvil, node: Node, pool: Pool) -> None:
    async with head_stream(pool.block, [anvil.ws], chain_id=CHAIN, poll_interval=NEVER) as heads:
        assert await until(heads, 0) == [0]
        await asyncio.sleep(0.3)
        given = []
        for number in range(1, 20):
            await node.request("anvil_mine", "0x1")
            given += await until(heads, number)
        assert given == list(range(1, 20))
        assert await pool.block() == await pool.block(19)


async def test_heads__reader_is_slow__gets_the_newest_of_thousands(
    anvil: Anvil, node: Node, pool: Pool
) -> None:
    """More heads than web3's subscription queue holds arrive while nobody reads."""
    async with head_stream(pool.block, [anvil.ws], chain_id=CHAIN, poll_interval=NEVER) as heads:
        assert await until(heads, 0) == [0]
        await asyncio.sleep(0.3)
        for _ in range(12):
            await node.request("anvil_mine", hex(100))
        await asyncio.sleep(1)
        assert await until(heads, 1_200) == [1_200]
        await node.request("anvil_mine", "0x1")
        assert await until(heads, 1_201) == [1_201]


async def test_heads__no_websocket__are_polled(node: Node, pool: Pool) -> None:
    async with head_stream(pool.block, chain_id=CHAIN, poll_interval=0.02) as heads:
        assert await until(heads, 0) == [0]
        for number in range(1, 6):
            await node.request("anvil_mine", "0x1")
            assert await until(heads, number) == [number]


async def test_heads__websocket_drops__polling_goes_on_then_it_reconnects(
    node: Node, pool: Pool, cut: tuple[Relay, str]
) -> None:
    line, url = cut
    asked = 0

    async def latest() -> BlockRef:
        nonlocal asked
        asked += 1
        return await pool.block()

    async with head_stream(latest, [url], chain_id=CHAIN, poll_interval=0.02) as heads:
        await until(heads, 0)
        await asyncio.sleep(0.3)
        await node.request("anvil_mine", "0x1")
        await until(heads, 1)
        await asyncio.sleep(0.1)
        before = asked
        await asyncio.sleep(0.3)
        assert asked == before, "polling rests while the subscription delivers"

        line.open = False
        line.cut()
        await node.request("anvil_mine", "0x3")
        assert (await until(heads, 4))[-1] == 4
        assert asked > before

        line.open = True
        await connected(line, 2)
        await asyncio.sleep(0.3)
        await node.request("anvil_mine", "0x1")
        assert await until(heads, 5) == [5]
        await asyncio.sleep(0.1)
        before = asked
        await asyncio.sleep(0.3)
        assert asked == before, "and rests again after it came back"


async def test_heads__websocket_never_speaks__are_polled_throughout(
    node: Node, pool: Pool, server: Server
) -> None:
    async with head_stream(
        pool.block, [server.ws], chain_id=CHAIN, poll_interval=0.02, silence=0.2, longest_backoff=0.1
    ) as heads:
        await until(heads, 0)
        for number in range(1, 6):
            await node.request("anvil_mine", "0x1")
            assert await until(heads, number) == [number]
            await asyncio.sleep(0.3)
        await connected(server, 2)


async def test_heads__websocket_falls_silent__polling_takes_over(
    node: Node, pool: Pool, server: Server
) -> None:
    head = await pool.block()

    async def one_head(socket: web.WebSocketResponse) -> None:
        header = {
            "number": hex(head.number),
            "hash": head.hash,
            "parentHash": head.parent,
            "timestamp": hex(head.timestamp),
        }
        await socket.send_json(
            {
                "jsonrpc": "2.0",
                "method": "eth_subscription",
                "params": {"subscription": "0x1", "result": header},
            }
        )

    server.talk = one_head
    async with head_stream(pool.block, [server.ws], chain_id=CHAIN, poll_interval=0.05, silence=0.5) as heads:
        await until(heads, 0)
        await connected(server)
        await node.request("anvil_mine", "0x2")
        assert (await until(heads, 2))[-1] == 2


@pytest.mark.parametrize("frame", ["{", "[1]", '{"method": "eth_subscription", "params": {}}', "bye"])
async def test_heads__websocket_talks_nonsense__are_polled(
    node: Node, pool: Pool, server: Server, frame: str
) -> None:
    async def nonsense(socket: web.WebSocketResponse) -> None:
        if frame == "bye":
            await socket.close()
        else:
            await socket.send_str(frame)

    server.talk = nonsense
    async with head_stream(pool.block, [server.ws], chain_id=CHAIN, poll_interval=0.02) as heads:
        await until(heads, 0)
        await connected(server)
        await node.request("anvil_mine", "0x1")
        assert await until(heads, 1) == [1]


async def test_heads__nobody_answers_for_a_while__stream_survives() -> None:
    asked = 0

    async def latest() -> BlockRef:
        nonlocal asked
        asked += 1
        if asked != 3:
            raise Transient("down")
        return BlockRef(7, Hash("0x7"), Hash("0x6"), 0, 0)

    urls = ["ws://127.0.0.1:9/s3cr3t-t0k3n"]
    async with head_stream(latest, urls, chain_id=CHAIN, poll_interval=0.02) as heads:
        assert await until(heads, 7) == [7]


async def test_heads__websocket_of_another_chain__ends_the_stream(pool: Pool) -> None:
    async with (
        serve(10) as other,
        head_stream(pool.block, [other.ws], chain_id=CHAIN, poll_interval=NEVER) as heads,
    ):
        with pytest.raises(WrongChain, match=r"chain 10.*chain 31337"):
            await until(heads, 10**9)


async def test_heads__websocket_that_delivered_shows_another_chain__is_polled_until_it_is_right_again(
    node: Node, pool: Pool, server: Server
) -> None:
    async def a_head(socket: web.WebSocketResponse) -> None:
        block = await node.request("eth_getBlockByNumber", "latest", False)
        params = {"subscription": "0x1", "result": block}
        await socket.send_json({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})
        server.answers["eth_chainId"] = lambda _: hex(10 if server.connections < 3 else CHAIN)
        await socket.close()

    server.talk = a_head
    async with head_stream(
        pool.block, [server.ws], chain_id=CHAIN, poll_interval=0.02, longest_backoff=0.02, clock=Hasty()
    ) as heads:
        await until(heads, 0)
        await connected(server, 4)
        await node.request("anvil_mine", "0x1")
        assert await until(heads, 1) == [1]


async def test_heads__endpoint_of_another_chain__ends_the_stream(anvil: Anvil) -> None:
    async with Pool([Rpc(anvil.http)], 1) as pool, head_stream(pool.block, chain_id=1) as heads:
        with pytest.raises(WrongChain, match=r"chain 31337.*chain 1$"):
            await until(heads, 10**9)


async def test_heads__token_in_the_address__is_never_logged(
    pool: Pool, server: Server, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = "s3cr3t-t0k3n-abcdef"
    urls = [f"ws://127.0.0.1:9/{token}", f"{server.ws}/{token}"]
    async with head_stream(
        pool.block, urls, chain_id=CHAIN, poll_interval=0.02, silence=0.2, longest_backoff=0.05
    ):
        await connected(server)
        await asyncio.sleep(0.5)
    logged = caplog.text + "".join(capsys.readouterr())
    assert "head_subscription_lost" in logged
    assert "ws://127.0.0.1:9:" in logged
    assert token not in logged


async def test_heads__reader_leaves__everything_is_closed(anvil: Anvil, pool: Pool) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with head_stream(pool.block, [anvil.ws], chain_id=CHAIN) as heads:
            await until(heads, 0)
            raise ZeroDivisionError
    own = asyncio.current_task()
    assert not [task for task in asyncio.all_tasks() if task is not own and "_Pump" in repr(task)]


async def test_heads__websocket_goes_on_far_behind__is_replaced_by_the_next(
    anvil: Anvil, node: Node, pool: Pool, server: Server
) -> None:
    """A node cut off from its peers keeps pushing its own old heads."""
    await node.request("anvil_mine", "0x5")
    old = await pool.blocks([1, 2])

    async def stale(socket: web.WebSocketResponse) -> None:
        for head in old:
            header = {
                "number": hex(head.number),
                "hash": head.hash,
                "parentHash": head.parent,
                "timestamp": hex(head.timestamp),
            }
            params = {"subscription": "0x1", "result": header}
            await socket.send_json({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})
            await asyncio.sleep(0.1)

    server.talk = stale
    lost: list[str] = []

    class Observer(NoObserver):
        def on_subscription_lost(self, host: str) -> None:
            lost.append(host)

    async with head_stream(
        pool.block,
        [server.ws, anvil.ws],
        chain_id=CHAIN,
        poll_interval=0.05,
        compare_interval=0.3,
        longest_backoff=0.1,
        observer=Observer(),
    ) as heads:
        assert (await until(heads, 5))[-1] == 5
        await asyncio.sleep(2.5)
        await node.request("anvil_mine", "0x1")
        assert (await until(heads, 6))[-1] == 6
    assert lost == [server.ws]


async def test_heads__one_of_two_websockets_serves_another_chain__the_other_is_used(
    anvil: Anvil, node: Node, pool: Pool
) -> None:
    async with (
        serve(10) as wrong,
        head_stream(
            pool.block, [wrong.ws, anvil.ws], chain_id=CHAIN, poll_interval=NEVER, longest_backoff=0.1
        ) as heads,
    ):
        await until(heads, 0)
        await asyncio.sleep(1.5)
        await node.request("anvil_mine", "0x1")
        assert await until(heads, 1) == [1]
        assert wrong.connections == 1
