"""Whether a node gave all the logs it was asked for.

Nodes cut answers short and miss blocks in their log index without saying so; one lost event makes every
number of an account wrong from then on. The header of a block carries a bloom filter over its logs, so
an answer without the logs that the filter suggests is suspicious. The filter also suggests logs that are
not there: a suspicion is settled by a second opinion and never repeated.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import structlog

from keeper.chain.bloom import bloom_of, may_contain
from keeper.chain.decode import Header
from keeper.chain.faults import LogsMissing, MethodMissing, TooLarge
from keeper.chain.logs import Found
from keeper.chain.rpc import Rpc
from keeper.config.chain import LogCheck
from keeper.errors import Degraded, Transient
from keeper.types import Address, Hash, Log

_log = structlog.get_logger(__name__)

NEWEST = 64
"""Blocks below the head of which each is checked: what is being followed, deeper than most reorgs."""

_CAPS = frozenset({1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000})
"""Numbers of logs at which providers are known to stop, some without an error."""

_PATIENCE = 3
"""Times that a block may fail to explain its own filter before it is taken as it is."""


class Suspect(NamedTuple):
    """A block whose filter suggests logs of `addresses` that the answer does not have."""

    header: Header
    addresses: list[Address]


class Completeness:
    """Checks answers to eth_getLogs; `samples` blocks of a range far below the head are looked at."""

    def __init__(self, check: LogCheck, samples: int) -> None:
        self._check = check
        self._samples = samples
        self._unexplained: Counter[Hash] = Counter()

    async def check(
        self, rpc: Rpc, found: Found, asked: tuple[Sequence[Address], int, int], second: Rpc | None
    ) -> None:
        """Look into `found`, the answer of `rpc` to (addresses, first, last); `second` may be asked too.

        Raises:
            TooLarge: the answer has a length at which providers cut; ask for less.
            LogsMissing: `rpc` left out logs.
            Transient: a block was replaced between the logs and its header.
        """
        if self._check is LogCheck.OFF:
            return
        addresses, first, last = asked
        if len(found.logs) in _CAPS and first < last:
            raise TooLarge(f"{rpc.host}: exactly {len(found.logs)} logs, which may be where it stops")
        given: dict[int, list[Log]] = {}
        for log in found.logs:
            given.setdefault(log.block, []).append(log)
        begin = min(max(first, rpc.head_seen - NEWEST + 1), last + 1)
        recent = range(begin, last + 1)
        numbers = {*recent[-NEWEST:], *self._sample(found.logs, first, begin - 1)}
        try:
            known = await rpc.recent_headers(sorted(numbers))
            doubted = [
                header.block.number
                for header in known
                if _silent(header, given.get(header.block.number, ()), addresses)
                or (self._check is LogCheck.FULL and header.bloom and header.block.number in recent)
            ]
            # What was remembered may have been replaced since.
            headers = await rpc.headers(doubted) if doubted else []
        except (MethodMissing, Degraded) as error:
            raise Transient(f"{rpc.host}: no header to check logs with: {error}") from None
        for header in headers:
            await self._settle(rpc, second, header, given.get(header.block.number, []), addresses)

    async def _settle(
        self,
        rpc: Rpc,
        second: Rpc | None,
        header: Header,
        logs: Sequence[Log],
        addresses: Sequence[Address],
    ) -> None:
        if any(log.block_hash != header.block.hash for log in logs):
            raise Transient(f"{rpc.host}: block {header.block.number} was replaced while its logs were read")
        silent = _silent(header, logs, addresses)
        if silent and second is not None and self._check is not LogCheck.FULL:
            await self._ask_second(rpc, second, Suspect(header, silent))
        else:
            await self._compare_whole(rpc, header, logs, addresses)

    async def _ask_second(self, rpc: Rpc, second: Rpc, suspect: Suspect) -> None:
        """Two nodes that agree are believed."""
        header = suspect.header
        try:
            logs = await second.block_logs(header.block.hash, suspect.addresses)
        except (Transient, MethodMissing, Degraded):
            logs = await rpc.block_logs(header.block.hash)
            self._explain(rpc, header, logs)
        self._compare(rpc, header, [log for log in logs if log.address in suspect.addresses], [])

    async def _compare_whole(
        self, rpc: Rpc, header: Header, logs: Sequence[Log], addresses: Collection[Address]
    ) -> None:
        """All logs of the block have to account for its filter, and ours must be among what was given."""
        whole = await rpc.block_logs(header.block.hash)
        self._explain(rpc, header, whole)
        self._compare(rpc, header, [log for log in whole if log.address in addresses], logs)

    def _explain(self, rpc: Rpc, header: Header, whole: Sequence[Log]) -> None:
        if header.bloom & ~bloom_of(whole) == 0:
            return
        self._unexplained[header.block.hash] += 1
        text = f"{rpc.host}: the logs of block {header.block.number} do not account for its bloom filter"
        if self._unexplained[header.block.hash] < _PATIENCE:
            raise LogsMissing(text)
        # Some chains log what no receipt has. Standing still for ever would be worse than the doubt.
        del self._unexplained[header.block.hash]
        _log.error("logs_taken_in_doubt", host=rpc.host, block=header.block.number)

    def _compare(self, rpc: Rpc, header: Header, true: Sequence[Log], given: Sequence[Log]) -> None:
        missing = {log.log_index for log in true} - {log.log_index for log in given}
        if missing:
            raise LogsMissing(f"{rpc.host}: {len(missing)} logs of block {header.block.number} were left out")

    def _sample(self, logs: Sequence[Log], first: int, last: int) -> list[int]:
        """Blocks after the last log, where a cut answer is empty, and some of all others."""
        ends = max((log.block for log in logs), default=first - 1)
        half = max(1, self._samples // 2)
        tail = range(ends + 1, last + 1)
        chosen = {*_spread(tail, half), *_spread(range(first, last + 1), self._samples - half)}
        return sorted(chosen) if self._samples else []


def _silent(header: Header, logs: Sequence[Log], addresses: Collection[Address]) -> list[Address]:
    """Those of `addresses` that the filter suggests and `logs` lack; a filter of 0 says nothing."""
    if header.bloom == 0:
        return []
    heard = {log.address for log in logs}
    return [a for a in addresses if a not in heard and may_contain(header.bloom, a)]


def _spread(blocks: range, count: int) -> Sequence[int]:
    """About `count` of `blocks`, evenly apart, the first always among them."""
    return blocks[:: max(1, -(-len(blocks) // count))] if count else ()
