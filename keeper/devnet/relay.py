"""A Flashbots-compatible relay and block builder on an Anvil: speaks the protocol, checks signatures, mines.

For tests and benchmarks. Start its Anvil with `no_mining=True, order="fifo"`.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from eth_utils.crypto import keccak

from keeper.chain.reputation import SIGNATURE_HEADER, recovered
from keeper.devnet.blocks import COINBASE, BlockBuilder, Parcel, Trial
from keeper.devnet.hints import HintBoard, matching_hash
from keeper.devnet.node import Node
from keeper.devnet.raw import RawTx, read
from keeper.devnet.reverts import DevnetError
from keeper.types import Address, Hash

KEPT_BLOCKS = 25
"""Blocks for which a transaction without a last block of its own is kept, as Flashbots does."""

_LAST_WORDS = 0.1


class Held(NamedTuple):
    """A bundle or a private transaction and the blocks it may stand in, both ends included.

    `signer` may cancel it, a bundle by its `uuid`.
    """

    parcel: Parcel
    first: int
    last: int
    signer: Address | None = None
    uuid: str = ""


class Asked(NamedTuple):
    """One request as it came, and who signed it."""

    method: str
    params: list[Any]
    signer: Address | None


class Refusal(Exception):
    """What the relay answers instead of a result."""


class LocalRelay:
    """Takes bundles and private transactions at `url` and builds blocks when `mine` is called.

    `asked` is what came in. While `refusing` is set, every send is refused with those words. Private
    transactions of which is `withheld` the hash are never mined. `hints` tells of private transactions whose
    senders want it, in a stream at the same `url`.
    """

    def __init__(self, node: Node, *, seconds: int = 12, signed: bool = True) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.refusing = ""
        self.withheld: set[Hash] = set()
        self._news = asyncio.Event()
        self.hints = HintBoard(node)
        self._node = node
        self._builder = BlockBuilder(node, seconds)
        self._signed = signed
        self._held: dict[tuple[Hash, int, str], Held] = {}
        self._mining = asyncio.Lock()
        self._methods: dict[str, Callable[[list[Any], Address | None], Awaitable[Any]]] = {
            "eth_sendBundle": self._send_bundle,
            "eth_cancelBundle": self._cancel_bundle,
            "eth_cancelPrivateTransaction": self._cancel_private,
            "mev_sendBundle": self._mev_send_bundle,
            "eth_callBundle": self._call_bundle,
            "eth_sendPrivateTransaction": self._send_private,
            "eth_sendPrivateRawTransaction": self._send_raw,
            "eth_sendRawTransaction": self._send_raw,
        }

    @classmethod
    @asynccontextmanager
    async def start(
        cls, node: Node, *, seconds: int = 12, signed: bool = True, block_time: float | None = None
    ) -> AsyncIterator["LocalRelay"]:
        """Serve on a free port of 127.0.0.1 for the length of the block.

        Args:
            node: the Anvil, which does not mine by itself any more.
            seconds: chain time between two blocks.
            signed: refuse what is not signed.
            block_time: build a block every so many real seconds; None: only when `mine` is called.
        """
        relay = cls(node, seconds=seconds, signed=signed)
        await relay._builder.take_over()
        app = web.Application(client_max_size=2**22)
        app.router.add_post("/", relay._post)
        app.router.add_get("/", relay.hints.serve)
        runner = web.AppRunner(app, shutdown_timeout=_LAST_WORDS, access_log=None)
        await runner.setup()
        ticking: asyncio.Task[None] | None = None
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            relay.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            if block_time is not None:
                ticking = asyncio.get_running_loop().create_task(
                    relay._tick(block_time), name="relay's blocks"
                )
            yield relay
        finally:
            if ticking is not None:
                ticking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ticking
            await runner.cleanup()

    @property
    def held(self) -> int:
        """Bundles and private transactions that wait."""
        return len(self._held)

    async def mine(self) -> list[Parcel]:
        """Build the next block; returns the bundles and private transactions in it, in its order."""
        async with self._mining:
            number = await self._node.block_number() + 1
            due = [held.parcel for held in self._held.values() if self._is_due(held, number)]
            chosen = await self._builder.build(due)
            mined = {tx.hash for parcel in chosen for tx in parcel.transactions}
            self._held = {
                key: held
                for key, held in self._held.items()
                if held.last > number and not mined & {tx.hash for tx in held.parcel.transactions[-1:]}
            }
            return chosen

    def _is_due(self, held: Held, number: int) -> bool:
        within = held.first <= number <= held.last
        return within and not any(tx.hash in self.withheld for tx in held.parcel.transactions)

    async def heard(self, method: str, times: int) -> None:
        """Wait until `method` was asked and answered so often."""
        while [each.method for each in self.asked].count(method) < times:
            self._news.clear()
            await self._news.wait()

    async def earned(self) -> int:
        """Wei that the builder has got so far."""
        return int(await self._node.request("eth_getBalance", COINBASE, "latest"), 16)

    async def _tick(self, block_time: float) -> None:
        while True:
            await asyncio.sleep(block_time)
            await self.mine()

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.read()
        asked = json.loads(body)
        answer = {"jsonrpc": "2.0", "id": asked.get("id")}
        signer = recovered(request.headers.get(SIGNATURE_HEADER, ""), body)
        self.asked.append(Asked(asked["method"], asked["params"], signer))
        if self._signed and signer is None:
            error = {"code": -32600, "message": f"the {SIGNATURE_HEADER} header is missing or wrong"}
            return web.json_response(answer | {"error": error}, status=403)
        try:
            answer["result"] = await self._answer(asked["method"], asked["params"], signer)
        except (Refusal, DevnetError, ValueError, KeyError) as error:
            answer["error"] = {"code": -32000, "message": str(error)}
        self._news.set()
        return web.json_response(answer)

    async def _answer(self, method: str, params: list[Any], signer: Address | None) -> Any:
        handler = self._methods.get(method)
        if handler is None:
            return await self._node.request(method, *params)
        if self.refusing and method != "eth_callBundle":
            raise Refusal(self.refusing)
        return await handler(params, signer)

    async def _send_bundle(self, params: list[Any], signer: Address | None) -> dict[str, str]:
        [asked] = params
        block = int(asked["blockNumber"], 16)
        transactions = tuple(_read(raw) for raw in asked["txs"])
        parcel = Parcel(transactions, frozenset(map(Hash, asked.get("revertingTxHashes", ()))))
        held = Held(parcel, block, block, signer, asked.get("replacementUuid", ""))
        if held.uuid:
            self._forget(held.uuid, signer, block)
        return {"bundleHash": await self._hold(held)}

    async def _cancel_bundle(self, params: list[Any], signer: Address | None) -> int:
        [asked] = params
        self._forget(asked["replacementUuid"], signer)
        return 200

    async def _cancel_private(self, params: list[Any], signer: Address | None) -> bool:
        [asked] = params
        found = [
            key
            for key, held in self._held.items()
            if held.signer == signer and [tx.hash for tx in held.parcel.transactions] == [asked["txHash"]]
        ]
        for key in found:
            del self._held[key]
        return bool(found)

    def _forget(self, uuid: str, signer: Address | None, block: int | None = None) -> None:
        """Forget what `signer` calls `uuid`, for `block` or for all."""
        self._held = {
            key: held
            for key, held in self._held.items()
            if (held.uuid, held.signer) != (uuid, signer) or block not in {None, held.first}
        }

    async def _mev_send_bundle(self, params: list[Any], signer: Address | None) -> dict[str, str]:
        [asked] = params
        first = int(asked["inclusion"]["block"], 16)
        last = int(asked["inclusion"].get("maxBlock", hex(first)), 16)
        _check_version(asked)
        transactions = [tx for each in asked["body"] for tx in await self._body(each)]
        may_revert = frozenset(_read(each["tx"]).hash for each in asked["body"] if each.get("canRevert"))
        return {
            "bundleHash": await self._hold(Held(Parcel(tuple(transactions), may_revert), first, last, signer))
        }

    async def _send_private(self, params: list[Any], signer: Address | None) -> Hash:
        [asked] = params
        name = await self._hold_one(asked["tx"], asked.get("maxBlockNumber"), signer)
        wanted = asked.get("preferences", {}).get("privacy", {}).get("hints", ())
        await self.hints.publish(_read(asked["tx"]), wanted)
        return name

    async def _send_raw(self, params: list[Any], signer: Address | None) -> Hash:
        return await self._hold_one(params[0], None, signer)

    async def _hold_one(self, raw: str, last: str | None, signer: Address | None) -> Hash:
        tx = _read(raw)
        head = await self._node.block_number()
        until = head + KEPT_BLOCKS if last is None else int(last, 16)
        await self._hold(Held(Parcel((tx,)), head + 1, until, signer))
        return tx.hash

    async def _hold(self, held: Held) -> Hash:
        head = await self._node.block_number()
        if held.last <= head:
            raise Refusal(f"block {held.last} is in the past, the head is {head}")
        hashes = (bytes.fromhex(tx.hash[2:]) for tx in held.parcel.transactions)
        name = Hash("0x" + keccak(b"".join(hashes)).hex())
        self._held[name, held.first, held.uuid] = held
        return name

    async def _body(self, each: dict[str, Any]) -> tuple[RawTx, ...]:
        """The transactions that an element stands for; a hint's hash for all that it told of."""
        if "tx" in each:
            return (_read(each["tx"]),)
        for held in self._held.values():
            [first, *more] = held.parcel.transactions
            if not more and each["hash"] in {first.hash, matching_hash(first.hash)}:
                return held.parcel.transactions
        raw = await self._node.request("eth_getRawTransactionByHash", each["hash"])
        if raw is None:
            raise Refusal("backrun not found")
        return (_read(raw),)

    async def _call_bundle(self, params: list[Any], signer: Address | None) -> dict[str, Any]:  # noqa: ARG002
        [asked] = params
        trials = await self._builder.simulate([_read(raw) for raw in asked["txs"]])
        tips, paid = sum(trial.tip for trial in trials), sum(trial.to_coinbase for trial in trials)
        return {
            "bundleHash": "0x" + keccak(b"".join(bytes.fromhex(trial.tx.hash[2:]) for trial in trials)).hex(),
            "coinbaseDiff": str(tips + paid),
            "ethSentToCoinbase": str(paid),
            "gasFees": str(tips),
            "results": [_result(trial) for trial in trials],
            "stateBlockNumber": await self._node.block_number(),
            "totalGasUsed": sum(trial.gas_used for trial in trials),
        }


def _check_version(asked: dict[str, Any]) -> None:
    """Refuse what an MEV-Share node refuses: another version, or a hash that stands anywhere but first."""
    if asked.get("version") not in {"v0.1", "beta-1"}:
        raise Refusal("unsupported bundle version")
    if any("hash" in each for each in asked["body"][1:]) or "tx" not in asked["body"][-1]:
        raise Refusal("invalid bundle body")


def _read(raw: str) -> RawTx:
    return read(bytes.fromhex(raw.removeprefix("0x")))


def _result(trial: Trial) -> dict[str, Any]:
    fields = {
        "txHash": trial.tx.hash,
        "fromAddress": trial.tx.sender,
        "toAddress": trial.tx.to,
        "gasUsed": trial.gas_used,
        "gasFees": str(trial.tip),
        "ethSentToCoinbase": str(trial.to_coinbase),
        "coinbaseDiff": str(trial.tip + trial.to_coinbase),
    }
    return fields | {"error": trial.error} if trial.error else fields | {"value": "0x"}
