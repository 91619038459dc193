"""Feeds a recorded run of real contracts to a market, log by log, and compares all it derives.

Format: vectors/README.md. What a protocol records and how it is compared is the protocol's own
(`Comparison`); the order of blocks, logs, checkpoints and liquidations is the same for all.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from keeper.protocols.base import Market
from keeper.types import Address, Hash, Log

Record = Mapping[str, Any]


class Check(NamedTuple):
    """One number (or set of numbers) as the contracts reported it and as the market derived it."""

    what: str
    expected: Any
    actual: Any


class Comparison(Protocol):
    """How one protocol's records are compared. A checkpoint's subjects are its accounts and markets."""

    def subjects(self, checkpoint: Record) -> int: ...
    def checkpoint(self, market: Market, checkpoint: Record) -> Iterable[Check]: ...
    def liquidation(self, market: Market, attempt: Record) -> Iterable[Check]: ...


@dataclass(slots=True)
class Result:
    """What a replay compared and found."""

    snapshots: int = 0
    liquidations: int = 0
    checks: int = 0
    mismatches: list[str] = field(default_factory=list)

    def judge(self, block: str, checks: Iterable[Check]) -> None:
        """Count `checks` and keep those that do not hold."""
        for check in checks:
            self.checks += 1
            if check.expected != check.actual:
                self.mismatches.append(
                    f"block {block}, {check.what}: contracts {check.expected}, keeper {check.actual}"
                )


def load(path: Path) -> Record:
    """Read one recorded run."""
    document: Record = json.loads(gzip.decompress(path.read_bytes()))
    assert int(document["format"]) == 1
    return document


def logs_of(block: Record) -> Iterator[Log]:
    """The logs of a recorded block, as a node would send them."""
    for log in block["logs"]:
        yield Log(
            address=Address(log["address"].lower()),
            topics=tuple(log["topics"]),
            data=log["data"],
            block=int(block["number"]),
            block_hash=Hash(block["hash"]),
            tx_hash=Hash(log["tx_hash"]),
            tx_index=int(log["tx_index"]),
            log_index=int(log["log_index"]),
        )


def replay(document: Record, market: Market, comparison: Comparison) -> Result:
    """Fold every block; at its end compare the checkpoints and the liquidations tried on that state."""
    checkpoints, attempts = defaultdict(list), defaultdict(list)
    for checkpoint in document["checkpoints"]:
        checkpoints[checkpoint["block"]].append(checkpoint)
    for attempt in document["liquidations"]:
        attempts[attempt["state_block"]].append(attempt)
    result = Result()
    for block in document["blocks"]:
        for log in logs_of(block):
            market.fold(log, int(block["timestamp"]))
        for checkpoint in checkpoints.pop(block["number"], ()):
            result.snapshots += comparison.subjects(checkpoint)
            result.judge(block["number"], comparison.checkpoint(market, checkpoint))
        for attempt in attempts.pop(block["number"], ()):
            result.liquidations += 1
            result.judge(block["number"], comparison.liquidation(market, attempt))
    assert not checkpoints, "checkpoints of blocks that were not recorded"
    assert not attempts, "liquidations on blocks that were not recorded"
    return result
