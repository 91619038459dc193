"""One block builder or relay over HTTP: every request is signed, posted once, and answered in time or not."""

import asyncio
import itertools
import json
from typing import Any

import aiohttp

from keeper.chain.relay_json import Request
from keeper.chain.reputation import SIGNATURE_HEADER, ReputationKey
from keeper.chain.send_errors import send_outcome
from keeper.chain.url import EndpointUrl
from keeper.errors import Unreachable
from keeper.ports import SendError, SendOutcome

TELLING = {
    SendOutcome.ALREADY_KNOWN: SendOutcome.ALREADY_KNOWN,
    SendOutcome.NONCE_TOO_LOW: SendOutcome.NONCE_TOO_LOW,
    SendOutcome.UNDERPRICED: SendOutcome.UNDERPRICED,
    SendOutcome.REPLACEMENT_UNDERPRICED: SendOutcome.UNDERPRICED,
    SendOutcome.INSUFFICIENT_FUNDS: SendOutcome.INSUFFICIENT_FUNDS,
}
"""Refusals that say something of the transaction. Any other is the builder's own affair: it did not take the
bytes, and another builder, or this one at the next block, may."""


class Builder:
    """A builder at `url`; `key` signs, None leaves requests unsigned. `deadline` in seconds."""

    def __init__(self, url: str, key: ReputationKey | None, *, deadline: float) -> None:
        self._url = EndpointUrl(url)
        self._key = key
        self._deadline = deadline
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None
        self.host = self._url.host

    async def ask(self, request: Request) -> Any:
        """The result of one request.

        Raises:
            SendError: the builder refuses.
            Unreachable: no usable answer in time.
        """
        body = json.dumps(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": request.method, "params": request.params}
        ).encode()
        status, answer = await self._post(body)
        if not isinstance(answer, dict) and 400 <= status < 500:
            raise SendError(SendOutcome.RETRYABLE, f"{self.host}: HTTP {status}")
        if not isinstance(answer, dict) or status >= 500:
            raise Unreachable(f"{self.host}: HTTP {status}, and no JSON-RPC")
        if answer.get("error") is not None or "result" not in answer:
            raise self._refusal(answer.get("error", f"HTTP {status}"))
        return answer["result"]

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _refusal(self, error: Any) -> SendError:
        said = str(error.get("message", "") if isinstance(error, dict) else error)
        outcome = TELLING.get(send_outcome(said), SendOutcome.RETRYABLE)
        return SendError(outcome, f"{self.host}: {self._url.scrub(said)}")

    async def _post(self, body: bytes) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers[SIGNATURE_HEADER] = self._key.header(body)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        try:
            # A redirect would hand the transaction to another host.
            async with (
                asyncio.timeout(self._deadline),
                self._session.post(
                    self._url.reveal(), data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                return response.status, _json(await response.read())
        except TimeoutError:
            raise Unreachable(f"{self.host}: no answer within {self._deadline:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            why = self._url.scrub(str(error)) or type(error).__name__
            raise Unreachable(f"{self.host}: {why}") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
