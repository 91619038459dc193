"""Several endpoints of one chain as a single `Chain`."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import structlog

from keeper.beside import beside
from keeper.chain.broadcast import Broadcast
from keeper.chain.completeness import Completeness
from keeper.chain.failover import Failover
from keeper.chain.faults import LogsMissing, TooLarge
from keeper.chain.logs import ADDRESSES, Found, LogScanner, Progress, Span
from keeper.chain.node_state import Node, NodeState, Rules
from keeper.chain.observe import NodeObserver, NoObserver
from keeper.chain.quorum import Quorum
from keeper.chain.ranges import RangeReader
from keeper.chain.rehearse import raw_transaction, rehearse
from keeper.chain.rpc import Rpc
from keeper.chain.watch import Watcher
from keeper.clock import Clock, SystemClock
from keeper.config.chain import LogCheck
from keeper.errors import Degraded
from keeper.ports import (
    BlockFees,
    BlockId,
    KeyState,
    LogRanges,
    LogsIn,
    NextBlock,
    PendingTransaction,
    Ran,
    Receipt,
    Simulated,
)
from keeper.types import Address, BlockRef, Call, Hash, Log

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a pool treats its nodes. `watch_seconds` between two looks at each of them.

    `log_check` and `log_samples` as in `Completeness`; `in_flight` ranges of logs load at once.
    """

    rules: Rules = field(default_factory=Rules)
    rounds: int = 3
    backoff: float = 0.25
    watch_seconds: float = 10.0
    log_check: LogCheck = LogCheck.OFF
    log_samples: int = 8
    in_flight: int = 4


class Pool:
    """`keeper.ports.Chain` with fail-over, and quorum reads; see `Failover` and `Fleet`.

    Transactions go to all nodes, and to the `send_only` ones, from which nothing is read.

    When every endpoint fails, the error of a read names each host and its reason.
    """

    def __init__(
        self,
        rpcs: Sequence[Rpc],
        chain_id: int,
        *,
        clock: Clock | None = None,
        settings: Settings = Settings(),
        observer: NodeObserver | None = None,
        send_only: Sequence[Rpc] = (),
    ) -> None:
        self._rpcs = tuple(rpcs)
        self._send_only = tuple(send_only)
        self._clock = clock or SystemClock()
        self._settings = settings
        self._observer = observer or NoObserver()
        self._failover = Failover(
            self._rpcs,
            chain_id,
            clock=self._clock,
            rules=settings.rules,
            rounds=settings.rounds,
            backoff=settings.backoff,
            observer=self._observer,
        )
        self._read = self._failover.read
        self._broadcast = Broadcast(self._failover, self._observer, self._send_only)
        self._completeness = Completeness(settings.log_check, settings.log_samples)
        self._spans = {rpc: Span(2_000, 100_000) for rpc in self._rpcs}
        self._scanner = LogScanner(self._logs_at_once, span=self._span)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of every endpoint."""
        await self._broadcast.close()
        for rpc in (*self._rpcs, *self._send_only):
            await rpc.close()

    @property
    def nodes(self) -> Sequence[Node]:
        """The state of every endpoint, in the order configured."""
        return self._failover.fleet.nodes

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Look at every node now and then while the block runs."""
        watcher = Watcher(self._rpcs, self._failover, self._clock, self._settings.watch_seconds)
        async with beside(watcher.run()):
            yield self

    async def check(self) -> None:
        """Ask every endpoint for its chain id.

        Raises:
            WrongChain: one of them serves another chain.
            Unreachable: none of them answers.
        """
        await self._failover.check()

    async def block(self, block: BlockId = "latest") -> BlockRef:
        async def ask(rpc: Rpc) -> BlockRef:
            found = await rpc.block(block)
            if block == "latest":
                self._failover.saw_head(rpc, found.number)
            return found

        return await self._read(ask)

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        return await self._read(lambda rpc: rpc.blocks(numbers))

    async def logs(
        self, addresses: Collection[Address], first: int, last: int, progress: Progress | None = None
    ) -> list[Log]:
        return await self._scanner.logs(addresses, first, last, progress)

    async def logs_in(
        self, block: BlockRef, addresses: Collection[Address], calls: Sequence[Call] = ()
    ) -> LogsIn:
        wanted = sorted(addresses)
        if 0 < len(wanted) <= ADDRESSES:
            try:
                return await self._read(lambda rpc: self._checked_logs_in(rpc, block, wanted, calls))
            except (TooLarge, Degraded):
                pass  # too much at once, or a node that knows blocks by number alone
        logs = await self.logs(wanted, block.number, block.number)
        await self.block(block)  # for it may have been replaced meanwhile
        return LogsIn(logs)

    def log_ranges(
        self, addresses: Collection[Address], first: int, last: int
    ) -> AbstractAsyncContextManager[LogRanges]:
        """See `keeper.ports.LogSource`."""
        reader = RangeReader(self._found_logs, self.blocks, self._span, in_flight=self._settings.in_flight)
        return reader.open(addresses, first, last)

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        return await self._read(lambda rpc: rpc.call(call, block, sender))

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        return await self._read(lambda rpc: rpc.call_many(calls, block))

    async def quorum_call_many(self, calls: Sequence[Call], block: BlockRef, k: int) -> list[bytes | None]:
        """See `keeper.ports.QuorumReader`."""
        return await Quorum(self._failover, self._observer).call_many(calls, block, k)

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        return await self._read(lambda rpc: rpc.code(address, block))

    async def nonce(self, address: Address, block: BlockId = "latest") -> int:
        return await self._read(lambda rpc: rpc.nonce(address, block))

    async def balance(self, address: Address, block: BlockId = "latest") -> int:
        return await self._read(lambda rpc: rpc.balance(address, block))

    async def key_state(self, address: Address, sent: Sequence[Hash] = ()) -> KeyState:
        return await self._read(lambda rpc: rpc.key_state(address, sent))

    async def priority_fee(self) -> int:
        return await self._read(lambda rpc: rpc.priority_fee())

    async def block_fees(self, blocks: int, percentile: int) -> list[BlockFees]:
        return await self._read(lambda rpc: rpc.block_fees(blocks, percentile))

    async def knows(self, tx_hash: Hash) -> bool:
        """Whether any node has it: each has a mempool of its own."""
        return any([await rpc.knows(tx_hash) for rpc in self._failover.ordered()])

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        return await self._read(lambda rpc: rpc.estimate_gas(call, sender))

    async def simulate(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        return await self._read(lambda rpc: rpc.simulate(call, sender, then))

    async def receipt(self, tx_hash: Hash) -> Receipt | None:
        return await self._read(lambda rpc: rpc.receipt(tx_hash))

    async def rehearse(
        self,
        transactions: Sequence[PendingTransaction],
        block: BlockRef,
        timestamp: int,
        codes: Mapping[Address, bytes] | None = None,
    ) -> list[Ran]:
        """See `keeper.ports.AlteredRehearsal`."""
        return await self._read(lambda rpc: rehearse(rpc, transactions, block, timestamp, codes))

    async def raw_transaction(self, tx_hash: Hash) -> bytes | None:
        """See `keeper.ports.Rehearsal`."""
        return await self._read(lambda rpc: raw_transaction(rpc, tx_hash))

    async def send_raw(self, raw: bytes) -> Hash:
        """See `Broadcast`."""
        return await self._broadcast.send(raw)

    def _span(self) -> Span:
        return self._spans[self._failover.ordered()[0]]

    async def _logs_at_once(self, addresses: Sequence[Address], first: int, last: int) -> list[Log]:
        return (await self._found_logs(addresses, first, last)).logs

    async def _found_logs(self, addresses: Sequence[Address], first: int, last: int) -> Found:
        return await self._read(lambda rpc: self._checked_logs(rpc, addresses, first, last))

    async def _checked_logs(self, rpc: Rpc, addresses: Sequence[Address], first: int, last: int) -> Found:
        return await self._checked(
            rpc, await rpc.found_logs(addresses, first, last), (addresses, first, last)
        )

    async def _checked_logs_in(
        self, rpc: Rpc, block: BlockRef, addresses: Sequence[Address], calls: Sequence[Call]
    ) -> LogsIn:
        found, results = await rpc.found_logs_in(block, addresses, calls)
        await self._checked(rpc, found, (addresses, block.number, block.number))
        return LogsIn(found.logs, results)

    async def _checked(self, rpc: Rpc, found: Found, asked: tuple[Sequence[Address], int, int]) -> Found:
        """`found`, or LogsMissing: then the read asks another node for the whole range."""
        try:
            await self._completeness.check(rpc, found, asked, self._second(rpc))
        except LogsMissing as error:
            _, first, last = asked
            self._observer.on_log_gap(rpc.host)
            _log.error("logs_missing", host=rpc.host, first=first, last=last, reason=str(error))
            raise
        return found

    def _second(self, rpc: Rpc) -> Rpc | None:
        """Another node that is in order, for a second opinion."""
        able = (other for other in self._failover.ordered() if other is not rpc)
        other = next(able, None)
        return other if other and self._failover.node(other).state is NodeState.ALIVE else None
