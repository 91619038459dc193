"""eth_getLogs over any number of blocks, in ranges that the endpoint is willing to answer."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from itertools import islice
from operator import lt
from typing import NamedTuple

from keeper.chain.faults import DeadlineExceeded, TooLarge
from keeper.errors import Transient
from keeper.types import Address, Log


class Found(NamedTuple):
    """What one eth_getLogs gave: logs, and the timestamps of their blocks as far as the node says them."""

    logs: list[Log]
    timestamps: Mapping[int, int]


ADDRESSES = 500
"""Contracts asked for in one request."""

Fetch = Callable[[Sequence[Address], int, int], Awaitable[list[Log]]]
"""One eth_getLogs for addresses and first..last block; raises TooLarge when that is too much."""

Progress = Callable[[int, int], None]
"""Told the last block read and the number of logs so far."""


class Span:
    """How many blocks to ask for: halved when refused, doubled when answered.

    After a refusal it waits `patience` answers before it grows again; otherwise every second
    request near an endpoint's limit would be wasted.
    """

    def __init__(self, blocks: int, maximum: int, patience: int = 8) -> None:
        self.blocks = min(blocks, maximum)
        self._maximum = maximum
        self._patience = patience
        self._wait = 0

    def answered(self, blocks: int) -> None:
        """A range of `blocks` came back; only a full one says that more may be possible."""
        if blocks < self.blocks:
            return
        if self._wait:
            self._wait -= 1
        else:
            self.blocks = min(self.blocks * 2, self._maximum)

    def refused(self, blocks: int) -> None:
        """A range of `blocks` was too much."""
        self.blocks = max(1, blocks // 2)
        self._wait = self._patience


class LogScanner:
    """Reads logs through `fetch`; keeps what it learned about the range between calls, in `span`."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        blocks: int = 2_000,
        maximum: int = 100_000,
        addresses_per_request: int = ADDRESSES,
        span: Callable[[], Span] | None = None,
    ) -> None:
        self._fetch = fetch
        self._own = Span(blocks, maximum)
        self._span_of = span
        self._addresses_per_request = addresses_per_request

    @property
    def span(self) -> Span:
        """The range that the endpoint asked now is thought to answer."""
        return self._own if self._span_of is None else self._span_of()

    async def logs(
        self, addresses: Collection[Address], first: int, last: int, progress: Progress | None = None
    ) -> list[Log]:
        """Every log of `addresses` in blocks first..last, in chain order.

        Raises:
            Transient: also when a single block of a single address is more than the endpoint gives.
        """
        found: list[Log] = []
        async for done, logs in self.ranges(addresses, first, last):
            found += logs
            if progress is not None:
                progress(done, len(found))
        return found

    async def ranges(
        self, addresses: Collection[Address], first: int, last: int
    ) -> AsyncIterator[tuple[int, list[Log]]]:
        """The same piece by piece, so that a long history need not fit into memory.

        Yields the last block of each piece and its logs; pieces join without gap or overlap.
        """
        wanted = sorted(set(addresses))
        # An empty address list means "every contract" to a node.
        while wanted and first <= last:
            end = min(first + self.span.blocks - 1, last)
            try:
                logs = await self._all(wanted, first, end)
            except (TooLarge, DeadlineExceeded) as refusal:
                if first == end:
                    logs = await self._one_block(wanted, first, refusal)
                else:
                    self.span.refused(end - first + 1)
                    continue
            else:
                self.span.answered(end - first + 1)
            yield end, logs
            first = end + 1

    async def _all(self, addresses: Sequence[Address], first: int, last: int) -> list[Log]:
        size = self._addresses_per_request
        logs: list[Log] = []
        for start in range(0, len(addresses), size):
            logs += await self._fetch(addresses[start : start + size], first, last)
        return in_chain_order(logs)

    async def _one_block(self, addresses: Sequence[Address], block: int, refusal: Transient) -> list[Log]:
        """The only thing left to divide is the address list."""
        if len(addresses) == 1:
            raise refusal
        middle = len(addresses) // 2
        logs: list[Log] = []
        for half in (addresses[:middle], addresses[middle:]):
            try:
                logs += await self._all(half, block, block)
            except (TooLarge, DeadlineExceeded) as again:
                logs += await self._one_block(half, block, again)
        return in_chain_order(logs)


def in_chain_order(logs: list[Log]) -> list[Log]:
    """Sorted by block and log index.

    Raises:
        Transient: a log is there twice, or one block has two hashes: the node switched to another
            fork while it answered.
    """
    places = [(log.block, log.log_index) for log in logs]
    if not all(map(lt, places, islice(places, 1, None))):
        order = sorted(range(len(logs)), key=places.__getitem__)
        logs = [logs[place] for place in order]
    hashes = {log.block_hash: log.block for log in logs}
    if len(set(places)) < len(places) or len(set(hashes.values())) < len(hashes):
        raise Transient("logs of one block contradict each other")
    return logs


def check_scope(logs: list[Log], addresses: Collection[Address], first: int, last: int) -> None:
    """Raise Transient when a node returned a log that nobody asked for: its filter is broken."""
    wanted = set(addresses)
    for log in logs:
        if log.address not in wanted or not first <= log.block <= last:
            raise Transient(f"a log of {log.address} in block {log.block} answers another question")
