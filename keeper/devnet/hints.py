"""The MEV-Share side of the local relay: an event stream with hints of the private transactions it holds.

Spoken as documented (flashbots/mev-share, specs/events/v0.1; docs.flashbots.net, event stream): comments to
show that it is alive, `data:` with one JSON object an event, a hash that is the hash of the transaction's.
"""

import asyncio
import contextlib
import json
from collections.abc import Collection
from typing import Any

from aiohttp import web
from eth_utils.crypto import keccak

from keeper.devnet.node import Node
from keeper.devnet.raw import RawTx
from keeper.types import Hash

PING_SECONDS = 15.0

CALLDATA, SELECTOR, CONTRACT, LOGS, HASH, TX_HASH = (
    "calldata",
    "function_selector",
    "contract_address",
    "logs",
    "hash",
    "tx_hash",
)


class HintBoard:
    """Tells everybody who listens. `open_streams` listen now, `connections` did so far.

    While `refusing` is set, nobody new is let in and told that HTTP status instead.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._listeners: set[asyncio.Queue[bytes | None]] = set()
        self.connections = 0
        self.refusing = 0
        self._joined = asyncio.Event()

    @property
    def open_streams(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def joined(self, connections: int) -> None:
        """Wait until somebody listens who is the `connections`-th to do so, or later."""
        while not self._listeners or self.connections < connections:
            self._joined.clear()
            await self._joined.wait()

    async def publish(self, transaction: RawTx, wanted: Collection[str]) -> None:
        """Tell of `transaction` what its sender wants told; nothing where that does not include its hash."""
        if HASH in wanted:
            self.say(await self.hint(transaction, wanted))

    async def hint(self, transaction: RawTx, wanted: Collection[str]) -> dict[str, Any]:
        """The event of one transaction; a hint that needs another brings that along."""
        wanted = {*wanted}
        if CALLDATA in wanted:
            wanted |= {SELECTOR}
        if SELECTOR in wanted:
            wanted |= {CONTRACT}
        told: dict[str, Any] = {}
        if TX_HASH in wanted:
            told["hash"] = transaction.hash
        if CONTRACT in wanted:
            told["to"] = transaction.to
        if SELECTOR in wanted:
            told["functionSelector"] = "0x" + transaction.data[:4].hex()
        if CALLDATA in wanted:
            told["callData"] = "0x" + transaction.data.hex()
        logs = await self._logs(transaction) if LOGS in wanted else None
        return {"hash": matching_hash(transaction.hash), "logs": logs, "txs": [told] if told else None}

    def say(self, event: dict[str, Any]) -> None:
        """Send one event to everybody."""
        self.shout(b"data: " + json.dumps(event).encode() + b"\n\n")

    def shout(self, text: bytes) -> None:
        """Send `text` as it is, whatever it is."""
        for listener in self._listeners:
            listener.put_nowait(text)

    def hang_up(self) -> None:
        """End every stream."""
        for listener in self._listeners:
            listener.put_nowait(None)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One listener, until it goes or is hung up on."""
        if self.refusing:
            return web.Response(status=self.refusing)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b":ping\n\n")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._listeners.add(queue)
        self.connections += 1
        self._joined.set()
        try:
            with contextlib.suppress(ConnectionError):
                while (text := await _next(queue)) is not None:
                    await response.write(text)
        finally:
            self._listeners.discard(queue)
        return response

    async def _logs(self, transaction: RawTx) -> list[dict[str, Any]]:
        """What the transaction would emit in the next block."""
        asked = {"blockStateCalls": [{"calls": [transaction.call()]}], "validation": False}
        [block] = await self._node.request("eth_simulateV1", asked, "latest")
        [call] = block["calls"]
        return [{name: log[name] for name in ("address", "topics", "data")} for log in call["logs"]]


def matching_hash(tx_hash: Hash) -> Hash:
    """What a hint calls the transaction: the keccak256 of its hash."""
    return Hash("0x" + keccak(hexstr=tx_hash).hex())


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        async with asyncio.timeout(PING_SECONDS):
            return await queue.get()
    except TimeoutError:
        return b":ping\n\n"
