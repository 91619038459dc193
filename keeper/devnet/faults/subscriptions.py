"""The WebSocket side of the proxy: requests go the way of HTTP, subscriptions to the node's own socket."""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from keeper.devnet.faults.answers import rehashed
from keeper.devnet.faults.exchange import DEADLINE, Exchange
from keeper.devnet.faults.fault import Kind
from keeper.errors import Unreachable

_SILENT = (Kind.MUTE, Kind.DROP, Kind.STALE)
_SUBSCRIBING = ("eth_subscribe", "eth_unsubscribe")
_OPENING = 10.0
"""Seconds to connect to the node's socket."""

_CLOSE = aiohttp.ClientWSTimeout(ws_close=1.0)


class Subscriptions:
    """Serves WebSocket clients; each gets a connection of its own to the node."""

    def __init__(self, upstream: str, exchange: Exchange) -> None:
        self._upstream = upstream
        self._exchange = exchange

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One client until it, the node or a fault closes the connection."""
        if self._exchange.active(Kind.THROTTLE):
            return web.Response(status=429, headers={"Retry-After": "1"})
        if self._exchange.active(Kind.SERVER_ERROR, Kind.CUT_SOCKET):
            return web.Response(status=500, text="internal server error")
        client = web.WebSocketResponse()
        async with aiohttp.ClientSession() as session:
            try:
                async with asyncio.timeout(_OPENING):
                    node = await session.ws_connect(self._upstream, timeout=_CLOSE, max_msg_size=0)
            except (aiohttp.ClientError, OSError, TimeoutError):
                return web.Response(status=502, text="the node behind the proxy gave no answer")
            await client.prepare(request)
            try:
                await self._relay(request, client, node)
            except* (ConnectionError, aiohttp.ClientError):
                await client.close()  # one side is gone, which for the other is an ending like any
            finally:
                await node.close()
        return client

    async def _relay(
        self, request: web.Request, client: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse
    ) -> None:
        async with asyncio.TaskGroup() as group:
            directions = {
                group.create_task(self._requests(client, node), name="requests"),
                group.create_task(self._notifications(request, client, node), name="notifications"),
            }
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for task in directions:
                task.cancel()

    async def _requests(self, client: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse) -> None:
        async for message in client:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            item = json.loads(message.data)
            if isinstance(item, dict) and item.get("method") in _SUBSCRIBING:
                await node.send_str(message.data)
            elif not self._exchange.active(Kind.MUTE, Kind.DROP):
                await self._answer(client, item)

    async def _answer(self, client: web.WebSocketResponse, item: Any) -> None:
        requests = item if isinstance(item, list) else [item]
        try:
            async with asyncio.timeout(DEADLINE):
                found = await self._exchange.answer(requests)
        except (Unreachable, TimeoutError):
            await client.close()
            return
        await client.send_json(found if isinstance(item, list) else found[0])

    async def _notifications(
        self, request: web.Request, client: web.WebSocketResponse, node: aiohttp.ClientWebSocketResponse
    ) -> None:
        async for message in node:
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            if self._exchange.active(*_SILENT):
                continue
            late = self._exchange.active(Kind.DELAY)
            if late is not None:
                await asyncio.sleep(late.seconds)
            if self._exchange.active(Kind.CUT_SOCKET, Kind.SERVER_ERROR):
                if request.transport is not None:
                    request.transport.abort()
                return
            if self._exchange.active(Kind.CUT_JSON):
                await client.send_str(message.data[: len(message.data) // 2])
            else:
                await client.send_str(self._seen(message.data))

    def _seen(self, text: str) -> str:
        """The notification as the other chain would send it, while that fault is at work."""
        if not self._exchange.active(Kind.OTHER_CHAIN):
            return text
        message = json.loads(text)
        if "params" in message:
            message["params"]["result"] = rehashed(message["params"]["result"])
        return json.dumps(message)
