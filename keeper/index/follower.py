"""Brings one deployment's market to a block, and keeps it there through new heads and reorganisations."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from keeper.errors import Degraded, Transient
from keeper.index.book import ColumnarBook
from keeper.index.conversation import converse
from keeper.index.journal import DEPTH
from keeper.index.snapshot import Snapshot, decode, encode
from keeper.index.store import SnapshotStore
from keeper.ports import ChainReader
from keeper.protocols.base import Adapter, Market
from keeper.types import BlockRef, Log

STRIDE = 20_000
"""Blocks folded before the cursor moves: bounds memory, and what an interrupted backfill repeats."""

Progress = Callable[[int, int], None]
"""Told (block reached, block wanted) during a backfill."""


class Follower:
    """One deployment's index: restored or opened by `start`, moved by `follow`."""

    market: Market
    cursor: BlockRef

    def __init__(
        self,
        chain: ChainReader,
        adapter: Adapter,
        deployment: str,
        settings: Mapping[str, Any],
        *,
        snapshots: SnapshotStore | None = None,
        start_block: int = 0,
        progress: Progress = lambda _reached, _wanted: None,
    ) -> None:
        self._chain = chain
        self._adapter = adapter
        self._deployment = deployment
        self._settings = settings
        self._snapshots = snapshots
        self._start_block = start_block
        self._progress = progress
        self._book = ColumnarBook()

    async def start(self, head: BlockRef) -> None:
        """Restore the newest snapshot that is still on the chain, else begin at the start block.

        Raises:
            ConfigError: the deployment's addresses are wrong or its version is unknown.
        """
        self._book, self.cursor = await self._restored(head)
        opening = self._adapter.open(self._deployment, self._settings, self._book)
        self.market = await converse(opening, self._chain, head.number)

    async def follow(self, head: BlockRef) -> None:
        """Bring the market to the end of block `head`. A head the book already passed changes nothing.

        Raises:
            Transient: the chain moved under the reads; the book is intact, try again.
        """
        if not (head.number == self.cursor.number + 1 and head.parent == self.cursor.hash):
            await self._unwind(head)
        while self.cursor.number < head.number:
            last = min(self.cursor.number + STRIDE, head.number)
            await self._advance(last, head)
            self._progress(last, head.number)
        if self.cursor.hash == head.hash:
            await converse(self.market.refresh(), self._chain, head.number)

    async def save(self, finalized: int) -> None:
        """Store a snapshot of the book as it stands, if a store was given."""
        if self._snapshots is not None:
            await self._snapshots.save(Snapshot(self.cursor, encode(self._book)), finalized)

    async def _restored(self, head: BlockRef) -> tuple[ColumnarBook, BlockRef]:
        for snapshot in await self._snapshots.load(head.number) if self._snapshots else []:
            if not await self._canonical(snapshot.block):
                continue
            try:
                return decode(snapshot.book, self._adapter.record_types), snapshot.block
            except Degraded:
                continue  # another version's snapshot: logs rebuild what it held
        before = max(self._start_block - 1, 0)
        return ColumnarBook(), await self._chain.block(before)

    async def _unwind(self, head: BlockRef) -> None:
        while not await self._canonical(self.cursor):
            previous = self._book.journal.undo_last()
            if previous is None:
                await self.start(head)
                return
            self.cursor = previous

    async def _canonical(self, block: BlockRef) -> bool:
        try:
            return (await self._chain.block(block.number)).hash == block.hash
        except Degraded:
            return False

    async def _advance(self, last: int, head: BlockRef) -> None:
        logs = await self._logs(self.cursor.number + 1, last)
        numbers = sorted({log.block for log in logs} | {last})
        headers = dict(zip(numbers, await self._chain.blocks(numbers), strict=True))
        if last == head.number and headers[last].hash != head.hash:
            raise Transient(f"block {last} was replaced while its logs were read")
        for log in logs:
            if log.block_hash != headers[log.block].hash:
                raise Transient(f"block {log.block} was replaced while its logs were read")
        grouped = {number: list(group) for number, group in groupby(logs, key=lambda log: log.block)}
        for number in numbers:
            self._fold(headers[number], grouped.get(number, ()), head)

    def _fold(self, block: BlockRef, logs: Iterable[Log], head: BlockRef) -> None:
        if block.number > head.number - DEPTH:
            self._book.journal.open_block(self.cursor)
        for log in logs:
            self.market.fold(log, block.timestamp)
        self.cursor = block

    async def _logs(self, first: int, last: int) -> list[Log]:
        wanted = self.market.addresses()
        logs = await self._chain.logs(wanted, first, last)
        known = set(wanted)
        while fresh := self.market.discovered(logs) - known:
            known |= fresh
            logs = sorted(
                [*logs, *await self._chain.logs(fresh, first, last)],
                key=lambda log: (log.block, log.log_index),
            )
        return logs
