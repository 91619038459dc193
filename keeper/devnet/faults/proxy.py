"""A JSON-RPC proxy that fails on demand, over HTTP and WebSocket, in front of a real node."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from keeper.devnet.faults.exchange import Exchange
from keeper.devnet.faults.fault import EXCHANGE_KINDS, Fault, Kind
from keeper.devnet.faults.subscriptions import Subscriptions
from keeper.errors import Unreachable

_LARGEST_REQUEST = 2**27
_LAST_WORDS = 0.1
"""Seconds that open connections get when the proxy ends."""


class FaultProxy:
    """Passes everything on until told otherwise. `http` and `ws` are its addresses."""

    def __init__(self, upstream: str, seed: int) -> None:
        self.http = self.ws = ""
        self._exchange = Exchange(upstream, seed)
        self._subscriptions = Subscriptions(upstream.replace("http", "ws", 1), self._exchange)
        self._cleared = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def start(cls, upstream: str, *, port: int = 0, seed: int = 1) -> AsyncIterator["FaultProxy"]:
        """Serve on 127.0.0.1 for the length of the block; `port` 0 picks a free one.

        `upstream` is the node's HTTP address; its WebSocket is expected at the same one. `seed` draws
        which of the exchanges are struck where a fault's share is below 1.

        Raises:
            Unreachable: the port is taken.
        """
        proxy = cls(upstream, seed)
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_post("/{path:.*}", proxy._post)
        app.router.add_get("/{path:.*}", proxy._subscriptions.serve)
        runner = web.AppRunner(app, shutdown_timeout=_LAST_WORDS, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await _listen(runner, port)
            used = runner.addresses[0][1]
            proxy.http, proxy.ws = f"http://127.0.0.1:{used}", f"ws://127.0.0.1:{used}"
            yield proxy
        finally:
            proxy.clear()
            await runner.cleanup()
            await proxy._exchange.close()

    @property
    def struck(self) -> Counter[Kind]:
        """How often each kind of fault struck so far."""
        return self._exchange.struck

    def set(self, *faults: Fault) -> None:
        """From now on these faults are at work, and no others."""
        self._release()
        self._exchange.set(*faults)

    def clear(self) -> None:
        """No fault from now on; exchanges that were kept waiting break off."""
        self.set()

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        requests = body if isinstance(body, list) else [body]
        methods = [item["method"] for item in requests]
        fault = self._exchange.active(*EXCHANGE_KINDS, methods=methods)
        if fault is not None:
            refusal = await self._before(fault, request)
            if refusal is not None:
                return refusal
        try:
            found = await self._exchange.answer(requests)
        except Unreachable as error:
            return web.Response(status=502, text=str(error))
        payload = json.dumps(found if isinstance(body, list) else found[0]).encode()
        return await self._after(fault, request, payload)

    async def _before(self, fault: Fault, request: web.Request) -> web.StreamResponse | None:
        """What happens instead of the exchange, None when it takes place."""
        match fault.kind:
            case Kind.DELAY:
                await asyncio.sleep(fault.seconds)
            case Kind.DROP:
                await self._hold(fault.seconds)
                return _cut(request)
            case Kind.THROTTLE:
                return web.Response(status=429, headers={"Retry-After": f"{max(1, round(fault.seconds))}"})
            case Kind.SERVER_ERROR:
                return web.Response(status=500, text="internal server error")
        return None

    async def _after(self, fault: Fault | None, request: web.Request, payload: bytes) -> web.StreamResponse:
        """The answer, or what is left of it."""
        kind = fault.kind if fault else None
        if kind is Kind.LOSE_SEND:
            return _cut(request)
        if kind is Kind.CUT_SOCKET:
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            response.content_length = len(payload)
            with suppress(ConnectionError):  # the client may have given up first
                await response.prepare(request)
                await response.write(payload[: len(payload) // 2])
            _cut(request)
            return response
        if kind is Kind.CUT_JSON:
            payload = payload[: len(payload) // 2]
        return web.Response(body=payload, content_type="application/json")

    async def _hold(self, seconds: float) -> None:
        """Wait, but not longer than the faults are at work."""
        try:
            async with asyncio.timeout(seconds):
                await self._cleared.wait()
        except TimeoutError:
            return

    def _release(self) -> None:
        self._cleared.set()
        self._cleared = asyncio.Event()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError:
        raise Unreachable(f"the proxy cannot start: port {port} is taken") from None


def _cut(request: web.Request) -> web.StreamResponse:
    """Break the connection; the response returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
