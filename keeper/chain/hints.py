"""Hints of relays: each stream is read all the time, and taken up again when it breaks or falls silent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import NamedTuple, Protocol

import aiohttp
import structlog

from keeper.beside import beside
from keeper.chain.faults import DeadlineExceeded
from keeper.chain.hint_json import hint
from keeper.chain.keep import Keep, Source
from keeper.chain.observe import LossObserver
from keeper.chain.slot import Slot
from keeper.chain.sse import EventReader, Oversized
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.errors import Unreachable
from keeper.relay_ports import Hint

_log = structlog.get_logger(__name__)

CAPACITY = 64
"""Hints kept for a reader that is busy; the oldest are dropped first, their time is over."""

LIMIT = 1 << 20
"""Bytes of one event: as much as a bundle that relays take, written in hex, and then some."""

SILENCE = 45.0
"""Seconds without a byte after which a stream is dead: the relay pings every 15."""

_MIME = "text/event-stream"


class HintResult(StrEnum):
    """What became of an event of a stream."""

    TAKEN = "taken"
    """It tells of an update that moves a price here."""
    UNKNOWN = "unknown"
    """It tells of an update of an aggregator that prices nothing here."""
    NO_PRICE = "no_price"
    """What it tells reveals no price."""
    CONTRADICTORY = "contradictory"
    """Its logs and its calldata tell different prices."""
    REPEATED = "repeated"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    DROPPED = "dropped"
    """It came while too many others waited to be looked at."""


class HintObserver(LossObserver, Protocol):
    """Told what the streams tell, and of those that break."""

    def on_hint(self, host: str, result: HintResult, reason: str = "") -> None:
        """`host` sent an event; `reason` says more of one that is not as documented."""
        ...


class Told(NamedTuple):
    """A hint, and the stream that gave it: its number and its host."""

    stream: int
    host: str
    hint: Hint


class HintSlot(Slot[Told]):
    """Holds hints of interest until somebody takes them.

    `judge` sees every hint of the stream and must be quick.
    """

    def __init__(self, judge: Callable[[Hint], HintResult], observer: HintObserver) -> None:
        super().__init__(CAPACITY)
        self._judge = judge
        self._observer = observer

    def offer(self, stream: int, host: str, event: bytes | Oversized) -> None:
        """Take what an event says, if it is of interest and new; every event is counted."""
        if isinstance(event, Oversized):
            self._observer.on_hint(host, HintResult.TOO_LARGE, f"an event has more than {LIMIT} bytes")
            return
        try:
            found = hint(event)
        except ValueError as error:
            self._observer.on_hint(host, HintResult.MALFORMED, str(error))
            return
        result = HintResult.REPEATED if self.has_seen(found.hash) else self._judge(found)
        self._observer.on_hint(host, result)
        if result is HintResult.TAKEN and (late := self.put(found.hash, Told(stream, host, found))):
            self._observer.on_hint(late.host, HintResult.DROPPED)


class Patience(NamedTuple):
    """Seconds: to connect, without a byte, and of the longest pause before another try."""

    deadline: float = 10.0
    silence: float = SILENCE
    longest_backoff: float = 60.0


USUAL = Patience()


@asynccontextmanager
async def hint_stream(
    judge: Callable[[Hint], HintResult],
    urls: Sequence[str],
    *,
    observer: HintObserver,
    patience: Patience = USUAL,
    clock: Clock | None = None,
) -> AsyncIterator[AsyncIterator[Told]]:
    """Open an iterator over the hints that `judge` takes, each once, as soon as a stream has it.

    Every one of `urls` is read. One that cannot be opened, breaks or falls silent is taken up again after a
    pause that doubles up to the longest. What was told meanwhile is lost: hints are worth a few seconds.
    """
    slot = HintSlot(judge, observer)
    keep = Keep("hint_stream", clock or SystemClock(), patience.longest_backoff, observer)
    sources: list[tuple[str, Source]] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        for number, url in enumerate(EndpointUrl(text) for text in urls):
            offer = partial(slot.offer, number, url.host)
            sources.append((url.host, partial(_read, session, url, patience, offer)))
        async with beside(*(keep.up(host, source) for host, source in sources)):
            yield slot


@asynccontextmanager
async def opened(
    session: aiohttp.ClientSession, url: EndpointUrl, deadline: float
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A stream whose other side has agreed to send events.

    Raises:
        DeadlineExceeded: no answer in time. Unreachable: any other answer, or the connection broke.
    """
    try:
        async with asyncio.timeout(deadline):
            response = await session.get(
                url.reveal(),
                headers={"Accept": _MIME, "Cache-Control": "no-store"},
                allow_redirects=False,
            )
        async with response:
            if response.status != 200:
                raise Unreachable(f"{url.host}: HTTP {response.status}")
            if response.content_type != _MIME:
                raise Unreachable(f"{url.host}: sends {url.scrub(response.content_type)}, not {_MIME}")
            yield response
    except TimeoutError:
        raise DeadlineExceeded(f"{url.host}: no answer within {deadline:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{url.host}: {url.scrub(str(error)) or type(error).__name__}") from None


async def _read(
    session: aiohttp.ClientSession,
    url: EndpointUrl,
    patience: Patience,
    offer: Callable[[bytes | Oversized], None],
    alive: Callable[[], None],
) -> None:
    """Offer every event that comes; ends only with an exception. `alive`: something came."""
    events = EventReader(LIMIT)
    async with opened(session, url, patience.deadline) as response:
        _log.info("hint_stream_open", host=url.host)
        while True:
            try:
                async with asyncio.timeout(patience.silence):
                    chunk = await response.content.readany()
            except TimeoutError:
                raise DeadlineExceeded(f"{url.host}: silent for {patience.silence:g} s") from None
            if not chunk:
                raise Unreachable(f"{url.host}: the stream ended")
            alive()
            for event in events.feed(chunk):
                offer(event)
