"""Brings one deployment's market to a block, and keeps it there through new heads and reorganisations."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from keeper.errors import ConfigError, Degraded, Transient
from keeper.garbage import left_lying
from keeper.index.book import ColumnarBook
from keeper.index.conversation import Foreseen, converse
from keeper.index.journal import DEPTH
from keeper.index.snapshot import Snapshot, decode, pieces
from keeper.index.store import SnapshotStore
from keeper.ports import ChainReader, LogRange, LogRanges, LogSource, Priority, priority
from keeper.protocols.adapter import Adapter
from keeper.protocols.base import LiquidationEvent, Market
from keeper.types import Address, BlockRef, Call, Hash, Log

STRIDE = 20_000
"""Blocks folded before the cursor moves: bounds memory, and what an interrupted backfill repeats."""

Progress = Callable[[int, int], None]
"""Told (block reached, block wanted) during a backfill."""


Fetch = Callable[[frozenset[Address]], Awaitable[list[Log]]]
"""The logs of contracts, in blocks that it knows."""


class Liquidated(NamedTuple):
    """A liquidation on the chain, number `place` of its transaction; `time` in Unix seconds."""

    event: LiquidationEvent
    block: int
    time: int
    tx_hash: Hash
    place: int


def fold(market: Market, logs: Iterable[Log], timestamps: Mapping[int, int]) -> None:
    """Fold `logs` into `market`; `timestamps` are seconds by block number."""
    seconds = {text: timestamps[int(text, 16)] for text in {log.block_hex for log in logs}}
    fold_one = market.fold
    with left_lying():
        for log in logs:
            fold_one(log, seconds[log.block_hex])


class Follower:
    """One deployment's index: restored or opened by `start`, moved by `follow`."""

    market: Market
    cursor: BlockRef
    _origin: BlockRef

    def __init__(
        self,
        chain: ChainReader,
        adapter: Adapter,
        deployment: str,
        settings: Mapping[str, Any],
        *,
        snapshots: SnapshotStore | None = None,
        history: LogSource | None = None,
        start_block: int = 0,
        progress: Progress = lambda _reached, _wanted: None,
    ) -> None:
        self._chain = chain
        self._adapter = adapter
        self._deployment = deployment
        self._settings = settings
        self._snapshots = snapshots
        self._history = history
        self._start_block = start_block
        self._progress = progress
        self._book = ColumnarBook()
        self._asked: Collection[Call] = ()
        self._usual: Sequence[Call] = ()
        self.liquidations: list[Liquidated] = []
        """Those in the blocks that the last `follow` went through."""
        self.undone = 0
        """Blocks that the last `follow` took back because they are no longer on the chain."""

    async def start(self, head: BlockRef) -> None:
        """Restore the newest snapshot that is still on the chain, else begin at the start block.

        Raises:
            ConfigError: the deployment's addresses are wrong or its version is unknown.
        """
        self._origin = await self._chain.block(self._before(head))
        self._book, self.cursor = await self._restored(head)
        opening = self._adapter.open(self._deployment, self._settings, self._book)
        self.market = await converse(opening, self._chain, head.number)

    async def follow(self, head: BlockRef) -> None:
        """Bring the market to the end of block `head`. A head the book already passed changes nothing.

        Raises:
            Transient: the chain moved under the reads; the book is intact, try again.
        """
        self.undone = 0
        self.liquidations = []
        if not (head.number == self.cursor.number + 1 and head.parent == self.cursor.hash):
            await self._unwind(head)
        if self._history is not None and self.cursor.number < head.number - 2 * DEPTH:
            await self._backfill(self._history, head)
        told: dict[Call, bytes | None] = {}
        if head.number == self.cursor.number + 1 and head.parent == self.cursor.hash:
            told = await self._step(head)
        while self.cursor.number < head.number:
            last = min(self.cursor.number + STRIDE, head.number)
            await self._advance(last, head)
            self._progress(last, head.number)
        if self.cursor.hash == head.hash:
            await self._refresh(head, told)

    async def save(self, finalized: int) -> None:
        """Store a snapshot of the book as it stands, if a store was given."""
        if self._snapshots is None:
            return
        block, packed = self.cursor, list[bytes]()
        for piece in pieces(self._book.state()):
            packed.append(piece)
            await asyncio.sleep(0)  # packing a large book takes long: others get their turn in between
        await self._snapshots.save(Snapshot(block, b"".join(packed)), finalized)

    async def _restored(self, head: BlockRef) -> tuple[ColumnarBook, BlockRef]:
        for snapshot in await self._snapshots.load(head.number) if self._snapshots else []:
            if not await self._canonical(snapshot.block):
                continue
            try:
                return decode(snapshot.book, self._adapter.record_types), snapshot.block
            except Degraded:
                continue  # another version's snapshot: logs rebuild what it held
        return ColumnarBook(), self._origin

    def _before(self, head: BlockRef) -> int:
        """The block before the first that is read."""
        before = max(self._start_block - 1, 0)
        if before > head.number:
            raise ConfigError(
                f"deployment {self._deployment!r}: start_block {self._start_block} is later than block "
                f"{head.number}; write the block it was deployed in, or 0"
            )
        return before

    async def _unwind(self, head: BlockRef) -> None:
        if await self._canonical(self.cursor):
            return
        if await self._elsewhere():
            # No fork is that deep: the book is right, and what the node shows now is not its chain.
            raise Transient(f"block {self._origin.number} has another hash: the node serves another chain")
        while not await self._canonical(self.cursor):
            previous = self._book.journal.undo_last()
            self.undone += 1
            if previous is None:
                await self.start(head)
                return
            self.cursor = previous

    async def _elsewhere(self) -> bool:
        try:
            return (await self._chain.block(self._origin.number)).hash != self._origin.hash
        except Degraded:
            return False  # a node may have dropped its old headers

    async def _canonical(self, block: BlockRef) -> bool:
        try:
            return (await self._chain.block(block.number)).hash == block.hash
        except Degraded:
            return False

    async def _backfill(self, history: LogSource, head: BlockRef) -> None:
        """Fold what is too old to be undone, while the ranges behind it load."""
        first, last = self.cursor.number + 1, head.number - DEPTH
        with priority(Priority.BACKFILL):
            async with history.log_ranges(self.market.addresses(), first, last) as ranges:
                async for found in ranges:
                    await self._fold_range(found, ranges, head)
                    self._progress(found.last, head.number)

    async def _fold_range(self, found: LogRange, ranges: LogRanges, head: BlockRef) -> None:
        fetch = partial(self._chain.logs, first=found.first, last=found.last)
        logs = await self._completed(found.logs, self.market.addresses(), fetch)
        ranges.include(self.market.discovered(logs))
        last = await self._chain.block(found.last)
        late = sorted({log.block for log in logs} - found.timestamps.keys())
        more = {header.number: header.timestamp for header in await self._headers(late)}
        timestamps = {**found.timestamps, **more}
        await converse(self.market.prepare(logs), self._chain, head.number)
        fold(self.market, logs, timestamps)
        self.cursor = last

    async def _refresh(self, head: BlockRef, told: Mapping[Call, bytes | None]) -> None:
        foreseen = Foreseen(self._chain, told)
        await converse(self.market.refresh(head), foreseen, head)
        # What was asked twice in a row will be asked again; what had to be learnt once will not.
        self._usual = [call for call in foreseen.asked if call in self._asked]
        self._asked = foreseen.asked

    async def _step(self, head: BlockRef) -> dict[Call, bytes | None]:
        """One block more, as a rule: its logs are asked for by its hash, and what usually is asked with them.

        Returns the answers at `head`.
        """
        wanted, usual = self.market.addresses(), self._usual
        found = await self._chain.logs_in(head, wanted, usual)

        async def fetch(addresses: frozenset[Address]) -> list[Log]:
            return (await self._chain.logs_in(head, addresses)).logs

        logs = await self._completed(found.logs, wanted, fetch)
        await converse(self.market.prepare(logs), self._chain, head.number)
        self._fold(head, logs, head)
        self._progress(head.number, head.number)
        return {} if found.results is None else dict(zip(usual, found.results, strict=True))

    async def _advance(self, last: int, head: BlockRef) -> None:
        logs = await self._logs(self.cursor.number + 1, last)
        numbers = sorted({log.block for log in logs} | {last})
        headers = dict(zip(numbers, await self._headers(numbers), strict=True))
        if last == head.number and headers[last].hash != head.hash:
            raise Transient(f"block {last} was replaced while its logs were read")
        for log in logs:
            if log.block_hash != headers[log.block].hash:
                raise Transient(f"block {log.block} was replaced while its logs were read")
        await converse(self.market.prepare(logs), self._chain, head.number)
        grouped = {number: list(group) for number, group in groupby(logs, key=lambda log: log.block)}
        for number in numbers:
            self._fold(headers[number], grouped.get(number, ()), head)

    async def _headers(self, numbers: Sequence[int]) -> list[BlockRef]:
        try:
            return await self._chain.blocks(numbers)
        except Degraded as error:
            # There was a head above these blocks, so a reorganisation or a node that lags took them away.
            raise Transient(str(error)) from None

    def _fold(self, block: BlockRef, logs: Iterable[Log], head: BlockRef) -> None:
        logs = list(logs)
        if block.number > head.number - DEPTH:
            self._book.journal.open_block(self.cursor)
            self.liquidations += self._liquidated(block, logs)
        for log in logs:
            self.market.fold(log, block.timestamp)
        self.cursor = block

    def _liquidated(self, block: BlockRef, logs: Iterable[Log]) -> Iterator[Liquidated]:
        # Some protocols tell of one liquidation in several logs, all of one transaction.
        for tx_hash, group in groupby(logs, key=lambda log: log.tx_hash):
            for place, event in enumerate(self.market.liquidation_events(list(group))):
                yield Liquidated(event, block.number, block.timestamp, tx_hash, place)

    async def _logs(self, first: int, last: int) -> list[Log]:
        fetch = partial(self._chain.logs, first=first, last=last)
        wanted = self.market.addresses()
        return await self._completed(await fetch(wanted), wanted, fetch)

    async def _completed(self, logs: list[Log], wanted: frozenset[Address], fetch: Fetch) -> list[Log]:
        """Add the logs of contracts that these logs themselves bring into being."""
        known = set(wanted)
        while fresh := self.market.discovered(logs) - known:
            known |= fresh
            logs = sorted([*logs, *await fetch(fresh)], key=lambda log: (log.block, log.log_index))
        return logs
