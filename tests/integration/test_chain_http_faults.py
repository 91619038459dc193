"""An endpoint that misbehaves: what each failure is taken for, and that nothing is sent twice."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from keeper.chain.faults import DeadlineExceeded, MethodMissing, Throttled, TooLarge
from keeper.chain.observe import NoObserver, RequestOutcome
from keeper.chain.probe import probe
from keeper.chain.rpc import Rpc
from keeper.chain.throttle import Throttle
from keeper.clock import SystemClock
from keeper.errors import ConfigError, Transient, Unreachable
from keeper.ports import SendError, SendOutcome
from keeper.types import Address, Call
from tests.integration.chain_server import Handler, RpcError, Server, serve

TOKEN = "s3cr3t-t0k3n-abcdef"
ADDRESS = Address("0x" + "ab" * 20)
RAW = b"\x02\xc0"


def status(code: int, text: str = "") -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    return handler


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def close(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def truncated(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"jsonrpc": "2.0", "id"')
    assert request.transport is not None
    request.transport.close()
    return response


async def redirect(_: web.Request) -> web.StreamResponse:
    return web.Response(status=307, headers={"Location": "/elsewhere"})


LOST: list[tuple[str, Handler, type[Exception]]] = [
    ("500", status(500, '{"error": "x"}'), Unreachable),
    ("502", status(502, "<html>"), Unreachable),
    ("401", status(401, "no"), Unreachable),
    ("redirect", redirect, Unreachable),
    ("not JSON", status(200, "<html>hello"), Unreachable),
    ("half JSON", status(200, '{"jsonrpc": "2.0", "resu'), Unreachable),
    ("a number", status(200, "7"), Unreachable),
    ("neither result nor error", status(200, '{"jsonrpc": "2.0", "id": 0}'), Unreachable),
    ("a list", status(200, "[]"), Unreachable),
    ("truncated", truncated, Unreachable),
    ("closed", close, Unreachable),
    ("hanging", hang, DeadlineExceeded),
]


class Observer(NoObserver):
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, RequestOutcome]] = []

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        assert seconds >= 0
        self.requests.append((host, method, outcome))


@pytest.fixture
async def rpc(server: Server) -> AsyncIterator[Rpc]:
    async with Rpc(f"{server.http}/v3/{TOKEN}", deadline=0.3) as rpc:
        yield rpc


@pytest.mark.parametrize(("name", "handler", "kind"), LOST, ids=[name for name, _, _ in LOST])
async def test_read__answer_lost__is_transient_and_asked_once(
    server: Server, rpc: Rpc, name: str, handler: Handler, kind: type[Exception]
) -> None:
    server.handler = handler
    for ask in (lambda: rpc.balance(ADDRESS), lambda: rpc.call_many([Call(ADDRESS, b"")], 1)):
        server.posts = 0
        with pytest.raises(kind):
            await ask()
        assert server.posts == 1


@pytest.mark.parametrize(("name", "handler", "kind"), LOST, ids=[name for name, _, _ in LOST])
async def test_send_raw__answer_lost__is_unreachable_and_sent_once(
    server: Server, rpc: Rpc, name: str, handler: Handler, kind: type[Exception]
) -> None:
    server.handler = handler
    with pytest.raises(Unreachable):
        await rpc.send_raw(RAW)
    await asyncio.sleep(0.2)
    assert server.seen == ["eth_sendRawTransaction"]


@pytest.mark.parametrize("handler", [status(500), close, hang], ids=["500", "closed", "hanging"])
async def test_web3_send__server_fails__is_sent_once(server: Server, rpc: Rpc, handler: Handler) -> None:
    server.handler = handler
    with pytest.raises(Unreachable):
        await rpc.web3.eth.send_raw_transaction(RAW)
    await asyncio.sleep(0.2)
    assert server.seen == ["eth_sendRawTransaction"]


async def test_send_raw__refused_by_rate_limit__is_retryable(server: Server, rpc: Rpc) -> None:
    server.handler = status(429)
    with pytest.raises(SendError) as raised:
        await rpc.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.RETRYABLE
    assert server.posts == 1


async def test_send_raw__node_names_another_hash__is_unknown(server: Server, rpc: Rpc) -> None:
    server.answers["eth_sendRawTransaction"] = lambda _: "0x" + "00" * 32
    with pytest.raises(SendError) as raised:
        await rpc.send_raw(RAW)
    assert raised.value.outcome is SendOutcome.UNKNOWN


async def test_read__http_429__is_throttled(server: Server, rpc: Rpc) -> None:
    server.handler = status(429)
    with pytest.raises(Throttled):
        await rpc.balance(ADDRESS)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:09 GMT", "Date": "Fri, 01 Jan 2100 00:00:04 GMT"}, 5.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
async def test_read__http_429_says_when__is_told(
    server: Server, rpc: Rpc, headers: dict[str, str], seconds: float | None
) -> None:
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers=headers)

    server.handler = refuse
    with pytest.raises(Throttled) as raised:
        await rpc.balance(ADDRESS)
    assert raised.value.retry_after == seconds


async def test_read__error_object_behind_http_400__is_understood(server: Server, rpc: Rpc) -> None:
    error = {"code": -32602, "message": "range 9 exceeds limit of 5"}
    server.handler = status(400, json.dumps({"jsonrpc": "2.0", "id": None, "error": error}))
    server.answers["eth_blockNumber"] = lambda _: "0x64"
    await rpc.chain_id()
    rpc._height = 100
    with pytest.raises(TooLarge):
        await rpc.logs_at_once([ADDRESS], 1, 10)


async def test_read__nobody_listens__is_unreachable() -> None:
    async with serve() as gone:
        url = gone.http
    async with Rpc(url) as rpc:
        with pytest.raises(Unreachable, match=url):
            await rpc.chain_id()


async def test_call_many__one_answer_is_rate_limited__is_no_revert(server: Server, rpc: Rpc) -> None:
    def answer(params: list[Any]) -> str:
        if params[0]["data"] == "0x01":
            raise RpcError(-32005, "daily request count exceeded, request rate limited")
        raise RpcError(3, "execution reverted", "0x")

    server.answers["eth_call"] = answer
    assert await rpc.call_many([Call(ADDRESS, b"\x02")] * 3, 1) == [None] * 3
    with pytest.raises(Throttled):
        await rpc.call_many([Call(ADDRESS, b"\x02"), Call(ADDRESS, b"\x01")], 1)


async def test_call_many__answers_out_of_order__are_matched_by_id(server: Server, rpc: Rpc) -> None:
    server.answers["eth_call"] = lambda params: params[0]["data"]
    calls = [Call(ADDRESS, n.to_bytes(2, "big")) for n in range(500)]
    assert await rpc.call_many(calls, 1) == [call.data for call in calls]
    assert server.batches == [200, 200, 100]


async def test_call_many__batch_too_large__is_halved_and_remembered(server: Server, rpc: Rpc) -> None:
    server.answers["eth_call"] = lambda params: params[0]["data"]
    server.largest_batch = 60
    calls = [Call(ADDRESS, n.to_bytes(2, "big")) for n in range(100)]
    assert await rpc.call_many(calls, 1) == [call.data for call in calls]
    assert await rpc.call_many(calls, 1) == [call.data for call in calls]
    assert server.batches == [100, 50, 50, 50, 50]


async def test_call_many__answer_missing_from_batch__is_transient(server: Server, rpc: Rpc) -> None:
    server.handler = status(200, '[{"jsonrpc": "2.0", "id": 0, "result": "0x"}]')
    with pytest.raises(Transient, match="2 requests in a batch, 1 answers"):
        await rpc.call_many([Call(ADDRESS, b""), Call(ADDRESS, b"")], 1)


async def test_call_many__tag_given__is_pinned_to_one_block(server: Server, rpc: Rpc) -> None:
    header = {"number": "0x7", "hash": "0xaa", "parentHash": "0xbb", "timestamp": "0x0"}
    blocks: list[str] = []
    server.answers["eth_getBlockByNumber"] = lambda _: header

    def answer(params: list[Any]) -> str:
        blocks.append(params[1])
        return "0x"

    server.answers["eth_call"] = answer
    await rpc.call_many([Call(ADDRESS, b"")] * 2)
    assert blocks == ["0x7", "0x7"]


async def test_call_many__rate_limited__batches_no_larger_than_the_rate(server: Server) -> None:
    server.answers["eth_call"] = lambda _: "0x"
    async with Rpc(server.http, throttle=Throttle(rate=10)) as rpc:
        await rpc.call_many([Call(ADDRESS, b"")] * 15, 1)
    assert server.batches == [10, 5]


def entry(block: int, index: int, **changes: Any) -> dict[str, Any]:
    return {
        "address": ADDRESS,
        "topics": [],
        "data": "0x",
        "blockNumber": hex(block),
        "blockHash": f"0xb{block}",
        "transactionHash": "0xcc",
        "transactionIndex": "0x0",
        "logIndex": hex(index),
        "removed": False,
    } | changes


def limited(most: int, error: RpcError) -> Callable[[list[Any]], Any]:
    def answer(params: list[Any]) -> Any:
        first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
        if last - first + 1 > most:
            raise error
        return [entry(block, index) for block in range(first, last + 1) for index in (1, 0)]

    return answer


@pytest.mark.parametrize(
    "error",
    [
        RpcError(-32005, "query returned more than 10000 results"),
        RpcError(-32602, "range 2000 exceeds limit of 10"),
        RpcError(-32000, "query timeout exceeded"),
    ],
    ids=str,
)
async def test_logs__provider_limits_the_range__all_logs_in_order(
    server: Server, rpc: Rpc, error: RpcError
) -> None:
    server.answers |= {"eth_blockNumber": lambda _: hex(1_000), "eth_getLogs": limited(13, error)}
    logs = await rpc.logs([ADDRESS], 5, 900)
    assert [(log.block, log.log_index) for log in logs] == [(b, i) for b in range(5, 901) for i in (0, 1)]


@pytest.mark.parametrize(
    ("entries", "match"),
    [
        ([entry(3, 0), entry(99, 0)], "another question"),
        ([entry(3, 0, address="0x" + "cd" * 20)], "another question"),
        ([entry(3, 0), entry(3, 0)], "contradict"),
        ([entry(3, 0), entry(3, 1, blockHash="0xff")], "contradict"),
        ([{"address": ADDRESS}], "malformed"),
        ("0x", "malformed"),
    ],
)
async def test_logs__answer_does_not_fit__is_transient(
    server: Server, rpc: Rpc, entries: Any, match: str
) -> None:
    server.answers |= {"eth_blockNumber": lambda _: "0x10", "eth_getLogs": lambda _: entries}
    with pytest.raises(Transient, match=match):
        await rpc.logs([ADDRESS], 1, 10)


async def test_logs__removed_by_a_reorg__are_dropped(server: Server, rpc: Rpc) -> None:
    entries = [entry(3, 0), entry(4, 0, removed=True)]
    server.answers |= {"eth_blockNumber": lambda _: "0x10", "eth_getLogs": lambda _: entries}
    assert [log.block for log in await rpc.logs([ADDRESS], 1, 10)] == [3]


async def test_probe__limited_provider__finds_the_range(server: Server) -> None:
    header = {"number": "0x989680", "hash": "0xaa", "parentHash": "0xbb", "timestamp": "0x64"}
    server.answers |= {
        "web3_clientVersion": lambda _: "Fake/v1",
        "eth_getBlockByNumber": lambda _: header,
        "eth_getLogs": lambda p: limited(800, RpcError(-32600, "block range is too wide"))(p)[:0],
    }
    async with Rpc(server.http, deadline=30) as patient:  # a range that takes too long is too wide as well
        facts = await probe(patient, SystemClock())
    assert (facts.chain_id, facts.client, facts.head.number, facts.log_range) == (
        31337,
        "Fake/v1",
        10**7,
        500,
    )
    assert facts.head_age > 10**9


async def test_probe__no_logs__is_a_config_error_that_says_so(server: Server, rpc: Rpc) -> None:
    header = {"number": "0x10", "hash": "0xaa", "parentHash": "0xbb", "timestamp": "0x64"}
    server.answers |= {"web3_clientVersion": lambda _: "Fake", "eth_getBlockByNumber": lambda _: header}
    with pytest.raises(ConfigError, match=f"rpc {server.http}: eth_getLogs is not available"):
        await probe(rpc, SystemClock())


@pytest.mark.parametrize(
    ("history", "tip"),
    [
        (lambda _: {"reward": [["0x0"], ["0x5"], ["0x7"], ["0x9"]]}, 7),
        (lambda _: {"reward": [["0x0"]]}, 10**9),
        (lambda _: {}, 10**9),
        (None, 10**9),
    ],
)
async def test_priority_fee__method_missing__falls_back(
    server: Server, rpc: Rpc, history: Callable[[list[Any]], Any] | None, tip: int
) -> None:
    if history is not None:
        server.answers["eth_feeHistory"] = history
    assert await rpc.priority_fee() == tip


async def test_observer__each_exchange__is_told_once_with_its_end(server: Server) -> None:
    observer = Observer()
    server.answers["eth_call"] = lambda _: "0x"
    async with Rpc(f"{server.http}/{TOKEN}", observer=observer, deadline=0.2) as rpc:
        await rpc.call_many([Call(ADDRESS, b"")] * 5, 1)
        with pytest.raises(MethodMissing):
            await rpc.balance(ADDRESS)
        for handler in (status(429), status(500), hang):
            server.handler = handler
            with pytest.raises(Transient):
                await rpc.balance(ADDRESS)
    assert observer.requests == [
        (server.http, "eth_call", RequestOutcome.OK),
        (server.http, "eth_getBalance", RequestOutcome.UNSUPPORTED),
        (server.http, "eth_getBalance", RequestOutcome.THROTTLED),
        (server.http, "eth_getBalance", RequestOutcome.UNREACHABLE),
        (server.http, "eth_getBalance", RequestOutcome.TIMEOUT),
    ]


async def failure(ask: Callable[[], Awaitable[object]]) -> Exception:
    with pytest.raises(Exception) as raised:
        await ask()
    return raised.value


async def test_token_in_the_address__anything_fails__is_never_shown(
    server: Server, rpc: Rpc, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"bad key {TOKEN} at {server.http}/v3/{TOKEN}"
    leaky = status(200, json.dumps({"jsonrpc": "2.0", "id": 0, "error": {"code": -32000, "message": echo}}))
    shown = [repr(rpc), str(rpc), rpc.host, str(rpc.web3.provider), repr(rpc._url)]
    asks: list[Callable[[], Awaitable[object]]] = [
        lambda: rpc.balance(ADDRESS),
        lambda: rpc.call_many([Call(ADDRESS, b"")], 1),
        lambda: rpc.send_raw(RAW),
    ]
    for handler in (leaky, status(429), status(500), status(413), redirect, close, hang, truncated):
        server.handler = handler
        shown += [str(await failure(ask)) for ask in asks]
    async with Rpc(f"http://127.0.0.1:9/{TOKEN}") as nowhere:
        shown.append(str(await failure(nowhere.chain_id)))
    assert all("127.0.0.1" in text for text in shown)
    assert not [text for text in [*shown, caplog.text] if TOKEN in text]
