"""Several endpoints of one chain as a single `Chain`."""

from collections.abc import Collection, Sequence
from typing import Self

from keeper.chain.failover import Failover, summary
from keeper.chain.logs import LogScanner, Progress
from keeper.chain.rpc import Rpc
from keeper.clock import Clock, SystemClock
from keeper.errors import KeeperError, Transient, Unreachable
from keeper.ports import BlockId, Receipt, SendError, SendOutcome
from keeper.types import Address, BlockRef, Call, Hash, Log


class Pool:
    """`keeper.ports.Chain` with ordered fail-over; see `Failover` for the order and the seconds.

    When every endpoint fails, the error of a read names each host and its reason.
    """

    def __init__(
        self,
        rpcs: Sequence[Rpc],
        chain_id: int,
        *,
        clock: Clock | None = None,
        pause: float = 30.0,
        rounds: int = 3,
        backoff: float = 0.25,
    ) -> None:
        self._rpcs = tuple(rpcs)
        self._failover = Failover(
            self._rpcs, chain_id, clock=clock or SystemClock(), pause=pause, rounds=rounds, backoff=backoff
        )
        self._read = self._failover.read
        self._scanner = LogScanner(self._logs_at_once)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of every endpoint."""
        for rpc in self._rpcs:
            await rpc.close()

    async def check(self) -> None:
        """Ask every endpoint for its chain id.

        Raises:
            WrongChain: one of them serves another chain.
            Unreachable: none of them answers.
        """
        await self._failover.check()

    async def block(self, block: BlockId = "latest") -> BlockRef:
        return await self._read(lambda rpc: rpc.block(block))

    async def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        return await self._read(lambda rpc: rpc.blocks(numbers))

    async def logs(
        self, addresses: Collection[Address], first: int, last: int, progress: Progress | None = None
    ) -> list[Log]:
        return await self._scanner.logs(addresses, first, last, progress)

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        return await self._read(lambda rpc: rpc.call(call, block, sender))

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        return await self._read(lambda rpc: rpc.call_many(calls, block))

    async def code(self, address: Address, block: BlockId = "latest") -> bytes:
        return await self._read(lambda rpc: rpc.code(address, block))

    async def nonce(self, address: Address, block: BlockId = "latest") -> int:
        return await self._read(lambda rpc: rpc.nonce(address, block))

    async def balance(self, address: Address, block: BlockId = "latest") -> int:
        return await self._read(lambda rpc: rpc.balance(address, block))

    async def priority_fee(self) -> int:
        return await self._read(lambda rpc: rpc.priority_fee())

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        return await self._read(lambda rpc: rpc.estimate_gas(call, sender))

    async def receipt(self, tx_hash: Hash) -> Receipt | None:
        return await self._read(lambda rpc: rpc.receipt(tx_hash))

    async def send_raw(self, raw: bytes) -> Hash:
        """Each endpoint gets the bytes at most once, the next one only if the one before did not decide.

        After a lost answer a refusal proves nothing, because the first copy may be what caused it:
        then only acceptance, or the bytes being known, is believed.
        """
        failures: list[KeeperError] = []
        lost = False
        for rpc in self._failover.ordered():
            try:
                await self._failover.verify(rpc)
            except Transient as error:
                self._failover.rest(rpc)
                failures.append(error)
                continue
            try:
                return await rpc.send_raw(raw)
            except SendError as error:
                decided = error.outcome is not SendOutcome.RETRYABLE and not lost
                if decided or error.outcome is SendOutcome.ALREADY_KNOWN:
                    raise
                failures.append(error)
            except Unreachable as error:
                self._failover.rest(rpc)
                failures.append(error)
                lost = True
        raise _undecided(failures, lost=lost)

    async def _logs_at_once(self, addresses: Sequence[Address], first: int, last: int) -> list[Log]:
        return await self._read(lambda rpc: rpc.logs_at_once(addresses, first, last))


def _undecided(failures: Sequence[KeeperError], *, lost: bool) -> KeeperError:
    refusal = next((error for error in failures if isinstance(error, SendError)), None)
    if refusal is not None and not lost:
        return refusal
    why = summary(failures)
    return why if isinstance(why, Unreachable) else Unreachable(str(why))
