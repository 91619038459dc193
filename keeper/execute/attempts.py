"""One attempt at a transaction: priced, signed, stored, offered to the network, in this order."""

from keeper.errors import CallReverted, Degraded, Halt, Transient
from keeper.execute.desk import Desk
from keeper.execute.latency import Stopwatch
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.observe import Alarm, AttemptKind
from keeper.execute.rules import CANCEL_GAS, REFUSED
from keeper.execute.signer import Signer, UnsignedTx
from keeper.ports import ChainWriter, SendError, SendOutcome
from keeper.relay_ports import PrivateRoute
from keeper.types import Call

OUT = frozenset({SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN, SendOutcome.UNKNOWN})
"""Answers after which the bytes may be anywhere."""

TAKEN = OUT - {SendOutcome.UNKNOWN}


class Attempts:
    """Makes attempts.

    Args:
        desk: takes every attempt before the network does (T5).
        signer: holds the key, behind its policy.
        writer: the public way to the network.
        private: the private one, None when there is none.
        stopwatch: takes the time of every attempt.
    """

    def __init__(
        self,
        desk: Desk,
        signer: Signer,
        writer: ChainWriter,
        private: PrivateRoute | None,
        stopwatch: Stopwatch,
    ) -> None:
        self._desk = desk
        self._signer = signer
        self._writer = writer
        self._private = private
        self._stopwatch = stopwatch

    async def pay(self, transaction: Transaction, fees: Fees, block: int, gas: int) -> Transaction:
        """Sign the payload with `fees` on head `block`, store, send.

        Raises:
            Halt: the signer refused.
            Transient: the holder of the key did not answer; the nonce stays reserved (T4).
        """
        if transaction.until is not None and self._private is None:
            raise Degraded(f"transaction {transaction.nonce} is private, and no private route is set up")
        payload = UnsignedTx(
            transaction.chain_id, transaction.nonce, transaction.to, transaction.data, gas, fees.tip, fees.cap
        )
        self._desk.observer.on_attempt(AttemptKind.BUMP if transaction.attempts else AttemptKind.FIRST)
        return await self._make(transaction, payload, fees, block)

    async def cancel(self, transaction: Transaction, fees: Fees, block: int) -> Transaction:
        """Sign an empty call to ourselves in its place, store, send (T21). Raises as `pay`."""
        self.recall(transaction, block)
        try:
            gas = await self._writer.estimate_gas(Call(transaction.sender, b""), transaction.sender)
        except (Transient, CallReverted, Degraded):
            gas = CANCEL_GAS
        empty = UnsignedTx(
            transaction.chain_id,
            transaction.nonce,
            transaction.sender,
            b"",
            max(gas, CANCEL_GAS),
            fees.tip,
            fees.cap,
        )
        self._desk.observer.on_attempt(AttemptKind.CANCEL)
        return await self._make(transaction, empty, fees, block, cancels=True)

    async def offer(self, transaction: Transaction, head: int) -> Transaction:
        """Send the newest attempt again, when `head` is the newest block.

        An answer that got lost leaves it in flight; a private one goes public then if the rules say so.

        Raises:
            Fenced: another process has the key now, and with it the say in what is sent.
        """
        await self._desk.store.require_lease()
        return await self._offer(transaction, head)

    async def _offer(self, transaction: Transaction, head: int) -> Transaction:
        newest = transaction.attempts[-1]
        detail = ""
        self._stopwatch.sent(newest.hash)
        try:
            await self._send(transaction, newest, head)
            outcome = SendOutcome.ACCEPTED
        except SendError as error:
            outcome, detail = error.outcome, str(error)
        except Transient as error:
            outcome, detail = SendOutcome.UNKNOWN, str(error)
        self._desk.observer.on_answer(outcome.value)
        sent = await self._desk.store.sent(transaction, outcome, out=outcome in OUT)
        await self._judge(sent, outcome, detail)
        kept = self._desk.roster.keep(sent)
        lost = newest.until is not None and outcome is SendOutcome.UNKNOWN
        if lost and self._desk.rules.fall_back and not self._desk.roster.is_held(kept):
            return await self.publish(kept, head)
        return kept

    def recall(self, transaction: Transaction, head: int) -> None:
        """Ask the builders that took an attempt to forget it, when `head` is the newest block."""
        for each in transaction.attempts:
            if self._private is not None and each.until is not None and each.until > head:
                self._private.recall(each.raw, head=head, until=each.until)

    async def publish(self, transaction: Transaction, head: int) -> Transaction:
        """Send the newest attempt, private so far, to everybody; the store knows before they do (T26)."""
        published = await self._desk.store.published(transaction, transaction.attempts[-1])
        return await self.offer(self._desk.roster.keep(published), head)

    async def _make(
        self, transaction: Transaction, tx: UnsignedTx, fees: Fees, block: int, *, cancels: bool = False
    ) -> Transaction:
        asked = self._stopwatch.now()
        try:
            signed = await self._signer.sign(tx)
        except Halt as error:
            self._desk.brake.pull(str(error))
            self._desk.alarms.raise_for(Alarm.SIGNER, transaction.nonce, str(error))
            raise
        self._desk.alarms.clear(transaction.nonce, Alarm.SIGNER)
        attempt = Attempt(
            number=len(transaction.attempts),
            hash=signed.hash,
            raw=signed.raw,
            fees=fees,
            block=block,
            cancels=cancels,
            until=None if cancels else transaction.until,
        )
        self._stopwatch.signed(transaction, attempt, asked)
        signed_one = await self._desk.store.signed(transaction, attempt)
        return await self._offer(self._desk.roster.keep(signed_one), block)

    async def _send(self, transaction: Transaction, attempt: Attempt, head: int) -> None:
        if attempt.until is None:
            await self._writer.send_raw(attempt.raw)
        elif self._private is not None:  # never in public what was meant to be private
            ahead = [
                each.newest.raw
                for each in self._desk.roster.waiting()
                if each.nonce < transaction.nonce and each.newest is not None
            ]
            await self._private.send(attempt.raw, head=head, until=attempt.until, ahead=ahead)

    async def _judge(self, transaction: Transaction, outcome: SendOutcome, detail: str) -> None:
        """What an answer means for the key as a whole."""
        nonce = transaction.nonce
        private = transaction.attempts[-1].until is not None
        if outcome is SendOutcome.INSUFFICIENT_FUNDS:
            self._desk.alarms.raise_for(Alarm.UNFUNDED, nonce, detail)
        elif private and outcome not in TAKEN:
            self._desk.alarms.raise_for(Alarm.RELAY, nonce, detail)
        elif outcome in OUT:
            self._desk.alarms.clear(nonce, Alarm.UNFUNDED, Alarm.REFUSED, Alarm.RELAY)
        elif outcome in REFUSED:
            self._desk.alarms.raise_for(Alarm.REFUSED, nonce, detail)
        elif outcome is SendOutcome.REPLACEMENT_UNDERPRICED and not await self._is_ours(transaction):
            foreign = f"a transaction that is not ours waits with nonce {nonce} of {transaction.sender}"
            self._desk.brake.pull(foreign)
            self._desk.alarms.raise_for(Alarm.FOREIGN, nonce, foreign)

    async def _is_ours(self, transaction: Transaction) -> bool:
        """Whether what holds the nonce in the pool is an attempt of ours (T14); yes when nobody can tell."""
        try:
            return any([await self._writer.knows(attempt.hash) for attempt in reversed(transaction.attempts)])
        except Transient:
            return True
