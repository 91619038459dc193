"""Getting unmined transactions into a block, or out of the way: what the rules decide is done here."""

from keeper.errors import CallReverted, ConfigError, Degraded, Halt, Transient
from keeper.execute.attempts import Attempts
from keeper.execute.desk import Desk
from keeper.execute.fees import cancel_fees
from keeper.execute.model import Transaction
from keeper.execute.observe import Alarm
from keeper.execute.rules import (
    CANCEL_GAS,
    Cancel,
    Late,
    Publish,
    Recall,
    Release,
    Resend,
    Sign,
    View,
    decide,
    is_late,
    is_stuck,
)
from keeper.execute.store import Intent
from keeper.ports import BlockFees, ChainWriter
from keeper.types import Call

MAX_GAS = 2**24
"""No transaction may have a higher limit (EIP-7825)."""

INCLUSION_BLOCKS, INCLUSION_PERCENTILE = 12, 90
"""An attempt that paid more than this percentile of so many blocks was not left out for its price (T11)."""

UNREACHED_BLOCKS = 3
"""Blocks without it before a well-paid attempt is an alarm."""

GAP_HEADS = 3
"""Heads that must show the same hole in our nonces before it is filled (T17): a node may be late."""

GAPS_AT_ONCE = 100


class Pusher:
    """Carries out `decide` for every transaction that no block has taken."""

    def __init__(self, desk: Desk, writer: ChainWriter, attempts: Attempts) -> None:
        self._desk = desk
        self._writer = writer
        self._attempts = attempts
        self._gaps: dict[int, int] = {}  # nonce: heads at which it was missing
        self._fees: tuple[int, list[BlockFees]] = (-1, [])

    @property
    def gaps(self) -> int:
        """Nonces below ours that belong to nobody."""
        return len(self._gaps)

    async def push(self, transaction: Transaction, view: View, *, sign: bool) -> None:
        """Do what the rules ask for; with `sign` False nothing is signed, only sent again.

        Raises:
            Transient: no node answered.
        """
        nonce, rules, roster = transaction.nonce, self._desk.rules, self._desk.roster
        blocking = bool(roster.queued()) or any(other.nonce > nonce for other in roster.waiting())
        late = await self._late(transaction, view) if is_late(transaction, view, rules) else None
        action = decide(transaction, view, rules, late, blocking=blocking)
        if blocking and is_stuck(transaction, view, rules):
            self._desk.alarms.raise_for(Alarm.STUCK, nonce, "it waits, and others wait behind it")
        match action:
            case Release():
                await self.release(transaction)
            case Sign() | Cancel() if sign:
                await self.sign(transaction, action, view)
            case Recall():
                self._attempts.recall(transaction, view.head.number)
            case Publish():
                await self._attempts.publish(transaction, view.head.number)
            case Sign() | Cancel() | Resend() if transaction.attempts:
                if isinstance(action, Resend) and action.unreached:
                    self._unreached(transaction, view)
                await self._attempts.offer(transaction, view.head.number)

    async def release(self, transaction: Transaction) -> None:
        """Give it up; its nonce is free."""
        dropped = await self._desk.store.dropped(transaction)
        self._desk.roster.note(self._desk.roster.keep(dropped))

    async def expire(self, held: Transaction, view: View) -> None:
        """Give up what was held up to its last block; a no-op goes where others would wait for its nonce.

        They would wait for `GAP_HEADS` otherwise. What ends with this block as well waits for nothing.
        """
        waits = any(
            each.nonce > held.nonce and (each.until is None or each.until > view.head.number)
            for each in self._desk.roster.waiting()
        )
        previous = held.newest.fees if held.newest else None
        ceiling = self._desk.rules.cancel_ceiling
        fees = cancel_fees(previous, view.quote, ceiling, self._desk.rules.bump) if waits else None
        if fees is None:
            await self.release(held)
        else:
            await self.sign(held, Cancel(fees), view)

    async def fill_gaps(self, view: View) -> None:
        """Put no-ops where a nonce below ours belongs to nobody: nothing after it can be mined (T17)."""
        ours = {each.nonce for each in self._desk.roster.numbered()}
        top = max((each.nonce for each in self._desk.roster.waiting()), default=view.nonce)
        holes = set(range(view.nonce, top)) - ours
        if holes:
            holes -= await self._desk.store.owned(min(holes), max(holes))
        self._gaps = {nonce: self._gaps.get(nonce, 0) + 1 for nonce in sorted(holes)[:GAPS_AT_ONCE]}
        for nonce, heads in self._gaps.items():
            self._desk.alarms.raise_for(Alarm.GAP, nonce, "nobody owns a nonce below ours")
            if heads >= GAP_HEADS:
                await self._fill(nonce, view)

    async def _fill(self, nonce: int, view: View) -> None:
        ceiling = self._desk.rules.cancel_ceiling
        fees = cancel_fees(None, view.quote, ceiling, self._desk.rules.bump)
        intent = Intent(
            key=f"gap:{self._desk.address}:{nonce}:{view.head.hash}",
            call=Call(self._desk.address, b""),
            steps=(),
            gas=CANCEL_GAS,
            ceiling=ceiling,
            head=view.head,
        )
        reserved = await self._desk.store.reserve(intent, view.nonce, at=nonce)
        if reserved is not None:
            transaction = self._desk.roster.keep(reserved)
            if fees is not None:
                await self.sign(transaction, Cancel(fees), view)

    async def sign(self, transaction: Transaction, action: Sign | Cancel, view: View) -> None:
        """Sign and send; where the signer does not play along, the next head tries again."""
        block = view.head.number
        try:
            if isinstance(action, Sign):
                await self._attempts.pay(transaction, action.fees, block, action.gas)
            else:
                await self._attempts.cancel(transaction, action.fees, block)
        except (Halt, Degraded, Transient) as error:  # the others must be followed all the same
            self._desk.alarms.raise_for(Alarm.SIGNER, transaction.nonce, str(error))

    async def _late(self, transaction: Transaction, view: View) -> Late:
        """Gas is asked for again (T9), which shows at once whether the payload would still succeed."""
        gas: int | None
        try:
            gas = min(await self._writer.estimate_gas(transaction.call, self._desk.address) * 5 // 4, MAX_GAS)
        except CallReverted:
            gas = None
        except Degraded:
            gas = transaction.gas
        newest = transaction.newest
        waited = 0 if newest is None else min(view.head.number - newest.block, INCLUSION_BLOCKS)
        return Late(gas, (await self._block_fees(view))[-waited:] if waited > 0 else [])

    async def _block_fees(self, view: View) -> list[BlockFees]:
        """What the last blocks cost, read once a head."""
        block, fees = self._fees
        if block != view.head.number:
            try:
                fees = await self._writer.block_fees(INCLUSION_BLOCKS, INCLUSION_PERCENTILE)
            except (Degraded, ConfigError):  # the node does not offer it: then the price is raised
                fees = []
            self._fees = view.head.number, fees
        return fees

    def _unreached(self, transaction: Transaction, view: View) -> None:
        newest = transaction.attempts[-1]
        if view.head.number >= newest.block + UNREACHED_BLOCKS:
            reason = "it pays more than most of the blocks without it: nobody who builds blocks has it"
            self._desk.alarms.raise_for(Alarm.UNREACHED, transaction.nonce, reason)
