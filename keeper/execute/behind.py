"""Placing a liquidation right behind transactions of others that still wait for a block.

Blocks are ordered by what a transaction pays, then by when it came. So ours pays exactly what the last of
those in front of it pays, and is sent only while all of them can be mined in the next block.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from keeper.errors import ConfigError, Degraded
from keeper.execute.charge import limit
from keeper.execute.executor import Executor, Result
from keeper.execute.model import Fees, Step
from keeper.execute.push import MAX_GAS
from keeper.execute.reasons import revert_reason
from keeper.execute.simulate import Simulation, failed
from keeper.plan.model import Plan, Rejection
from keeper.ports import PendingTransaction, Rehearsal
from keeper.relay_ports import Relay
from keeper.types import Address, BlockRef, Call, Hash

STEEPEST = 8
"""A base fee rises by at most an eighth from block to block (EIP-1559)."""

_OURS = Hash("0x" + "00" * 32)
"""Stands for the hash of a transaction that nobody has signed."""


class NotExecutable(Degraded):
    """A pending transaction would not do in the next block what it says."""


@dataclass(slots=True)
class Behind:
    """The place behind `updates`, the last of them directly in front, on the state of `head`.

    A `LastLook`. What was found good so far counts as in front of what is looked at next.
    `timestamp` in seconds is when the next block is expected. `front` are the updates as a relay takes them,
    signed bytes or at least the hash, where both go in one bundle; empty: through the mempool. `relay` takes
    the bundle, None: whatever builders are configured.
    """

    updates: tuple[PendingTransaction, ...]
    head: BlockRef
    timestamp: int
    rehearsal: Rehearsal
    executor: Executor
    operator: Address
    nonce: int
    front: tuple[bytes | Hash, ...] = ()
    relay: Relay | None = None
    _sent: list[PendingTransaction] = field(default_factory=list)

    @property
    def alone(self) -> bool:
        """Whether there is room for one transaction only."""
        return False

    @property
    def pays(self) -> Fees:
        """What the place costs: as much as what is in front pays."""
        return Fees(self.updates[-1].tip, self.updates[-1].cap)

    async def simulate(self, plans: Sequence[Plan]) -> Simulation:
        """Drop the plans that fail behind the updates.

        Raises:
            NotExecutable: one of the updates itself would fail.
            Degraded: no node can rehearse them, or it rejects one. Transient: none answers.
        """
        results, gas = await self._results(plans)
        pairs = list(zip(plans, results, strict=True))
        rejections: list[Rejection] = [failed(plan, result) for plan, result in pairs if not result.ok]
        kept = [(plan, result) for plan, result in pairs if result.ok]
        if rejections and kept:
            again = await self.simulate([plan for plan, _ in kept])
            return again._replace(rejections=(*rejections, *again.rejections))
        steps = tuple(Step.of(plan, result.profit) for plan, result in kept)
        call = self.executor.batch([plan for plan, _ in kept])
        if kept:
            self._sent.append(self._ours(call, gas))
        return Simulation(tuple(plan for plan, _ in kept), steps, call, tuple(rejections), gas)

    def fees(self, ceiling: int) -> Fees | None:
        """What the transaction in front pays; None where that is more than `ceiling` wei per gas.

        A lower cap has the same place as long as the tip is paid in full.
        """
        front = self.pays
        if front.cap <= ceiling:
            return front
        return Fees(front.tip, ceiling) if dearest(self.head) + front.tip <= ceiling else None

    async def _results(self, plans: Sequence[Plan]) -> tuple[list[Result], int]:
        """What the executor would answer for each plan, and the gas it would use."""
        call = self.executor.batch(plans)
        expected = sum(plan.profit.gas for plan in plans)
        ours = self._ours(call, min(2 * expected, MAX_GAS))
        front = [*self.updates, *self._sent]
        try:
            ran = await self.rehearsal.rehearse([*front, ours], self.head, self.timestamp)
        except ConfigError as error:
            raise Degraded(f"nothing is placed behind what cannot be rehearsed: {error}") from None
        for update, what in zip(self.updates, ran, strict=False):
            if not what.succeeded:
                why = revert_reason(what.data)
                raise NotExecutable(f"the update {update.hash} would fail: {why}")
        last = ran[-1]
        if last.succeeded:
            return self.executor.results(last.data), limit(last.gas_used, expected)
        if len(plans) == 1:
            return [Result(ok=False, profit=0, reason=revert_reason(last.data))], 0
        # The batch names only its first failure; each plan alone names its own.
        alone = [await self._results([plan]) for plan in plans]
        return [result for results, _ in alone for result in results], 0

    def _ours(self, call: Call, gas: int) -> PendingTransaction:
        nonce = self.nonce + len(self._sent)
        return PendingTransaction(_OURS, self.operator, nonce, call, 0, gas, *self.pays)


def dearest(head: BlockRef) -> int:
    """The highest base fee that the block after `head` can have, wei per gas."""
    return head.base_fee + head.base_fee // STEEPEST


def obstacle(update: PendingTransaction, next_nonce: int, head: BlockRef) -> str | None:
    """Why `update` cannot be mined in the block after `head`, as far as nonce and fee tell; None if it can.

    `next_nonce` is its sender's, what waits in front of it counted as mined.
    """
    if update.nonce != next_nonce:
        return f"its nonce is {update.nonce}, its sender's next one {next_nonce}"
    if update.cap < dearest(head):
        return f"it pays at most {update.cap} wei per gas, the next base fee may be {dearest(head)}"
    return None


def precedes(first: PendingTransaction, second: PendingTransaction) -> bool:
    """Whether a block has `first`, which came first, in front of `second`, whatever it orders by."""
    same = first.sender == second.sender and first.nonce < second.nonce
    return same or (first.tip >= second.tip and first.cap >= second.cap)
