"""Pending transactions from nodes of every habit, and from connections that break."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from keeper.chain.mempool import CAPACITY, PendingSlot, pending_stream
from keeper.chain.rpc import Rpc
from keeper.devnet.anvil import Anvil
from keeper.ports import PendingTransaction
from keeper.types import Address, Call, Hash
from tests.devnet import numbered_account, running_chain
from tests.integration.chain_server import Hasty
from tests.listening import listening

PATIENCE = 5.0
TO, OTHER = numbered_account(1), numbered_account(2)


def body(number: int, to: Address = TO) -> dict[str, Any]:
    return {
        "hash": f"0x{number:064x}",
        "from": OTHER,
        "to": to,
        "nonce": "0x1",
        "input": "0x01",
        "value": "0x0",
        "gas": "0x5208",
        "gasPrice": "0x7",
        "blockHash": None,
    }


@dataclass
class WsNode:
    """A node that subscribes, tells hashes only or everything, and hangs up when told to."""

    whole: bool
    url: str = ""
    waiting: list[dict[str, Any]] = field(default_factory=list)
    chains: list[str] = field(default_factory=list)
    """Chain ids told before its own, the last one first."""
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._answer(socket, frame.json())
        return socket

    async def _answer(self, socket: web.WebSocketResponse, asked: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        match asked["method"], asked["params"]:
            case "eth_chainId", _:
                answer["result"] = self.chains.pop() if self.chains else "0x1"
            case "eth_subscribe", [_, True] if not self.whole:
                answer["error"] = {"code": -32602, "message": "too many arguments, want at most 1"}
            case "eth_subscribe", _:
                self.sockets.append(socket)
                answer["result"] = "0x9"
            case "eth_getBlockByNumber", _:
                answer["result"] = {"transactions": self.waiting}
            case "eth_getTransactionByHash", [name]:
                found = [each for each in self.waiting if each["hash"] == name]
                answer["result"] = found[0] if found else None
        await socket.send_json(answer)
        if asked["method"] == "eth_getBlockByNumber":
            self.connected.set()

    async def show(self, transaction: dict[str, Any]) -> None:
        self.waiting.append(transaction)
        told = transaction if self.whole else transaction["hash"]
        message = {"method": "eth_subscription", "params": {"subscription": "0x9", "result": told}}
        await self.sockets[-1].send_json(message)


@asynccontextmanager
async def serving(whole: bool) -> AsyncIterator[WsNode]:
    node = WsNode(whole)
    app = web.Application()
    app.router.add_get("/", node.handle)
    async with listening(app) as port:
        node.url = f"ws://127.0.0.1:{port}"
        yield node


async def next_hash(pending: AsyncIterator[PendingTransaction]) -> int:
    async with asyncio.timeout(PATIENCE):
        return int((await anext(pending)).hash, 16)


def ours(transaction: PendingTransaction) -> bool:
    return transaction.call.to == TO


@asynccontextmanager
async def listening_to_one() -> AsyncIterator[tuple[WsNode, AsyncIterator[PendingTransaction]]]:
    """A node that has told its first transaction, and is to connect a second time."""
    async with (
        serving(whole=True) as node,
        pending_stream(ours, [node.url], [], chain_id=1, clock=Hasty()) as pending,
    ):
        await node.connected.wait()
        await node.show(body(1))
        assert await next_hash(pending) == 1
        node.connected.clear()
        yield node, pending


async def test_push__hashes_only__bodies_are_asked_for() -> None:
    async with (
        serving(whole=False) as node,
        pending_stream(ours, [node.url], [], chain_id=1) as pending,
    ):
        await node.connected.wait()
        await node.show(body(1, to=OTHER))
        await node.show(body(2))
        assert await next_hash(pending) == 2


async def test_push__connection_breaks__what_waited_meanwhile_is_seen_once() -> None:
    async with listening_to_one() as (node, pending):
        node.waiting.append(body(2))
        await node.sockets[-1].close()
        assert await next_hash(pending) == 2
        await node.connected.wait()
        await node.show(body(3))
        assert await next_hash(pending) == 3


async def test_push__other_chain_for_a_while__is_heard_again() -> None:
    async with listening_to_one() as (node, pending):
        node.chains = ["0xa", "0xa"]
        await node.sockets[-1].close()
        await node.connected.wait()
        assert node.chains == []
        await node.show(body(2))
        assert await next_hash(pending) == 2


async def test_push__other_chain__left_out_and_the_other_node_is_heard() -> None:
    async with (
        serving(whole=True) as node,
        running_chain(Anvil.start(no_mining=True)) as (anvil, other),
        pending_stream(ours, [node.url, anvil.ws], [], chain_id=31337) as pending,
    ):
        sender = (await other.accounts())[0]
        sent = await other.request("eth_sendTransaction", {"from": sender, "to": TO})
        assert await next_hash(pending) == int(sent, 16)


async def test_poll__no_websocket__what_a_filter_shows() -> None:
    async with running_chain(Anvil.start(no_mining=True)) as (anvil, node), Rpc(anvil.http) as rpc:
        sender = (await node.accounts())[0]
        async with pending_stream(ours, [], [rpc], chain_id=31337, poll_interval=0.01) as pending:
            first = asyncio.ensure_future(next_hash(pending))
            sent: list[str] = []
            while not first.done():
                sent.append(await node.request("eth_sendTransaction", {"from": sender, "to": TO}))
                await asyncio.sleep(0.05)
            assert await first in {int(each, 16) for each in sent}


async def test_slot__reader_is_slow__keeps_the_newest_and_each_once() -> None:
    slot = PendingSlot(ours)
    for number in [*range(CAPACITY + 10), CAPACITY + 9]:
        slot.offer(PendingTransaction(Hash(f"0x{number:064x}"), OTHER, 0, Call(TO, b""), 0, 0, 0, 0))
    slot.offer(PendingTransaction(Hash("0x1"), OTHER, 0, Call(OTHER, b""), 0, 0, 0, 0))
    found = [await next_hash(slot) for _ in range(CAPACITY)]
    assert found == list(range(10, CAPACITY + 10))
