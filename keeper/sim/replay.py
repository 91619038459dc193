"""Recorded runs of real contracts through the index, health and planning code of the keeper.

A run is one JSON file, gzipped or not: every log of a chain in order, what the contracts said at
checkpoints, and every liquidation tried. Logs are folded block by block; a checkpoint is compared at
the end of its block, a liquidation on the state its block found. What is recorded and how it is
compared is each protocol's own (`keeper.protocols.adapter.Recording`).
"""

import gzip
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from keeper.errors import ConfigError, Degraded
from keeper.index.book import ColumnarBook
from keeper.protocols.adapter import Adapter, Check, Recording
from keeper.protocols.base import Market
from keeper.protocols.registry import ADAPTERS
from keeper.types import Address, Hash, Log

FORMAT = 1

Record = Mapping[str, Any]

_SECTIONS = ("protocol", "contracts", "static", "blocks", "checkpoints", "liquidations")


@dataclass(slots=True)
class Replayed:
    """What the replay of one file compared (accounts and markets, liquidations, numbers) and found."""

    file: str
    snapshots: int = 0
    liquidations: int = 0
    checks: int = 0
    mismatches: int = 0
    first_mismatch: str | None = None

    def judge(self, block: str, checks: Iterable[Check]) -> None:
        """Count `checks`, and those that do not hold or cannot be made."""
        try:
            for check in checks:
                self.checks += 1
                if check.expected != check.actual:
                    self._differs(f"{check.what}: contracts {check.expected}, keeper {check.actual}", block)
        except Degraded as error:
            self._differs(str(error), block)

    def _differs(self, what: str, block: str) -> None:
        self.mismatches += 1
        self.first_mismatch = self.first_mismatch or f"block {block}, {what}"


def replay(path: Path, adapters: Mapping[str, Adapter] = ADAPTERS) -> Replayed:
    """Replay one file from its first log to its last.

    Raises:
        ConfigError: it cannot be read, is not of the format, or of a protocol that is not known.
    """
    document = load(path)
    recording = _recording(path, document["protocol"], adapters)
    try:
        return _run(document, recording, str(path))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def load(path: Path) -> Record:
    """Read a recorded run.

    Raises:
        ConfigError: it cannot be read, or is not of the format.
    """
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (ValueError, EOFError):
        raise ConfigError(f"{path}: not JSON, nor gzipped JSON; a recorded run is expected") from None
    if not isinstance(document, dict) or str(document.get("format")) != str(FORMAT):
        raise ConfigError(f"{path}: not a recorded run of format {FORMAT}")
    missing = [section for section in _SECTIONS if section not in document]
    if missing:
        raise ConfigError(f"{path}: not a recorded run: it has no {', '.join(missing)}")
    return document


def _recording(path: Path, protocol: str, adapters: Mapping[str, Adapter]) -> Recording:
    adapter = adapters.get(protocol)
    if adapter is None or adapter.recording is None:
        known = ", ".join(sorted(name for name, each in adapters.items() if each.recording))
        raise ConfigError(f"{path}: recorded from {protocol}, which cannot be replayed; known: {known}")
    return adapter.recording


class Scene(NamedTuple):
    """A recorded block, and what was recorded of the state at its end.

    `readings` are what no log carries, `checkpoints` what the contracts said, `attempts` the liquidations
    tried on this state.
    """

    block: Record
    readings: Sequence[Record]
    checkpoints: Sequence[Record]
    attempts: Sequence[Record]


def scenes(document: Record) -> list[Scene]:
    """A run block by block.

    Raises:
        ConfigError: it refers to a block that it does not hold.
    """
    readings = deque(sorted(document.get("reads", ()), key=lambda reading: int(reading["block"])))
    checkpoints = _by_block(document["checkpoints"], "block")
    attempts = _by_block(document["liquidations"], "state_block")
    found = []
    for block in document["blocks"]:
        number = block["number"]
        due = []
        # What was read at a block without logs belongs to the next one.
        while readings and int(readings[0]["block"]) <= int(number):
            due.append(readings.popleft())
        found.append(Scene(block, due, checkpoints.pop(number, ()), attempts.pop(number, ())))
    if checkpoints or attempts or readings:
        absent = min({*checkpoints, *attempts, *(reading["block"] for reading in readings)}, key=int)
        raise ConfigError(f"it refers to block {absent}, which it does not hold")
    return found


def play(scene: Scene, market: Market, recording: Recording) -> None:
    """Fold a scene's logs into the market and take over what was read."""
    timestamp = int(scene.block["timestamp"])
    for log in logs_of(scene.block):
        market.fold(log, timestamp)
    for reading in scene.readings:
        recording.read(market, reading)


def _run(document: Record, recording: Recording, file: str) -> Replayed:
    result = Replayed(file)
    market = recording.open(document, ColumnarBook())
    for scene in scenes(document):
        number = scene.block["number"]
        play(scene, market, recording)
        for checkpoint in scene.checkpoints:
            result.snapshots += recording.subjects(checkpoint)
            result.judge(number, recording.checkpoint(market, checkpoint))
        for attempt in scene.attempts:
            result.liquidations += 1
            result.judge(number, recording.liquidation(market, attempt))
    result.judge(document["blocks"][-1]["number"], [Check("doubt", None, market.doubt)])
    return result


def _by_block(records: Iterable[Record], field: str) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        found[record[field]].append(record)
    return found


def logs_of(block: Record) -> Iterator[Log]:
    """The logs of a recorded block, as a node would send them."""
    for log in block["logs"]:
        yield Log(
            address=Address(log["address"].lower()),
            topics=tuple(log["topics"]),
            data=log["data"],
            block_hex=hex(int(block["number"])),
            block_hash=Hash(block["hash"]),
            tx_hash=Hash(log["tx_hash"]),
            tx_index_hex=hex(int(log["tx_index"])),
            log_index_hex=hex(int(log["log_index"])),
        )
