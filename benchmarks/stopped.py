"""HTTP exchanges with a node while the clock stands still."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from time import monotonic, process_time
from typing import Any, NamedTuple
from unittest.mock import patch
from urllib.parse import urlsplit

from keeper.chain.http import HttpProvider

HEADERS = {"Content-Type": "application/json"}


class Time(NamedTuple):
    """Seconds since some moment: of the clock, and of work on a processor."""

    wall: float
    cpu: float

    def __sub__(self, earlier: "Time") -> "Time":
        return Time(self.wall - earlier.wall, self.cpu - earlier.cpu)


class StoppedClock:
    """Posts what `HttpProvider` would post, blocking, and takes that time off.

    Nothing else of the process runs meanwhile, so what is left of the time is all its own: JSON-RPC is
    still encoded and decoded, requests are counted, throttled, checked. What is left out is the HTTP
    client, the sockets and the node.
    """

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._wall = self._cpu = 0.0
        self.exchanges = 0
        """Posts so far, a batch being one."""
        self.raw: list[Time] = []
        """When encoded raw transactions were handed over."""

    def now(self) -> Time:
        """Time without that of exchanges."""
        return Time(monotonic() - self._wall, process_time() - self._cpu)

    @property
    def stopped(self) -> float:
        """Seconds that exchanges took so far."""
        return self._wall

    @contextmanager
    def running(self) -> Iterator[None]:
        """Exchange so for the length of the block."""
        netloc = self._at.netloc
        with closing(HTTPConnection(netloc)) as connection:

            async def post(provider: HttpProvider, payload: bytes) -> Any:
                began = self.now()
                if b"eth_sendRawTransaction" in payload:
                    self.raw.append(began)
                connection.request("POST", "/", payload, HEADERS)
                response = connection.getresponse()
                body = response.read()
                passed = self.now() - began
                self._wall += passed.wall
                self._cpu += passed.cpu
                self.exchanges += 1
                return provider._parse(response.status, body, dict(response.headers))  # noqa: SLF001

            with patch.object(HttpProvider, "_post", post):
                yield
