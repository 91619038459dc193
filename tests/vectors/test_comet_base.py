"""Base balances between two reads: the contract's arithmetic on the logs, against what it recorded.

The runs accrue and transfer silently, as users of a comet may. Where they do not, totals and the principal
of every account are exactly the recorded ones; where only an accrual was silent, catching up with it is.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from keeper.index.book import ColumnarBook
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.math import Indexes, Totals, accrued
from keeper.protocols.comet.recording import CometRecording
from keeper.protocols.comet.records import principal, terms
from keeper.sim.replay import logs_of
from keeper.types import Address
from tests.comet_world import document


def checkpoints(run: dict[str, Any]) -> Iterator[tuple[CometMarket, dict[str, Any]]]:
    """The market before it is told what the contract said at each checkpoint but the first."""
    recording = CometRecording()
    market = recording.open(run, ColumnarBook())
    said = {checkpoint["block"]: checkpoint for checkpoint in run["checkpoints"]}
    reads = deque(sorted(run["reads"], key=lambda reading: int(reading["block"])))
    for block in run["blocks"]:
        for log in logs_of(block):
            market.fold(log, int(block["timestamp"]))
        while reads and int(reads[0]["block"]) <= int(block["number"]):
            recording.read(market, reads.popleft())
        checkpoint = said.get(block["number"])
        if checkpoint:
            if market.book.get(("totals",)) is not None:
                yield market, checkpoint
            assert list(recording.checkpoint(market, checkpoint))


def recorded_totals(checkpoint: dict[str, Any]) -> Totals:
    (record,) = checkpoint["markets"].values()
    supply_index, borrow_index, _, _, supply, borrow, updated, _ = map(int, record["totals_basic"])
    return Totals(Indexes(supply_index, borrow_index), supply, borrow, updated)


def test_fold__between_checkpoints__principals_and_totals_as_recorded() -> None:
    principals = totals = intervals = 0
    for market, checkpoint in checkpoints(document()):
        intervals += 1
        book, fixed = market.book, terms(market.book)
        derived = {name: principal(book, Address(name.lower())) for name in checkpoint["accounts"]}
        principals += derived == {
            name: int(each["principal"]) for name, each in checkpoint["accounts"].items()
        }
        expected = recorded_totals(checkpoint)
        totals += accrued(book.get(("totals",)), fixed.supply, fixed.borrow, expected.updated) == expected
    assert intervals == 94
    assert principals >= 75, "all but those with silent steps"
    assert totals >= 70, "all but those with silent steps"
