"""A stream of hints over HTTP: opened again when it ends, breaks, falls silent or is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from keeper.chain.hints import HintResult, Patience, Told, hint_stream
from keeper.relay_ports import Hint
from tests.clock import StillClock
from tests.listening import listening

EVENT = b'data: {"hash": "0x%064x"}\n\n'
SHORT = Patience(deadline=0.3, silence=0.3, longest_backoff=0.02)


@dataclass
class Watcher:
    lost: int = 0
    told: list[HintResult] = field(default_factory=list)

    def on_hint(self, host: str, result: HintResult, reason: str = "") -> None:
        self.told.append(result)

    def on_subscription_lost(self, host: str) -> None:
        self.lost += 1


class Streams:
    """Answers each connection as the next of `plays` says; the last one for all that follow."""

    def __init__(self, *plays: str) -> None:
        self.plays = list(plays)
        self.url = ""
        self.calls = 0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
        if play == "mute":
            await asyncio.sleep(5)
        if play == "page":
            return web.Response(text="<html>", content_type="text/html")
        if play.isdigit():
            return web.Response(status=int(play), headers={"Location": "/other"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(EVENT % self.calls)
        if play == "cut":
            await response.write(b"data: {")
            assert request.transport is not None
            request.transport.close()
        if play == "silent":
            await asyncio.sleep(5)
        if play == "pings":
            for number in range(8):
                await asyncio.sleep(0.1)
                await response.write(b":ping\n\n")
                if number == 6:
                    await response.write(EVENT % 99)
            await asyncio.sleep(5)
        return response


@asynccontextmanager
async def serving(streams: Streams) -> AsyncIterator[Streams]:
    app = web.Application()
    app.router.add_get("/", streams.serve)
    async with listening(app) as port:
        streams.url = f"http://127.0.0.1:{port}/"
        yield streams


def taken(hint: Hint) -> HintResult:
    return HintResult.TAKEN


async def take(hints: AsyncIterator[Told], count: int) -> list[int]:
    async with asyncio.timeout(5):
        return [int((await anext(hints)).hint.hash, 16) for _ in range(count)]


@pytest.mark.parametrize("fault", ["end", "cut", "silent", "mute", "page", "503", "302", "204"])
async def test_stream__faulty__opened_again_and_counted(fault: str) -> None:
    watcher, clock = Watcher(), StillClock()
    async with serving(Streams(fault, "pings")) as streams:
        async with hint_stream(taken, [streams.url], observer=watcher, patience=SHORT, clock=clock) as hints:
            told = await take(hints, 2 if fault in {"end", "cut", "silent"} else 1)
        assert told[-1] == 2
        assert (watcher.lost, clock.slept, streams.calls) == (1, [1.0], 2)


async def test_stream__that_only_pings__is_alive() -> None:
    watcher = Watcher()
    async with serving(Streams("pings")) as streams:
        async with hint_stream(taken, [streams.url], observer=watcher, patience=SHORT) as hints:
            assert await take(hints, 2) == [1, 99]
        assert (watcher.lost, streams.calls) == (0, 1)


async def test_stream__down_for_long__pauses_double_up_to_the_longest() -> None:
    watcher, clock = Watcher(), StillClock()
    patience = Patience(0.3, 0.3, 5.0)
    async with serving(Streams("503", "503", "503", "503", "pings")) as streams:
        async with hint_stream(
            taken, [streams.url], observer=watcher, patience=patience, clock=clock
        ) as hints:
            await take(hints, 1)
        assert clock.slept == [1.0, 2.0, 4.0, 5.0]
        assert watcher.lost == 4


async def test_stream__several__each_hint_once_and_with_its_stream() -> None:
    async with serving(Streams("pings")) as one, serving(Streams("pings")) as two:
        two.calls = 4
        watcher = Watcher()
        async with hint_stream(taken, [one.url, two.url], observer=watcher, patience=SHORT) as hints:
            async with asyncio.timeout(5):
                found = [await anext(hints) for _ in range(2)]
        assert {(each.stream, int(each.hint.hash, 16)) for each in found} == {(0, 1), (1, 5)}


async def test_stream__nobody_listens__goes_on_and_says_so() -> None:
    watcher, clock = Watcher(), StillClock()
    with contextlib.suppress(TimeoutError):
        async with hint_stream(
            taken, ["http://127.0.0.1:1/TOKENTOKEN"], observer=watcher, patience=SHORT, clock=clock
        ) as hints:
            async with asyncio.timeout(0.2):
                await anext(hints)
    assert watcher.lost > 1


async def test_stream__body_raises__the_same_comes_out() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with hint_stream(taken, [], observer=Watcher(), patience=SHORT):
            raise LookupError("mine")
