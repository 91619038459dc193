"""A node in front of a node: it records what is asked, refuses methods, and can be held up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.listening import listening


class Relay:
    """`asked` are (method, params) in order; `refused` methods are unknown; `held` ones wait for `go`."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.http = ""
        self.asked: list[tuple[str, list[Any]]] = []
        self.refused: set[str] = set()
        self.held: set[str] = set()
        self.go = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def start(cls, upstream: str) -> AsyncIterator["Relay"]:
        """Listen on a free port for the length of the block."""
        relay = cls(upstream)
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", relay._post)
        async with listening(app) as port:
            relay.http = f"http://127.0.0.1:{port}"
            try:
                yield relay
            finally:
                relay.go.set()

    def log_ranges(self) -> list[tuple[int, int]]:
        """First and last block of every eth_getLogs."""
        filters = [params[0] for method, params in self.asked if method == "eth_getLogs"]
        return [(int(each["fromBlock"], 16), int(each["toBlock"], 16)) for each in filters]

    async def _post(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        calls = body if isinstance(body, list) else [body]
        self.asked += [(call["method"], call["params"]) for call in calls]
        if self.held & {call["method"] for call in calls}:
            await self.go.wait()
        if self.refused & {call["method"] for call in calls}:
            error = {"code": -32601, "message": "the method does not exist/is not available"}
            answers = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
            return web.json_response(answers if isinstance(body, list) else answers[0])
        async with aiohttp.ClientSession() as session, session.post(self._upstream, json=body) as response:
            return web.json_response(await response.json(content_type=None))
