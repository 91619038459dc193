"""A JSON-RPC server that misbehaves on demand, and a relay that can be cut. Real sockets throughout."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from keeper.clock import SystemClock
from tests.listening import listening

Answer = Callable[[list[Any]], Any]
LateAnswer = Callable[[list[Any]], Awaitable[Any]]
Upstream = Callable[[str, list[Any]], Awaitable[Any]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class RpcError(Exception):
    """Raised by an answer: becomes the "error" object."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message} | ({} if data is None else {"data": data})


def missing(_: list[Any]) -> Any:
    raise RpcError(-32601, "Method not found")


class Server:
    """`answers` by method, `late` ones take their time, `rest` is for methods in neither.

    `seen` methods in order; `handler` replaces the HTTP side altogether.
    """

    def __init__(self, chain_id: int) -> None:
        self.answers: dict[str, Answer] = {"eth_chainId": lambda _: hex(chain_id)}
        self.late: dict[str, LateAnswer] = {}
        self.rest: Upstream | None = None
        self.seen: list[str] = []
        self.posts = 0
        self.batches: list[int] = []
        self.largest_batch = 10**9
        self.handler: Handler | None = None
        self.talk: Talk | None = None
        self.connections = 0
        self.http = ""
        self.ws = ""

    async def post(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        self.posts += 1
        self.seen += [item["method"] for item in (body if isinstance(body, list) else [body])]
        if self.handler is not None and self.seen[-1] != "eth_chainId":
            return await self.handler(request)
        if not isinstance(body, list):
            return web.json_response(await self._answer(body))
        self.batches.append(len(body))
        if len(body) > self.largest_batch:
            error = {"code": -32600, "message": "batch too large"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})
        # The order of a batch's answers is the server's choice.
        return web.json_response([await self._answer(item) for item in reversed(body)])

    async def _answer(self, item: dict[str, Any]) -> dict[str, Any]:
        method, params = item["method"], item["params"]
        try:
            if method in self.late:
                result = await self.late[method](params)
            elif self.rest is not None and method not in self.answers:
                result = await self.rest(method, params)
            else:
                result = self.answers.get(method, missing)(params)
            return {"jsonrpc": "2.0", "id": item["id"], "result": result}
        except RpcError as error:
            return {"jsonrpc": "2.0", "id": item["id"], "error": error.body}

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            item = message.json()
            if item["method"] == "eth_subscribe":
                await socket.send_json({"jsonrpc": "2.0", "id": item["id"], "result": "0x1"})
                if self.talk is not None:
                    await self.talk(socket)
            else:
                await socket.send_json(await self._answer(item))
        return socket


@asynccontextmanager
async def serve(chain_id: int = 31337) -> AsyncIterator[Server]:
    server = Server(chain_id)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", server.post)
    app.router.add_get("/{path:.*}", server.websocket)
    async with listening(app) as port:
        server.http, server.ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
        yield server


@asynccontextmanager
async def forwarding(server: Server, url: str) -> AsyncIterator[Upstream]:
    """`server` asks `url` whatever it has no answer for; the asking itself, for answers that change it."""
    async with aiohttp.ClientSession() as session:

        async def ask(method: str, params: list[Any]) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            async with session.post(url, json=body) as response:
                answer = await response.json()
            if "error" in answer:
                raise RpcError(
                    answer["error"]["code"], answer["error"]["message"], answer["error"].get("data")
                )
            return answer["result"]

        server.rest = ask
        yield ask


class Relay:
    """A TCP relay to `port`; `cut` drops every connection, `open` says whether new ones pass."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self.open = True
        self.connections = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.close()
            return
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pipe(reader, far_writer), self._pipe(far_reader, writer))

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[tuple[Relay, int]]:
    """The relay and the port it listens on."""
    it = Relay(port)
    server = await asyncio.start_server(it.handle, "127.0.0.1", 0)
    try:
        yield it, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        it.cut()
        await server.wait_closed()
        await asyncio.sleep(0.05)


class Hasty(SystemClock):
    """Sleeps hardly at all."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 100)
