"""What the conformance suite is made of: recorded runs of every registered protocol, wound to and fro."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keeper.index.book import ColumnarBook
from keeper.index.snapshot import decode, encode
from keeper.protocols.base import Health, Market, Reads, Side
from keeper.protocols.registry import ADAPTERS
from keeper.sim.replay import Record, Scene, load, play, scenes
from keeper.types import Address, BlockRef, Call, Hash

DATA = Path(__file__).parent / "vectors/data"
SHARED = Path(__file__).parents[2] / "shared/vectors"
"""The whole collection of runs, where it stands beside the repository."""

NO_RUN: Mapping[str, str] = {
    "aave-v2": "no run was recorded; held against the contracts on a local chain instead",
    "compound-v2": "no package has its contracts and no run was recorded; shares code and runs with venus",
}
"""Protocols that have no recorded run, and why that is accepted."""

OTHER_TERMS: Mapping[str, str] = {
    "aave-v4": "liquidators of the runs also took shares, worth a unit less than the tokens we take",
    "morpho-blue": "liquidators of the runs named the collateral or shares to repay, we name what we repay",
    "venus": "liquidators of the runs kept the vTokens they seized, we redeem them in the same call",
}
"""Protocols whose recorded liquidators asked in other terms than we would, so that amounts differ a little.

Their Recording compares each call as it was made, exactly."""


def runs(protocol: str) -> list[Path]:
    """Recorded runs of a protocol: files whose names begin with its own."""
    found = {path.name: path for folder in (SHARED, DATA) for path in folder.glob(f"{protocol}*.json.gz")}
    return [found[name] for name in sorted(found)]


loaded = cache(load)

each_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=lambda adapter: adapter.protocol)
each_run = pytest.mark.parametrize(
    "path", [path for name in ADAPTERS for path in runs(name)], ids=lambda path: path.name.split(".json")[0]
)


class Tape:
    """A recorded run in a market: wound forward block by block, and back."""

    def __init__(self, path: Path, book: ColumnarBook | None = None) -> None:
        self.path = path
        self.document: Record = loaded(path)
        self.adapter = ADAPTERS[self.document["protocol"]]
        assert self.adapter.recording is not None
        self.recording = self.adapter.recording
        self.scenes: list[Scene] = scenes(self.document)
        self.place = 0
        self.book = book or ColumnarBook()
        self.market: Market = self.recording.open(self.document, self.book)

    def forward(self) -> Scene:
        """Fold the next block and take over what was read or reported at its end; its scene."""
        scene = self.scenes[self.place]
        self.book.journal.open_block(_block(scene))
        play(scene, self.market, self.recording)
        for checkpoint in scene.checkpoints:
            for _ in self.recording.checkpoint(self.market, checkpoint):
                pass
        self.place += 1
        return scene

    def forward_to(self, place: int) -> None:
        while self.place < place:
            self.forward()

    def back(self, blocks: int) -> None:
        """Undo that many blocks."""
        for _ in range(blocks):
            assert self.book.journal.undo_last() is not None
        self.place -= blocks

    def block(self) -> BlockRef:
        """The block last folded."""
        return _block(self.scenes[self.place - 1])

    def restarted(self) -> "Tape":
        """The same run at the same place, continued from what a snapshot of the book keeps."""
        tape = Tape(self.path, decode(encode(self.book), self.adapter.record_types))
        tape.place = self.place
        return tape

    def healths(self) -> dict[Address, Health]:
        """Health of every account that holds or owes anything, at the block last folded."""
        frame = self.frame()
        return {account: self.market.health(account, frame) for account in self.holders()}

    def holders(self) -> list[Address]:
        """Accounts that hold or owe anything."""
        return [account for account in self.book.accounts() if any(self.book.legs(account))]

    def frame(self) -> Any:
        """The market's numbers at the block last folded."""
        return self.frame_of(self.scenes[self.place - 1].block)

    def frame_of(self, record: Record) -> Any:
        """The market's numbers at the time of a recorded block or attempt."""
        number = record["number"] if "number" in record else record["block"]
        return self.market.frame(int(record["timestamp"]), number=int(number))


def contents(book: ColumnarBook) -> tuple[Any, Any, Any]:
    """What a book says, whatever way it was arrived at: groups, legs, and records."""
    accounts = book.accounts()
    groups = {account: group for account in accounts if (group := book.group(account))}
    legs = {
        (accounts[row], asset, side): (quantity, enabled)
        for row, asset, side, quantity, enabled in book.state().legs()
        if quantity or (side == Side.COLLATERAL and enabled)
    }
    return groups, legs, dict(book.records())


def _block(scene: Scene) -> BlockRef:
    block = scene.block
    return BlockRef(
        int(block["number"]), Hash(block["hash"]), Hash(block["parent"]), int(block["timestamp"]), 0
    )


class WrongLeg(NamedTuple):
    """A leg of a book and what it is to be mistaken for."""

    account: Address
    asset: int
    side: Side
    quantity: int
    enabled: bool

    def put(self, book: ColumnarBook) -> None:
        book.set_quantity(self.account, self.asset, self.side, self.quantity)
        if self.side is Side.COLLATERAL:
            book.set_enabled(self.account, self.asset, self.enabled)


def wrong_legs(book: ColumnarBook, account: Address) -> Iterator[WrongLeg]:
    """Each leg of an account gone, halved, doubled, and counted as collateral by mistake or not."""
    for asset, side, quantity, enabled in book.legs(account):
        for mistaken in (0, quantity // 2, quantity * 2):
            yield WrongLeg(account, asset, side, mistaken, enabled)
        if side is Side.COLLATERAL:
            yield WrongLeg(account, asset, side, quantity, not enabled)


def drive(reads: Reads[Any], answer: Callable[[Call], bytes | None]) -> Any:
    """Hold a conversation with a node that gives every call the answer `answer` makes up."""
    try:
        calls = next(reads)
        while True:
            calls = reads.send([answer(call) for call in calls])
    except StopIteration as stop:
        return stop.value


def shaken(reading: Record, factor: float) -> Record:
    """A reading whose numbers came out `factor` times as large."""
    return {**reading, "result": _scaled(reading["result"], factor)}


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [_scaled(each, factor) for each in value]
    return str(int(int(value) * factor)) if isinstance(value, str) and value.isdigit() else value
