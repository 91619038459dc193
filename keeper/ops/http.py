"""The operator's HTTP server: /livez, /readyz, /metrics, and the kill switch: POST /stop, POST /resume."""

import asyncio
import errno
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from keeper.errors import ConfigError, KeeperError
from keeper.ops.health import Component, Heartbeat, Readiness
from keeper.ops.metrics import Metrics

READINESS_SECONDS = 5.0
OPERATOR = "X-Keeper-Operator"
"""Header that requests to the kill switch must have."""
SHUTDOWN_SECONDS = 2.0


OVER_HTTP = "stopped over HTTP; POST /resume to go on"


class KillSwitch(Protocol):
    """Stops new liquidations and lets them go on."""

    def stop(self, why: str) -> None: ...
    def resume(self) -> None: ...


class OpsServer:
    """Serves while its `async with` block runs; binds on entry, so a taken port shows at the start.

    `port` 0 lets the system choose (in keeper.toml 0 means off: then do not create the server).

    Raises:
        ConfigError: on entry, when the address cannot be bound.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        heartbeat: Heartbeat,
        readiness: Readiness,
        metrics: Metrics,
        switch: KillSwitch | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._heartbeat = heartbeat
        self._readiness = readiness
        self._metrics = metrics
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        if switch is not None:
            app.router.add_post("/stop", partial(_switched, partial(switch.stop, OVER_HTTP)))
            app.router.add_post("/resume", partial(_switched, switch.resume))
        self._runner = web.AppRunner(
            app, handle_signals=False, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )

    @property
    def port(self) -> int:
        """The port bound."""
        return int(self._runner.addresses[0][1])

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise self._unbindable(error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._runner.cleanup())

    def _unbindable(self, error: OSError) -> ConfigError:
        if error.errno == errno.EADDRINUSE:
            return ConfigError(
                f"ops.port: {self._port}: already in use on {self._host}; "
                "choose another port, or 0 to switch the server off"
            )
        if error.errno == errno.EACCES:
            return ConfigError(f"ops.port: {self._port}: not allowed to this user; choose one above 1023")
        return ConfigError(
            f'ops.host: "{self._host}": not an address of this machine; write e.g. "127.0.0.1"'
        )

    async def _livez(self, _: web.Request) -> web.Response:
        alive = self._heartbeat.alive
        body = {"alive": alive, "seconds_since_turn": round(self._heartbeat.age, 3)}
        return web.json_response(body, status=200 if alive else 503)

    async def _readyz(self, _: web.Request) -> web.Response:
        components = await self._components()
        ready = all(component.ok for component in components)
        body = {
            "ready": ready,
            "components": {c.name: {"ok": c.ok, "detail": c.detail} for c in components},
        }
        return web.json_response(body, status=200 if ready else 503)

    async def _components(self) -> list[Component]:
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                return list(await self._readiness())
        except TimeoutError:
            return [Component("readiness", ok=False, detail=f"no answer within {READINESS_SECONDS:g} s")]
        except KeeperError as error:
            return [Component("readiness", ok=False, detail=str(error))]

    async def _metrics_text(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _switched(switch: Callable[[], None], request: web.Request) -> web.Response:
    # A web page in the operator's browser can post here, but cannot add a header of its own.
    if OPERATOR not in request.headers:
        return web.json_response({"error": f"send the header {OPERATOR}: yes"}, status=403)
    switch()
    return web.json_response({"ok": True})
