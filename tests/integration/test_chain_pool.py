"""Fail-over between endpoints, with real servers that go wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from eth_utils.crypto import keccak
from structlog.testing import capture_logs

from keeper.chain.faults import DeadlineExceeded, MethodMissing
from keeper.chain.node_state import NodeState
from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.errors import CallReverted, Transient, Unreachable, WrongChain
from keeper.ports import BlockFees, SendError, SendOutcome
from keeper.types import Address, Call, Hash
from tests.clock import StillClock
from tests.integration.chain_server import RpcError, Server, serve

ADDRESS = Address("0x" + "ab" * 20)
RAW = b"\x02\xc0"
HASH = Hash("0x" + keccak(RAW).hex())


@asynccontextmanager
async def pool_of(servers: Sequence[str], clock: StillClock, chain_id: int = 31337) -> AsyncIterator[Pool]:
    async with Pool([Rpc(url, deadline=0.3) for url in servers], chain_id, clock=clock) as pool:
        yield pool


@pytest.fixture
async def servers() -> AsyncIterator[list[Server]]:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve()) for _ in range(2)]
        servers[0].answers["eth_getBalance"] = lambda _: "0x0"
        servers[1].answers["eth_getBalance"] = lambda _: "0x1"
        for server in servers:
            server.answers["eth_sendRawTransaction"] = lambda _: HASH
        yield servers


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def pool(servers: list[Server], clock: StillClock) -> AsyncIterator[Pool]:
    async with pool_of([server.http for server in servers], clock) as pool:
        yield pool


async def fail(_: web.Request) -> web.StreamResponse:
    return web.Response(status=502)


def refuse(code: int, message: str) -> Any:
    def answer(_: list[Any]) -> Any:
        raise RpcError(code, message)

    return answer


async def test_read__first_fails__next_answers_and_is_preferred_for_a_while(
    pool: Pool, servers: list[Server], clock: StillClock
) -> None:
    assert await pool.balance(ADDRESS) == 0
    servers[0].handler = fail
    assert await pool.balance(ADDRESS) == 1
    servers[0].handler = None
    assert await pool.balance(ADDRESS) == 1
    clock.seconds += 31
    assert await pool.balance(ADDRESS) == 0
    assert clock.slept == []


async def test_read__all_fail__tries_rounds_then_lists_hosts(
    pool: Pool, servers: list[Server], clock: StillClock
) -> None:
    await pool.check()
    for server in servers:
        server.handler = fail
    with pytest.raises(Unreachable) as raised:
        await pool.balance(ADDRESS)
    assert all(server.http in str(raised.value) for server in servers)
    assert [server.seen.count("eth_getBalance") for server in servers] == [3, 3]
    assert clock.slept == [0.25, 0.5]


async def test_read__contract_reverts__is_final(pool: Pool, servers: list[Server]) -> None:
    servers[0].answers["eth_call"] = refuse(3, "execution reverted")
    with pytest.raises(CallReverted):
        await pool.call(Call(ADDRESS, b""))
    assert servers[1].seen == []


async def test_read__nobody_has_the_method__says_so_without_waiting(pool: Pool, clock: StillClock) -> None:
    with pytest.raises(MethodMissing, match="eth_getCode"):
        await pool.code(ADDRESS)
    assert clock.slept == []


async def test_read__all_hang__waits_one_deadline_each(
    pool: Pool, servers: list[Server], clock: StillClock
) -> None:
    await pool.check()

    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    for server in servers:
        server.handler = hang
    with pytest.raises(DeadlineExceeded):
        await pool.balance(ADDRESS)
    assert clock.slept == []


async def test_logs__first_behind__next_is_asked(pool: Pool, servers: list[Server]) -> None:
    servers[0].answers["eth_blockNumber"] = lambda _: "0x5"
    servers[1].answers |= {"eth_blockNumber": lambda _: "0x6", "eth_getLogs": lambda _: []}
    assert await pool.logs([ADDRESS], 0, 6) == []
    assert "eth_getLogs" not in servers[0].seen
    assert "eth_getLogs" in servers[1].seen
    assert await pool.balance(ADDRESS) == 0, "being a moment late is no fault"


async def test_logs__first_limits_the_range__is_asked_for_less(pool: Pool, servers: list[Server]) -> None:
    def narrow(params: list[Any]) -> Any:
        if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 10:
            raise RpcError(-32602, "range exceeds limit of 10")
        return []

    servers[0].answers |= {"eth_blockNumber": lambda _: "0xff", "eth_getLogs": narrow}
    assert await pool.logs([ADDRESS], 0, 200) == []
    assert servers[1].seen == []


async def test_check__one_serves_another_chain__names_both_ids(clock: StillClock) -> None:
    async with serve(1) as right, serve(10) as wrong, pool_of([right.http, wrong.http], clock, 1) as pool:
        with pytest.raises(WrongChain, match=r"chain 10.*chain 1$") as raised:
            await pool.check()
        assert wrong.http in str(raised.value)


async def test_read__chain_changed_behind_the_address__is_found_after_a_failure(
    pool: Pool, servers: list[Server], clock: StillClock
) -> None:
    await pool.check()
    servers[0].handler = fail
    await pool.balance(ADDRESS)
    servers[0].handler = None
    servers[0].answers["eth_chainId"] = lambda _: "0x1"
    clock.seconds += 31
    assert await pool.balance(ADDRESS) == 1
    assert [node.state for node in pool.nodes] == [NodeState.WRONG_CHAIN, NodeState.ALIVE]

    servers[0].answers["eth_chainId"] = lambda _: hex(31337)
    servers[1].handler = fail
    assert await pool.balance(ADDRESS) == 0
    assert pool.nodes[0].state is NodeState.ALIVE


async def test_read__every_endpoint_changed_its_chain__is_wrong_chain(
    pool: Pool, servers: list[Server], clock: StillClock
) -> None:
    await pool.check()
    servers[0].answers["eth_chainId"] = lambda _: "0x1"
    servers[1].answers["eth_chainId"] = lambda _: "0x2"
    for server in servers:
        server.handler = fail
    with pytest.raises(WrongChain, match=r"chain 1.*chain 2"):
        await pool.balance(ADDRESS)
    with pytest.raises(WrongChain):
        await pool.send_raw(RAW)
    assert "eth_sendRawTransaction" not in servers[0].seen + servers[1].seen


async def test_check__some_down__passes_and_none_up_lists_hosts(
    servers: list[Server], clock: StillClock
) -> None:
    down = ["http://127.0.0.1:9", "http://127.0.0.1:11"]
    async with pool_of([down[0], servers[0].http], clock) as pool:
        await pool.check()
        assert await pool.balance(ADDRESS) == 0
    async with pool_of(down, clock) as pool:
        with pytest.raises(Unreachable) as raised:
            await pool.check()
        assert all(url in str(raised.value) for url in down)


async def test_send_raw__any_accepts__every_node_gets_it(pool: Pool, servers: list[Server]) -> None:
    assert await pool.send_raw(RAW) == HASH
    await asyncio.sleep(0.05)
    assert [server.seen.count("eth_sendRawTransaction") for server in servers] == [1, 1]


async def test_send_raw__first_is_slow__second_decides_and_the_first_is_still_heard(
    pool: Pool, servers: list[Server]
) -> None:
    heard = asyncio.Event()

    async def late(_: list[Any]) -> Any:
        await asyncio.sleep(0.05)
        heard.set()
        return HASH

    servers[0].late["eth_sendRawTransaction"] = late
    assert await pool.send_raw(RAW) == HASH
    assert not heard.is_set()
    async with asyncio.timeout(5):
        await heard.wait()


async def test_send_raw__all_silent__given_up_after_a_while(servers: list[Server], clock: StillClock) -> None:
    async def never(_: list[Any]) -> Any:
        await asyncio.sleep(60)

    servers[0].late["eth_sendRawTransaction"] = never
    async with pool_of([servers[0].http], clock) as pool:
        pool._broadcast._patience = 0.05
        with pytest.raises(Unreachable, match="in time"):
            await pool.send_raw(RAW)


async def test_send_raw__one_takes_what_another_finds_impossible__is_said(
    pool: Pool, servers: list[Server]
) -> None:
    servers[1].answers["eth_sendRawTransaction"] = refuse(-32000, "exceeds block gas limit")
    with capture_logs() as said:
        assert await pool.send_raw(RAW) == HASH
        await asyncio.sleep(0.05)
    assert [each["event"] for each in said] == ["send_conflict"]


async def test_send_raw__send_only_node__gets_it_and_decides_nothing(
    servers: list[Server], clock: StillClock
) -> None:
    servers[0].answers["eth_sendRawTransaction"] = refuse(-32000, "nonce too low")
    first, second = (Rpc(server.http) for server in servers)
    async with Pool([first], 31337, clock=clock, send_only=[second]) as pool:
        with pytest.raises(SendError, match="nonce_too_low"):
            await pool.send_raw(RAW)
        await asyncio.sleep(0.05)
    assert servers[1].seen == ["eth_sendRawTransaction"]


async def test_send_raw__one_busy_and_one_refuses__the_refusal_counts(
    pool: Pool, servers: list[Server]
) -> None:
    servers[0].answers["eth_sendRawTransaction"] = refuse(-32000, "txpool is full")
    servers[1].answers["eth_sendRawTransaction"] = refuse(-32000, "transaction underpriced")
    with pytest.raises(SendError) as raised:
        await pool.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.UNDERPRICED


async def test_send_raw__first_answer_lost__second_accepts(pool: Pool, servers: list[Server]) -> None:
    servers[0].handler = fail
    assert await pool.send_raw(RAW) == HASH
    await asyncio.sleep(0.05)
    assert [server.seen.count("eth_sendRawTransaction") for server in servers] == [1, 1]


async def test_knows__only_another_node_has_it__yes(pool: Pool, servers: list[Server]) -> None:
    servers[0].answers["eth_getTransactionByHash"] = lambda _: None
    servers[1].answers["eth_getTransactionByHash"] = lambda _: {"hash": HASH}
    assert await pool.knows(HASH)
    servers[1].answers["eth_getTransactionByHash"] = lambda _: None
    assert not await pool.knows(HASH)


async def test_block_fees__a_history__base_fee_and_tip_of_each_block(
    pool: Pool, servers: list[Server]
) -> None:
    servers[0].answers["eth_feeHistory"] = lambda _: {
        "baseFeePerGas": ["0xa", "0xb", "0xc"], "reward": [["0x1"], ["0x0"]],
    }  # fmt: skip
    assert await pool.block_fees(2, 90) == [BlockFees(10, 1), BlockFees(11, 0)]


async def test_send_raw__all_answers_lost__is_unreachable_and_once_each(
    pool: Pool, servers: list[Server]
) -> None:
    for server in servers:
        server.handler = fail
    with pytest.raises(Unreachable) as raised:
        await pool.send_raw(RAW)
    assert all(server.http in str(raised.value) for server in servers)
    assert [server.seen.count("eth_sendRawTransaction") for server in servers] == [1, 1]


async def test_send_raw__all_refuse__is_final(pool: Pool, servers: list[Server]) -> None:
    for server in servers:
        server.answers["eth_sendRawTransaction"] = refuse(-32000, "nonce too low")
    with pytest.raises(SendError) as raised:
        await pool.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.NONCE_TOO_LOW


async def test_send_raw__lost_then_nonce_too_low__stays_open(pool: Pool, servers: list[Server]) -> None:
    servers[0].handler = fail
    servers[1].answers["eth_sendRawTransaction"] = refuse(-32000, "nonce too low")
    with pytest.raises(Unreachable):
        await pool.send_raw(RAW)


async def test_send_raw__lost_then_known__is_known(pool: Pool, servers: list[Server]) -> None:
    servers[0].handler = fail
    servers[1].answers["eth_sendRawTransaction"] = refuse(-32000, "already known")
    with pytest.raises(SendError) as raised:
        await pool.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.ALREADY_KNOWN


async def test_send_raw__all_rate_limited__is_retryable(pool: Pool, servers: list[Server]) -> None:
    for server in servers:
        server.answers["eth_sendRawTransaction"] = refuse(-32005, "rate limit exceeded")
    with pytest.raises(SendError) as raised:
        await pool.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.RETRYABLE
    assert [server.seen.count("eth_sendRawTransaction") for server in servers] == [1, 1]


async def test_block__latest_is_nothing__is_transient(pool: Pool, servers: list[Server]) -> None:
    for server in servers:
        server.answers["eth_getBlockByNumber"] = lambda _: None
    with pytest.raises(Transient, match="no block latest"):
        await pool.block()
