"""From a request to its answer, through the node and through the faults that concern the answer."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import aiohttp

from keeper.devnet.faults import answers
from keeper.devnet.faults.fault import Fault, Kind
from keeper.errors import Unreachable

DEADLINE = 120.0
"""Seconds that the node behind may take."""

OTHER_CHAIN_ID = 0xBAD
"""What another chain calls itself."""


class Exchange:
    """Asks `upstream`, and answers as the faults at work want it. `struck` counts what each kind did."""

    def __init__(self, upstream: str, seed: int) -> None:
        self.random = Random(seed)
        self.struck: Counter[Kind] = Counter()
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None
        self._faults: tuple[Fault, ...] = ()
        self._frozen: int | None = None
        self._freezing = asyncio.Lock()

    def set(self, *faults: Fault) -> None:
        """From now on these faults are at work, and no others."""
        self._faults = faults
        self._frozen = None

    def active(self, *kinds: Kind, methods: Sequence[str] = ()) -> Fault | None:
        """A fault of one of these kinds that strikes now; it is counted."""
        for fault in self._faults:
            if fault.kind in kinds and fault.concerns(methods) and self.random.random() < fault.share:
                self.struck[fault.kind] += 1
                return fault
        return None

    async def close(self) -> None:
        """Close the connection to the node."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def answer(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer a request, in their order.

        Raises:
            Unreachable: the node behind does not answer.
        """
        head = await self._head()
        # One backend answers a whole batch.
        elsewhere = self.active(Kind.OTHER_CHAIN, methods=[request["method"] for request in requests])
        asked, found = [], {}
        for place, request in enumerate(requests):
            try:
                asked.append({**request, "id": place, "params": self._params(request, head)})
            except answers.Refused as refusal:
                found[place] = {"error": refusal.error}
        found |= {item["id"]: item for item in await self._post(asked)}
        alter = self._altered if elsewhere is None else _elsewhere
        return [
            alter(request, found[place], head) | {"jsonrpc": "2.0", "id": request.get("id")}
            for place, request in enumerate(requests)
        ]

    async def _head(self) -> int | None:
        """The block at which the node pretends to stand, None when it does not pretend."""
        if not any(fault.kind is Kind.STALE for fault in self._faults):
            return None
        async with self._freezing:
            if self._frozen is None:
                (answer,) = await self._post([{"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber"}])
                self._frozen = int(answer["result"], 16)
        self.struck[Kind.STALE] += 1
        return self._frozen

    def _params(self, request: Mapping[str, Any], head: int | None) -> list[Any]:
        params = list(request.get("params") or [])
        return params if head is None else answers.as_of(request["method"], params, head)

    def _altered(
        self, request: Mapping[str, Any], answer: Mapping[str, Any], head: int | None
    ) -> dict[str, Any]:
        if "result" not in answer:
            return {"error": answer["error"]}
        method, result = request["method"], answer["result"]
        if head is not None:
            result = answers.not_later(method, result, head)
        if method == "eth_getLogs":
            result = self._incomplete(result)
        if method in {"eth_call", "eth_getBalance"}:
            result = self._lie(request, result)
        return {"result": result}

    def _incomplete(self, logs: list[Any]) -> list[Any]:
        # An empty answer cannot lack anything, and is not counted.
        if logs and self.active(Kind.FEWER_LOGS, methods=["eth_getLogs"]):
            return answers.without_end(logs)
        if logs and self.active(Kind.MISSING_BLOCK, methods=["eth_getLogs"]):
            return answers.without_block(logs, self.random)
        return logs

    def _lie(self, request: Mapping[str, Any], result: str) -> str:
        fault = next((fault for fault in self._faults if fault.kind is Kind.LIE), None)
        if fault is None or result == "0x":
            return result
        if request["method"] == "eth_call" and fault.selectors:
            sent = request["params"][0]
            if (sent.get("data") or sent.get("input", ""))[:10] not in fault.selectors:
                return result
        if self.active(Kind.LIE, methods=[request["method"]]) is None:
            return result
        # A good liar says the same again when asked again.
        return answers.lied(result, Random(zlib.crc32(result.encode())))

    async def _post(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if not requests:
            return []
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEADLINE))
        try:
            async with self._session.post(self._upstream, json=requests) as response:
                found: list[dict[str, Any]] = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unreachable(f"the node behind the proxy gave no answer: {type(error).__name__}") from None
        return found


def _elsewhere(request: Mapping[str, Any], answer: Mapping[str, Any], head: int | None) -> dict[str, Any]:
    """The answer of another chain, on which what a node lags behind by is not known."""
    del head
    method = request["method"]
    # Where our chain has an error, the other one has no contract that could fail.
    return {"result": answers.of_another_chain(method, answer.get("result"), OTHER_CHAIN_ID)}
