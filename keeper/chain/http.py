"""The HTTP side of an endpoint: a web3 provider that posts every request exactly once."""

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, cast

import aiohttp
import msgspec
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from keeper.chain.faults import DeadlineExceeded, Throttled, TooLarge
from keeper.chain.url import EndpointUrl
from keeper.errors import Unreachable

_HEADERS = {"Content-Type": "application/json"}
_TOO_MANY_REQUESTS, _CONTENT_TOO_LARGE, _SERVER_ERROR = 429, 413, 500


class HttpProvider(AsyncJSONBaseProvider):
    """Posts JSON-RPC over one kept-alive connection pool, each request under `deadline` seconds.

    It stands in for web3's AsyncHTTPProvider because that one repeats failed requests, raw sends
    included, opens a connection per request, takes a process-wide thread lock that a cancelled
    request can leave locked, and writes the address with its token to the debug log.

    Raises:
        DeadlineExceeded: no answer in time.
        Throttled, TooLarge: HTTP 429, 413.
        Unreachable: any other failure to get JSON back.
    """

    def __init__(self, url: EndpointUrl, deadline: float) -> None:
        super().__init__()
        self._url = url
        self._deadline = deadline
        self._ids = count(1)
        self._session: aiohttp.ClientSession | None = None

    def __str__(self) -> str:
        return f"RPC connection {self._url.host}"

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        return cast("RPCResponse", await self._post(_encode(self._request(method, params))))

    async def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Answers in the order of `requests`, or the one error the server gave for all of them."""
        formed = [self._request(method, params) for method, params in requests]
        answer = await self._post(_encode(formed))
        if not isinstance(answer, list):
            return cast("RPCResponse", answer)
        by_id = {item.get("id"): item for item in answer if isinstance(item, dict)}
        if len(answer) != len(formed) or any(request["id"] not in by_id for request in formed):
            failed = next((item for item in answer if isinstance(item, dict) and "error" in item), None)
            if failed is not None and failed.get("id") is None:
                return cast("RPCResponse", failed)
            raise Unreachable(f"{self._url.host}: {len(formed)} requests in a batch, {len(answer)} answers")
        return [cast("RPCResponse", by_id[request["id"]]) for request in formed]

    def _request(self, method: RPCEndpoint, params: Any) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "method": method, "params": params, "id": next(self._ids)}

    async def disconnect(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, payload: bytes) -> Any:
        host = self._url.host
        try:
            # A redirect would hand the request, and the token with it, to another host.
            async with (
                asyncio.timeout(self._deadline),
                self._open().post(self._url.reveal(), data=payload, allow_redirects=False) as response,
            ):
                return self._parse(response.status, await response.read(), response.headers)
        except TimeoutError:
            raise DeadlineExceeded(f"{host}: no answer within {self._deadline:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            why = self._url.scrub(str(error)) or type(error).__name__
            raise Unreachable(f"{host}: {why}") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # The deadline is asyncio's and the concurrency the throttle's, so aiohttp limits neither.
            self._session = aiohttp.ClientSession(
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None),
                connector=aiohttp.TCPConnector(limit=0),
            )
        return self._session

    def _parse(self, status: int, body: bytes, headers: Mapping[str, str]) -> Any:
        """JSON of a 2xx answer, and of a 4xx one that carries a JSON-RPC error."""
        host = self._url.host
        if status == _TOO_MANY_REQUESTS:
            raise Throttled(f"{host}: HTTP 429, too many requests", retry_after(headers))
        try:
            answer = msgspec.json.decode(body)
        except ValueError:
            answer = None
        explained = isinstance(answer, list) or (isinstance(answer, Mapping) and "error" in answer)
        if status == _CONTENT_TOO_LARGE and not explained:
            raise TooLarge(f"{host}: HTTP 413, content too large")
        if status >= _SERVER_ERROR or (status >= 300 and not explained):
            raise Unreachable(f"{host}: HTTP {status}")
        if not isinstance(answer, list | Mapping):
            raise Unreachable(f"{host}: the answer is not JSON-RPC")
        return answer


def _encode(request: Any) -> bytes:
    """JSON at once: web3 looks at every value of every request of a batch by itself."""
    return msgspec.json.encode(request)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a server asks to wait: a number, or a date measured by the server's own clock (RFC 9110)."""
    said = headers.get("Retry-After", "")
    if said.isdecimal():
        return float(said)
    try:
        until, now = (parsedate_to_datetime(text) for text in (said, headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None
