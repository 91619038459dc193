"""What the chain says of our transactions: nonce count first, then receipts of every attempt (T18-T20)."""

from collections.abc import Iterable

from keeper.execute.desk import Desk
from keeper.execute.model import Attempt, Mined, Transaction
from keeper.execute.observe import Alarm
from keeper.execute.rules import View
from keeper.execute.states import ON_CHAIN, State
from keeper.ports import ChainReader, ChainWriter, Receipt, SendOutcome
from keeper.types import Hash

PATIENCE = 3
"""Blocks until a used nonce without a receipt is held against somebody else and not a lagging node (T15)."""


class Confirmer:
    """Brings transactions in line with the chain. A send's answer decides nothing here.

    What it learns is noted, and on disk with the next `TransactionStore.write_up`.
    """

    def __init__(self, desk: Desk, reader: ChainReader, writer: ChainWriter) -> None:
        self._desk = desk
        self._reader = reader
        self._writer = writer
        self.missing: dict[int, int] = {}
        """Used nonces without a receipt, and the block since when."""

    async def follow(self, transaction: Transaction, view: View, *, first: bool) -> Transaction | None:
        """Bring one transaction that owns a nonce to `view`; returned if it has to be pushed on.

        Args:
            transaction: not queued.
            view: the chain.
            first: right after a start: then it is noted however it stands.

        Raises:
            Transient: a look-up failed, so nothing was concluded from it (T20).
        """
        if _is_counted(transaction) and not first and not view.broken:
            return None
        return await self._look(transaction, view, first=first)

    async def close(self, transaction: Transaction, view: View) -> None:
        """Bring to its end what `view` shows to be final; raises as `follow`."""
        if _is_counted(transaction) and self._is_final(transaction, view):
            await self._look(transaction, view, first=False)

    async def _look(self, transaction: Transaction, view: View, *, first: bool) -> Transaction | None:
        transaction = await self._presume_sent(transaction)
        used = transaction.nonce < view.nonce
        receipt = await self._receipt(transaction, view) if transaction.is_settled or used else None
        if receipt is not None or not used:
            self.missing.pop(transaction.nonce, None)
        if receipt is not None:
            await self._settle(transaction, receipt, view, first=first)
            return None
        if transaction.is_settled:  # the chain took it back
            transaction = await self._unsettle(transaction)
        if used:
            await self._unseen(transaction, view)
            return None
        return transaction

    async def _receipt(self, transaction: Transaction, view: View) -> Receipt | None:
        """As `view` has it; else asked for: an earlier attempt may have won, or the block just have come."""
        known = (view.receipts.get(attempt.hash) for attempt in transaction.attempts)
        return next(filter(None, known), None) or await receipt_of(transaction, self._writer)

    async def _presume_sent(self, transaction: Transaction) -> Transaction:
        """A crash hid whether signed bytes went out; only the chain knows, so ask as if they had."""
        newest = transaction.newest
        if newest is None or newest.outcome is not None:
            return transaction
        return self._desk.roster.keep(await self._desk.store.sent(transaction, SendOutcome.UNKNOWN, out=True))

    async def _settle(self, transaction: Transaction, receipt: Receipt, view: View, *, first: bool) -> None:
        """Take note of a receipt, as far as `view` has got."""
        if receipt.block > view.head.number:
            return
        mined = Mined(receipt.tx_hash, receipt.block, receipt.block_hash, receipt.succeeded)
        if transaction.is_settled and transaction.mined != mined:
            transaction = await self._unsettle(transaction)
        won = next(attempt for attempt in transaction.attempts if attempt.hash == receipt.tx_hash)
        if won.cancels:
            await self._cancelled(transaction, mined, view)
            return
        if transaction.state not in ON_CHAIN:
            transaction = self._move(transaction, State.MINED, receipt)
            self._desk.observer.on_landed(receipt.block - transaction.created)
        deep = mined.block + self._desk.rules.confirmations <= view.head.number + 1
        if transaction.state is State.MINED and deep:
            transaction = self._move(transaction, State.CONFIRMED, receipt)
        if transaction.state is State.CONFIRMED and await self._may_close(transaction, view):
            self._move(transaction, State.FINAL, receipt)
        elif first:
            self._desk.roster.note(transaction, receipt)

    async def _cancelled(self, transaction: Transaction, mined: Mined, view: View) -> None:
        """The no-op won; that is the end only when it is final."""
        if transaction.mined != mined:
            noted = self._desk.store.noted(transaction, State.CANCELLING, mined)
            transaction = self._desk.roster.keep(noted)
            self._desk.roster.note(transaction)
        if await self._may_close(transaction, view):
            self._move(transaction, State.CANCELLED, mined=mined)

    async def _may_close(self, transaction: Transaction, view: View) -> bool:
        """Whether the block is final and, by its hash, the one that the receipt named (T19)."""
        mined = transaction.mined
        if mined is None or not self._is_final(transaction, view):
            return False
        return (await self._reader.block(mined.block)).hash == mined.block_hash

    async def _unsettle(self, transaction: Transaction) -> Transaction:
        transaction = await self._admit_shown(transaction)
        newest = transaction.newest
        cancels = newest is not None and newest.cancels
        following = State.CANCELLING if cancels else State.SENT
        moved = self._desk.roster.keep(self._desk.store.noted(transaction, following, None))
        self._desk.roster.note(moved)
        return moved

    async def _admit_shown(self, transaction: Transaction) -> Transaction:
        """Nodes put what a block showed back into their mempools, so it is private no longer (T26)."""
        mined = transaction.mined
        for attempt in transaction.attempts:
            if mined is not None and attempt.hash == mined.hash and attempt.until is not None:
                return self._desk.roster.keep(await self._desk.store.published(transaction, attempt))
        return transaction

    def suspicion(self, view: View) -> str | None:
        """Why somebody else seems to use the key: a used nonce without a receipt for too long (T15)."""
        overdue = [nonce for nonce, since in self.missing.items() if view.head.number >= since + PATIENCE]
        return f"nonce {min(overdue)} of our key was used by someone else" if overdue else None

    async def _unseen(self, transaction: Transaction, view: View) -> None:
        """The nonce is used but none of our hashes has a receipt: foreign, unless a node lags."""
        nonce, sender = transaction.nonce, transaction.sender
        self.missing.setdefault(nonce, view.head.number)
        taken = not _never_taken(transaction)
        if taken and (view.final < 0 or nonce >= await self._writer.nonce(sender, view.final)):
            return
        await self._desk.store.require_lease()
        del self.missing[nonce]
        reason = f"nonce {nonce} of {sender} was used by someone else"
        self._desk.brake.pull(reason)
        self._desk.alarms.raise_for(Alarm.FOREIGN, nonce, reason)
        self._move(transaction, State.LOST)

    def _move(
        self,
        transaction: Transaction,
        state: State,
        receipt: Receipt | None = None,
        mined: Mined | None = None,
    ) -> Transaction:
        if receipt is not None:
            mined = Mined(receipt.tx_hash, receipt.block, receipt.block_hash, receipt.succeeded)
        moved = self._desk.roster.keep(self._desk.store.noted(transaction, state, mined))
        self._desk.roster.note(moved, receipt)
        return moved

    def _is_final(self, transaction: Transaction, view: View) -> bool:
        return transaction.mined is not None and transaction.mined.block <= view.final


def expected(transactions: Iterable[Transaction]) -> list[Hash]:
    """The attempts whose receipts a head may bring, one of each transaction that does not only wait."""
    asked = [each for each in transactions if each.attempts and not _is_counted(each)]
    return [each.mined.hash if each.mined else each.attempts[-1].hash for each in asked]


def _is_counted(transaction: Transaction) -> bool:
    """Whether it waits for nothing but finality."""
    return transaction.is_settled and transaction.state in {State.CONFIRMED, State.CANCELLING}


def _never_taken(transaction: Transaction) -> bool:
    """Whether nobody can have an attempt: each was told that the nonce is used, or none was made (T15)."""
    return all(_stale(attempt) for attempt in transaction.attempts)


def _stale(attempt: Attempt) -> bool:
    return attempt.outcome == SendOutcome.NONCE_TOO_LOW and not attempt.out


async def receipt_of(transaction: Transaction, chain: ChainWriter) -> Receipt | None:
    """The receipt of whichever attempt won, newest first.

    Raises:
        Transient: no node answered.
    """
    for attempt in reversed(transaction.attempts):
        receipt = await chain.receipt(attempt.hash)
        if receipt is not None:
            return receipt
    return None
