"""HTTP exchanges with a node while the clock stands still."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from time import monotonic
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from keeper.chain.http import HttpProvider

HEADERS = {"Content-Type": "application/json"}


class StoppedClock:
    """Posts what `HttpProvider` would post, blocking, and takes that time off.

    Nothing else of the process runs meanwhile, so what is left of the time is all its own: JSON-RPC is
    still encoded and decoded, requests are counted, throttled, checked. What is left out is the HTTP
    client, the sockets and the node.
    """

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._stopped = 0.0
        self.exchanges = 0
        """Posts so far, a batch being one."""
        self.raw: list[float] = []
        """When encoded raw transactions were handed over."""

    def now(self) -> float:
        """Seconds, without those of exchanges."""
        return monotonic() - self._stopped

    @property
    def stopped(self) -> float:
        """Seconds that exchanges took so far."""
        return self._stopped

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
                self._stopped += self.now() - began
                self.exchanges += 1
                return provider._parse(response.status, body, dict(response.headers))  # noqa: SLF001

            with patch.object(HttpProvider, "_post", post):
                yield
