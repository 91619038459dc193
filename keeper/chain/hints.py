"""Hints of relays: each stream is read all the time, and taken up again when it breaks or falls silent."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple, Protocol

import aiohttp
import structlog

from keeper.beside import beside
from keeper.chain.faults import DeadlineExceeded
from keeper.chain.hint_json import hint
from keeper.chain.sse import EventReader, Oversized
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.errors import Transient, Unreachable
from keeper.relay_ports import Hint

_log = structlog.get_logger(__name__)

CAPACITY = 64
"""Hints kept for a reader that is busy; the oldest are dropped first, their time is over."""

LIMIT = 1 << 20
"""Bytes of one event: as much as a bundle that relays take, written in hex, and then some."""

SILENCE = 45.0
"""Seconds without a byte after which a stream is dead: the relay pings every 15."""

_REMEMBERED = 4096
"""Hashes remembered, so that a hint told again counts once."""

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


class HintObserver(Protocol):
    """Told what the streams tell."""

    def on_hint(self, host: str, result: HintResult, reason: str = "") -> None:
        """`host` sent an event; `reason` says more of one that is not as documented."""
        ...

    def on_subscription_lost(self, host: str) -> None:
        """The stream of `host` broke, fell silent, or could not be opened."""
        ...


class Told(NamedTuple):
    """A hint, and the number of the stream that gave it."""

    stream: int
    hint: Hint


class HintSlot:
    """Holds hints of interest until somebody takes them: bounded, each given once.

    `judge` sees every hint of the stream and must be quick.
    """

    def __init__(self, judge: Callable[[Hint], HintResult], observer: HintObserver) -> None:
        self._judge = judge
        self._observer = observer
        self._waiting: deque[tuple[str, Told]] = deque()
        self._seen: dict[str, None] = {}
        self._filled = asyncio.Event()

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
        result = HintResult.REPEATED if found.hash in self._seen else self._judge(found)
        self._observer.on_hint(host, result)
        if result is HintResult.TAKEN:
            self._keep(host, Told(stream, found))

    def _keep(self, host: str, told: Told) -> None:
        self._seen[told.hint.hash] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._waiting.append((host, told))
        if len(self._waiting) > CAPACITY:
            late, _ = self._waiting.popleft()
            self._observer.on_hint(late, HintResult.DROPPED)
        self._filled.set()

    def __aiter__(self) -> "HintSlot":
        return self

    async def __anext__(self) -> Told:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()[1]


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
    reader = _Reader(slot, observer, patience, clock or SystemClock())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        reads = (reader.keep(session, number, EndpointUrl(url)) for number, url in enumerate(urls))
        async with beside(*reads):
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


class _Reader:
    """Reads streams into `slot`, and opens them again."""

    def __init__(self, slot: HintSlot, observer: HintObserver, patience: Patience, clock: Clock) -> None:
        self._slot = slot
        self._observer = observer
        self._patience = patience
        self._clock = clock

    async def keep(self, session: aiohttp.ClientSession, number: int, url: EndpointUrl) -> None:
        """Read the stream `number` at `url` for ever."""
        backoff = 1.0
        while True:
            alive = asyncio.Event()
            try:
                await self._read(session, number, url, alive)
            except Transient as error:
                backoff = 1.0 if alive.is_set() else backoff
                self._observer.on_subscription_lost(url.host)
                _log.warning("hint_stream_lost", host=url.host, reason=str(error), retry_in=backoff)
            await self._clock.sleep(backoff)
            backoff = min(backoff * 2, self._patience.longest_backoff)

    async def _read(
        self, session: aiohttp.ClientSession, number: int, url: EndpointUrl, alive: asyncio.Event
    ) -> None:
        """Hand on what comes; ends only with an exception. `alive`: something did."""
        events = EventReader(LIMIT)
        async with opened(session, url, self._patience.deadline) as response:
            _log.info("hint_stream_open", host=url.host)
            while True:
                try:
                    async with asyncio.timeout(self._patience.silence):
                        chunk = await response.content.readany()
                except TimeoutError:
                    silence = self._patience.silence
                    raise DeadlineExceeded(f"{url.host}: silent for {silence:g} s") from None
                if not chunk:
                    raise Unreachable(f"{url.host}: the stream ended")
                alive.set()
                for event in events.feed(chunk):
                    self._slot.offer(number, url.host, event)
