"""A web server for a test: `async with listening(app) as port`."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

_LAST_WORDS = 0.1
"""Seconds that open connections get when the block ends."""


@asynccontextmanager
async def listening(app: web.Application, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve `app` on a free port of 127.0.0.1 for the length of the block; the port."""
    runner = web.AppRunner(app, shutdown_timeout=_LAST_WORDS, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
