"""From a node's JSON to the book: decoding and folding logs, against web3's process_log."""

import json
from collections.abc import Callable
from typing import Any

from hexbytes import HexBytes
from web3 import Web3
from web3.datastructures import AttributeDict

from benchmarks.measure import Measurement, rate
from benchmarks.scene import Scene, followed
from keeper.chain.decode import log
from keeper.index.book import ColumnarBook
from keeper.index.conversation import converse
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.decode import topic_int, word
from keeper.types import Log

BORROWERS = 800
SAMPLE = 1_000
"""Logs that web3 decodes: it takes a quarter of a second for them."""

BASELINE = "web3 process_log"
Entry = dict[str, Any]


async def backfill_decode() -> Measurement:
    """Logs a second from JSON objects to integers, every topic and every word."""
    async with followed(borrowers=BORROWERS) as scene:
        entries = await _entries(scene)

        async def decode() -> None:
            for entry in entries:
                _integers(log(entry))

        value = await rate(len(entries), decode)
        return Measurement("backfill_decode", value, "logs/s", BASELINE, await _by_web3(scene, entries))


async def backfill_decode_apply() -> Measurement:
    """Logs a second from JSON objects into the book, the whole history of a market on one core."""
    async with followed(borrowers=BORROWERS) as scene:
        entries = await _entries(scene)
        numbers = sorted({log(entry).block for entry in entries})
        headers = await scene.chain.blocks(numbers)
        times = {header.number: header.timestamp for header in headers}
        values = [await _applied(scene, entries, times) for _ in range(3)]
        baseline = await _by_web3(scene, entries)
        return Measurement("backfill_decode_apply", max(values), "logs/s", BASELINE, baseline)


async def _entries(scene: Scene) -> list[Entry]:
    """Every log of the market that the ABIs know, as the node's JSON gives it."""
    scope = {"fromBlock": "0x0", "toBlock": hex(scene.head.number)}
    addresses = sorted(scene.market.addresses())
    found = await scene.network.node.request("eth_getLogs", {**scope, "address": addresses})
    text = json.dumps(found)
    entries: list[Entry] = json.loads(text)
    return entries


async def _applied(scene: Scene, entries: list[Entry], times: dict[int, int]) -> float:
    settings = {"addresses_provider": scene.network.market.provider}
    opening = AaveV3().open("benchmark", settings, ColumnarBook())
    market = await converse(opening, scene.chain, scene.head.number)
    await converse(market.prepare([log(entry) for entry in entries]), scene.chain, scene.head.number)

    async def apply() -> None:
        for entry in entries:
            each = log(entry)
            market.fold(each, times[each.block])

    return await rate(len(entries), apply, runs=1)  # a second run would fold the same history again


def _integers(each: Log) -> list[int]:
    topics = [topic_int(each, place) for place in range(1, len(each.topics))]
    return topics + [word(each, place) for place in range((len(each.data) - 2) // 64)]


async def _by_web3(scene: Scene, entries: list[Entry]) -> float:
    decoders = _decoders(scene)
    known = [entry for entry in entries if entry["topics"][0] in decoders][:SAMPLE]
    receipts = [_receipt(entry) for entry in known]

    async def process() -> None:
        for entry, receipt in zip(known, receipts, strict=True):
            decoders[entry["topics"][0]](receipt)

    return await rate(len(known), process)


def _decoders(scene: Scene) -> dict[str, Callable[[Any], Any]]:
    web3 = Web3()
    decoders: dict[str, Callable[[Any], Any]] = {}
    for name in ("PoolInstance", "ATokenInstance", "VariableDebtTokenInstance"):
        contract = web3.eth.contract(abi=scene.network.market.contracts[name].abi)
        events: Any = contract.events
        for event in events:
            decoders[event.topic] = event().process_log
    return decoders


def _receipt(entry: Entry) -> AttributeDict[str, Any]:
    """The log as web3's own formatters hand it to process_log."""
    numbers = ("blockNumber", "transactionIndex", "logIndex")
    return AttributeDict(
        {
            **entry,
            "topics": [HexBytes(topic) for topic in entry["topics"]],
            "data": HexBytes(entry["data"]),
            **{name: int(entry[name], 16) for name in numbers},
        }
    )
