"""How long an event loop slept for nobody but the network."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from unittest.mock import patch

from keeper.chain.http import HttpProvider
from keeper.store import Database


class Idle:
    """Notes when the loop had nothing to do but to wait for a node's answer.

    A moment counts as waiting for the network only while the loop sleeps, some request to a node is out,
    and no transaction of the database is open. Whatever the process computes meanwhile is not waiting.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._storing = 0
        self._sleeps: list[tuple[float, float]] = []
        self.raw: list[float] = []
        """When raw transactions were handed to the HTTP client, already encoded."""
        self.requests = 0
        """Requests to nodes, a batch being one."""

    def between(self, start: float, end: float) -> float:
        """Seconds of waiting for the network from `start` to `end` (monotonic)."""
        return sum(max(min(end, until) - max(start, since), 0.0) for since, until in self._sleeps)

    def clear(self) -> None:
        """Forget what was."""
        self._sleeps.clear()
        self.raw.clear()
        self.requests = 0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch the running loop for the length of the block."""
        selector = _selector(asyncio.get_running_loop())
        post, begin = HttpProvider._post, Database.begin  # noqa: SLF001 - the last line before the socket
        with (
            patch.object(selector, "select", self._timed(selector.select)),
            patch.object(HttpProvider, "_post", self._asking(post)),
            patch.object(Database, "begin", self._opening(begin)),
        ):
            yield

    def _timed(self, select: Callable[..., Any]) -> Callable[..., Any]:
        def timed(timeout: float | None = None) -> Any:
            since = monotonic()
            events = select(timeout)
            if self._asked and not self._storing:
                self._sleeps.append((since, monotonic()))
            return events

        return timed

    def _asking(self, post: Callable[..., Any]) -> Callable[..., Any]:
        async def asking(provider: HttpProvider, payload: bytes) -> Any:
            if b"eth_sendRawTransaction" in payload:
                self.raw.append(monotonic())
            self._asked += 1
            self.requests += 1
            try:
                return await post(provider, payload)
            finally:
                self._asked -= 1

        return asking

    def _opening(self, begin: Callable[..., Any]) -> Callable[..., Any]:
        @asynccontextmanager
        async def opening(database: Database) -> AsyncIterator[Any]:
            self._storing += 1
            try:
                async with begin(database) as connection:
                    yield connection
            finally:
                self._storing -= 1

        return opening


def _selector(loop: asyncio.AbstractEventLoop) -> selectors.BaseSelector:
    selector = getattr(loop, "_selector", None)
    assert isinstance(selector, selectors.BaseSelector), "the benchmark needs asyncio's own event loop"
    return selector
