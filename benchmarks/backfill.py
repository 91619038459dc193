"""From a node's JSON to the book: decoding and folding logs, against web3.

Both sides begin with the JSON objects of an answer that has just been parsed, a page of logs at a time.
web3's way from there to integers is its own formatter of log objects, which every answer to eth_getLogs
passes, and then the event's `process_log`. What `process_log` takes alone, on logs that are formatted
already, is printed besides, as is the ratio to it.
"""

import json
from collections.abc import Callable, Collection, Iterator
from time import process_time
from typing import Any

from web3 import Web3
from web3._utils.method_formatters import log_entry_formatter
from web3.datastructures import AttributeDict

from benchmarks.measure import Measurement
from benchmarks.scene import Scene, followed
from keeper.chain.decode import logs
from keeper.index.book import ColumnarBook
from keeper.index.conversation import converse
from keeper.index.follower import fold
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.decode import topic_address, topic_int, words
from keeper.types import Log

BORROWERS = 800
RUNS = 40
"""The fastest counts, of web3 as well: one takes a fiftieth of a second, and whoever is beside it shows."""
PAGE = 1_000
"""Logs in an answer of the node."""
SAMPLE = 250
"""Logs from all over the history that web3 decodes in a run, twice as long as the keeper takes for all."""

BASELINE = "web3 log formatter and process_log"
Entry = dict[str, Any]


async def backfill_decode() -> Measurement:
    """Logs a second from JSON objects to addresses and integers, every topic and every word."""
    async with followed(borrowers=BORROWERS) as scene:
        readers = _readers(scene)
        pages = await _pages(scene, readers)

        def decode(entries: list[Entry]) -> None:
            for each in logs(entries):
                topics = [read(each, place) for place, read in readers[each.topics[0]]]
                topics += words(each, len(each.data) // 64)

        value = max(_rate(pages, decode) for _ in range(RUNS))
        return _against_web3("backfill_decode", value, scene, pages)


async def backfill_decode_apply() -> Measurement:
    """Logs a second from JSON objects into the book, the whole history of a market on one core."""
    async with followed(borrowers=BORROWERS) as scene:
        pages = await _pages(scene)
        found = [each for page in pages for each in logs(json.loads(page))]
        headers = await scene.chain.blocks(sorted({each.block for each in found}))
        times = {header.number: header.timestamp for header in headers}
        value = max([await _applied(scene, pages, found, times) for _ in range(RUNS)])
        return _against_web3("backfill_decode_apply", value, scene, pages)


async def _pages(scene: Scene, topics: Collection[str] = ()) -> list[str]:
    """Every log of the market as the node's JSON gives it, in order; where `topics` are given only those."""
    scope = {"fromBlock": "0x0", "toBlock": hex(scene.head.number)}
    addresses = sorted(scene.market.addresses())
    found = await scene.network.node.request("eth_getLogs", {**scope, "address": addresses})
    found = [entry for entry in found if not topics or entry["topics"][0] in topics]
    return [json.dumps(found[start : start + PAGE]) for start in range(0, len(found), PAGE)]


def _rate(pages: list[str], work: Callable[[list[Entry]], None]) -> float:
    """Logs per second of processor time that `work` takes for the objects of a page, without parsing."""
    seconds, count = 0.0, 0
    for page in pages:
        entries = json.loads(page)
        start = process_time()
        work(entries)
        seconds += process_time() - start
        count += len(entries)
    return count / seconds


async def _applied(scene: Scene, pages: list[str], found: list[Log], times: dict[int, int]) -> float:
    settings = {"addresses_provider": scene.network.market.provider}
    opening = AaveV3().open("benchmark", settings, ColumnarBook())
    market = await converse(opening, scene.chain, scene.head.number)
    await converse(market.prepare(found), scene.chain, scene.head.number)

    def apply(entries: list[Entry]) -> None:
        fold(market, logs(entries), times)

    return _rate(pages, apply)


def _readers(scene: Scene) -> dict[str, list[tuple[int, Callable[[Log, int], Any]]]]:
    """What reads the indexed arguments of an event, by its first topic."""
    return {
        event.topic: [
            (place, topic_address if argument["type"] == "address" else topic_int)
            for place, argument in enumerate((each for each in event.abi["inputs"] if each["indexed"]), 1)
        ]
        for event in _events(scene)
    }


def _against_web3(name: str, value: float, scene: Scene, pages: list[str]) -> Measurement:
    decoders = {event.topic: event().process_log for event in _events(scene)}
    found = [entry for page in pages for entry in json.loads(page) if entry["topics"][0] in decoders]
    page = json.dumps(found[:: len(found) // SAMPLE][:SAMPLE])
    formatted = [_formatted(entry) for entry in json.loads(page)]

    def from_json(entries: list[Entry]) -> None:
        for entry in entries:
            decoders[entry["topics"][0]](_formatted(entry))

    def process(entries: list[Entry]) -> None:
        for entry, ready in zip(entries, formatted, strict=True):
            decoders[entry["topics"][0]](ready)

    baseline, alone = (max(_rate([page], work) for _ in range(RUNS)) for work in (from_json, process))
    also = {"process_log_alone": round(alone, 1), "ratio_process_log_alone": round(value / alone, 2)}
    return Measurement(name, value, "logs/s", BASELINE, baseline, also)


def _events(scene: Scene) -> Iterator[Any]:
    """What web3 knows of the events of the market's contracts."""
    for contract in scene.network.market.contracts.values():
        if any(each["type"] == "event" for each in contract.abi):
            events: Any = Web3().eth.contract(abi=contract.abi).events
            yield from events


def _formatted(entry: Entry) -> AttributeDict[str, Any]:
    """A log object as web3 hands it to its users."""
    return AttributeDict(log_entry_formatter(entry))
