"""A long history of logs: several ranges load while the reader works on one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from keeper.beside import open_group
from keeper.chain.logs import Found, LogScanner, Span, in_chain_order
from keeper.errors import KeeperError, Transient
from keeper.ports import LogRange, LogRanges
from keeper.types import Address, BlockRef, Log

FetchFound = Callable[[Sequence[Address], int, int], Awaitable[Found]]
ReadBlocks = Callable[[Sequence[int]], Awaitable[list[BlockRef]]]


class _Loading(NamedTuple):
    first: int
    last: int
    addresses: frozenset[Address]
    task: asyncio.Task[LogRange | KeeperError]


class RangeReader:
    """Opens histories over `fetch`; `blocks` gives the timestamps that the node leaves out of its logs.

    `span` is asked for every range how many blocks it may have.
    """

    def __init__(
        self, fetch: FetchFound, blocks: ReadBlocks, span: Callable[[], Span], *, in_flight: int = 4
    ) -> None:
        self._fetch = fetch
        self._blocks = blocks
        self.span = span
        self.in_flight = in_flight

    @asynccontextmanager
    async def open(self, addresses: Collection[Address], first: int, last: int) -> AsyncIterator[LogRanges]:
        """Ranges of first..last in order; see `keeper.ports.LogSource`."""
        async with open_group() as group:
            ranges = _Ranges(self, group, addresses, range(first, last + 1))
            try:
                yield ranges
            finally:
                ranges.cancel()

    async def read(self, addresses: Collection[Address], first: int, last: int) -> LogRange:
        """One range, however many requests it takes."""
        timestamps: dict[int, int] = {}

        async def fetch(some: Sequence[Address], start: int, end: int) -> list[Log]:
            found = await self._fetch(some, start, end)
            timestamps.update(found.timestamps)
            return found.logs

        logs = await LogScanner(fetch, span=self.span).logs(addresses, first, last)
        hashes = {log.block: log.block_hash for log in logs}
        unknown = sorted(hashes.keys() - timestamps.keys())
        for block in await self._blocks(unknown) if unknown else ():
            if block.hash != hashes[block.number]:
                raise Transient(f"block {block.number} was replaced while its logs were read")
            timestamps[block.number] = block.timestamp
        return LogRange(first, last, logs, timestamps)


class _Ranges:
    """`keeper.ports.LogRanges`: starts another range only when one is taken, so the reader sets the pace."""

    def __init__(
        self, reader: RangeReader, group: asyncio.TaskGroup, addresses: Collection[Address], wanted: range
    ) -> None:
        self._reader = reader
        self._group = group
        self._addresses = frozenset(addresses)
        self._wanted = wanted
        self._loading: deque[_Loading] = deque()

    def __aiter__(self) -> "_Ranges":
        return self

    async def __anext__(self) -> LogRange:
        while len(self._loading) < self._reader.in_flight and self._wanted:
            self._start()
        if not self._loading:
            raise StopAsyncIteration
        loading = self._loading[0]
        # Whoever stops waiting, on a deadline of his own, must find the range still loading.
        await asyncio.wait({loading.task})
        self._loading.popleft()
        loaded = loading.task.result()
        if isinstance(loaded, KeeperError):
            raise loaded
        while late := self._addresses - loading.addresses:
            more = await self._reader.read(late, loading.first, loading.last)
            logs = in_chain_order([*loaded.logs, *more.logs])
            timestamps = {**loaded.timestamps, **more.timestamps}
            loaded = loaded._replace(logs=logs, timestamps=timestamps)
            loading = loading._replace(addresses=loading.addresses | late)
        return loaded

    def include(self, addresses: Collection[Address]) -> None:
        self._addresses |= frozenset(addresses)

    def cancel(self) -> None:
        """Give up what is loading."""
        for loading in self._loading:
            loading.task.cancel()

    def _start(self) -> None:
        blocks = self._reader.span().blocks
        piece, self._wanted = self._wanted[:blocks], self._wanted[blocks:]
        first, last = piece[0], piece[-1]
        task = self._group.create_task(self._outcome(first, last), name=f"logs {first}-{last}")
        self._loading.append(_Loading(first, last, self._addresses, task))

    async def _outcome(self, first: int, last: int) -> LogRange | KeeperError:
        """An error waits for its turn: ranges before it are still good."""
        try:
            return await self._reader.read(self._addresses, first, last)
        except KeeperError as error:
            return error
