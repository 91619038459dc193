"""The transaction manager: one writer per key, from a reserved nonce to a final receipt.

Rules T0-T30 are those of the engineering reference. What counts here: nonce, then signed bytes,
then broadcast, each stored before the next (T4, T5); a lost answer is not a failure (rule 4);
the chain's nonce count and receipts decide what happened (T18-T20), never a send's answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keeper.errors import Degraded, Halt
from keeper.execute.attempts import REFUSED, Attempts, next_fees
from keeper.execute.fees import first_fees
from keeper.execute.model import Change, Fees, Mined, Step, Transaction
from keeper.execute.signer import Signer
from keeper.execute.states import ON_CHAIN, TERMINAL, State
from keeper.execute.store import TransactionStore
from keeper.ports import ChainReader, ChainWriter, Receipt, SendOutcome
from keeper.types import Address, BlockRef, Call

PATIENCE = 3
"""Blocks until a used nonce without a receipt is held against somebody else and not a lagging node."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the manager behaves; blocks are counted from the head an attempt was priced on.

    `max_gas_price` in wei per gas is absolute. `confirmations` counts the mined block itself.
    `max_waiting` bounds what mempools take from one key (T23).
    """

    max_gas_price: int
    confirmations: int = 1
    bump_after: int = 2
    max_waiting: int = 16


class View(NamedTuple):
    """The chain as one head shows it. `nonce` is the key's next one, `final` a block number."""

    head: BlockRef
    nonce: int
    final: int
    tip: int
    broken: bool  # the head does not follow the one seen before: mined transactions may be gone


class TransactionManager:
    """Sends the transactions of one key and follows them until the chain cannot take them back.

    Call `recover` once before anything else, then `on_head` for every head and `submit` at will.
    """

    def __init__(
        self, reader: ChainReader, writer: ChainWriter, signer: Signer, store: TransactionStore, rules: Rules
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.address = signer.address
        self._store = store
        self._attempts = Attempts(writer, signer, store, self._keep)
        self._rules = rules
        self._lock = asyncio.Lock()
        self._view: View | None = None
        self._open: dict[int, Transaction] = {}
        self._changed: dict[int, Change] = {}
        self._missing: dict[int, int] = {}  # nonce without a receipt: block since
        self._halted: str | None = None

    @property
    def halted(self) -> str | None:
        """Why nothing more may be signed, None when all is well."""
        if self._halted:
            return self._halted
        if self._view is None:
            return "what the last run left behind has not been recovered yet"
        for nonce, since in self._missing.items():
            if self._view.head.number >= since + PATIENCE:
                return f"nonce {nonce} of {self.address} was used by someone else"
        for transaction in self._waiting():
            newest = transaction.attempts[-1:]
            if newest and newest[0].outcome in REFUSED:
                return f"the node refuses transaction {transaction.nonce}: {newest[0].outcome}"
        return None

    def in_flight(self) -> frozenset[tuple[str, Address]]:
        """(deployment, account) of every step that is on its way but not yet on chain."""
        return frozenset((step.deployment, step.account) for tx in self._waiting() for step in tx.steps)

    async def recover(self) -> list[Change]:
        """Pick up what the last run left: look for receipts, send the rest again.

        Returns every transaction still open, changed or not, so that later stages can catch up.

        Raises:
            Transient: no node answered; call again.
        """
        async with self._lock:
            self._open = {transaction.id: transaction for transaction in await self._store.open()}
            head = await self._reader.block("latest")
            pending = await self._writer.nonce(self.address, "pending")
            view = await self._look(head)
            for transaction in list(self._open.values()):
                await self._follow(transaction, view)
            for transaction in self._open.values():
                self._changed.setdefault(transaction.id, Change(transaction, None))
            ours = max(view.nonce, await self._store.next_nonce())
            if pending > ours:
                self._halted = (
                    f"{pending - ours} transactions of {self.address} are waiting that are not ours"
                )
            self._view = view
            return self._drain()

    async def on_head(self, head: BlockRef) -> list[Change]:
        """Follow every open transaction to `head`: mined, confirmed, final, gone, or to be pushed.

        Returns the transactions that changed since the last call that succeeded.

        Raises:
            Transient: no node answered; what was learned is kept for the next head.
            Halt: another process works with this key.
        """
        async with self._lock:
            view = await self._look(head)
            for transaction in list(self._open.values()):
                await self._follow(transaction, view)
            self._view = view
            return self._drain()

    async def submit(
        self, key: str, steps: Sequence[Step], call: Call, gas_limit: int, ceiling: int | None = None
    ) -> Transaction:
        """Send `call` once: the same `key` again returns the transaction that already carries it.

        Args:
            key: identifies the intent, so that a repeated request has no second effect.
            steps: what the call will do, remembered for the verdict.
            call: payload.
            gas_limit: units.
            ceiling: the highest fee cap worth paying, wei per gas; None leaves it to the rules.

        Raises:
            Halt: nothing may be signed now; see `halted`.
            Degraded: gas costs more than `ceiling`, too many transactions are waiting, or the
                fate of one is unclear.
        """
        async with self._lock:
            known = await self._store.find(key)
            if known is not None:
                return known
            view = self._ready()
            highest = self._rules.max_gas_price
            ceiling = highest if ceiling is None else min(ceiling, highest)
            fees = first_fees(view.tip, view.head.base_fee, ceiling)
            if fees is None:
                raise Degraded(
                    f"the base fee {view.head.base_fee} leaves nothing below {ceiling} wei per gas"
                )
            transaction = self._keep(
                await self._store.reserve(
                    key, call, tuple(steps), gas=gas_limit, ceiling=ceiling, head=view.head, floor=view.nonce
                )
            )
            try:
                return await self._attempts.make(transaction, fees, view.head.number)
            except Halt as error:
                self._halted = str(error)
                raise

    def _ready(self) -> View:
        """The newest view, if another transaction may be signed on it."""
        if self.halted or self._view is None:
            raise Halt(f"nothing is signed: {self.halted}")
        if self._missing:
            raise Degraded(f"nonces {sorted(self._missing)} of {self.address} are used, but not seen mined")
        if len(self._waiting()) >= self._rules.max_waiting:
            raise Degraded(f"{self._rules.max_waiting} transactions of {self.address} are waiting already")
        return self._view

    async def _look(self, head: BlockRef) -> View:
        last = self._view.head if self._view else None
        return View(
            head=head,
            nonce=await self._writer.nonce(self.address, "latest"),
            final=await self._final(),
            tip=await self._writer.priority_fee(),
            broken=last is None or (last.hash not in {head.parent, head.hash}),
        )

    async def _final(self) -> int:
        if not self._missing and len(self._waiting()) == len(self._open):
            return -1  # nobody would ask
        try:
            return (await self._reader.block("finalized")).number
        except Degraded:
            return -1  # a young chain has finalized nothing

    async def _follow(self, transaction: Transaction, view: View) -> None:
        """Bring one transaction in line with `view`."""
        if transaction.state is State.CONFIRMED and not view.broken and not _is_final(transaction, view):
            return
        if transaction.state is State.SIGNED:
            # A crash hid whether these bytes went out; only the chain knows, so ask as if they had.
            transaction = self._keep(await self._store.sent(transaction, SendOutcome.UNKNOWN))
        on_chain = transaction.state in ON_CHAIN
        used = transaction.nonce < view.nonce
        receipt = await self._receipt(transaction) if on_chain or used else None
        if receipt is not None or not used:
            self._missing.pop(transaction.nonce, None)
        if receipt is not None:
            await self._mined(transaction, receipt, view)
            return
        if on_chain:  # the chain took it back
            transaction = await self._move(transaction, State.SENT)
        if used:
            await self._unseen(transaction, view)
        elif on_chain:
            await self._attempts.offer(transaction)
        else:
            await self._push(transaction, view)

    async def _receipt(self, transaction: Transaction) -> Receipt | None:
        """The receipt of whichever attempt won, newest first."""
        for attempt in reversed(transaction.attempts):
            receipt = await self._writer.receipt(attempt.hash)
            if receipt is not None:
                return receipt
        return None

    async def _mined(self, transaction: Transaction, receipt: Receipt, view: View) -> None:
        """Take note of a receipt, as far as `view` has got."""
        if receipt.block > view.head.number:
            return
        mined = Mined(receipt.tx_hash, receipt.block, receipt.block_hash, receipt.succeeded)
        if transaction.state in ON_CHAIN and transaction.mined != mined:
            transaction = await self._move(transaction, State.SENT)
        if transaction.state is State.SENT:
            transaction = await self._move(transaction, State.MINED, receipt)
        deep = mined.block + self._rules.confirmations <= view.head.number + 1
        if transaction.state is State.MINED and deep:
            transaction = await self._move(transaction, State.CONFIRMED, receipt)
        if transaction.state is State.CONFIRMED and _is_final(transaction, view):
            await self._move(transaction, State.FINAL, receipt)
        elif self._view is None:
            self._changed[transaction.id] = Change(transaction, receipt)

    async def _unseen(self, transaction: Transaction, view: View) -> None:
        """The nonce is used but none of our hashes has a receipt: foreign, unless a node lags."""
        self._missing.setdefault(transaction.nonce, view.head.number)
        if view.final >= 0 and transaction.nonce < await self._writer.nonce(self.address, view.final):
            del self._missing[transaction.nonce]
            self._halted = f"nonce {transaction.nonce} of {self.address} was used by someone else"
            await self._move(transaction, State.LOST)

    async def _push(self, transaction: Transaction, view: View) -> None:
        """Get an unmined transaction into the next block: sign it, raise its fees, or send it again."""
        may_sign = not self._halted and not self._missing
        fees = self._fees(transaction, view) if may_sign else None
        if fees is not None:
            try:
                await self._attempts.make(transaction, fees, view.head.number)
            except Halt as error:  # the other transactions must be followed all the same
                self._halted = str(error)
        elif transaction.attempts:
            await self._attempts.offer(transaction)

    def _fees(self, transaction: Transaction, view: View) -> Fees | None:
        return next_fees(
            transaction,
            tip=view.tip,
            base_fee=view.head.base_fee,
            overdue=view.head.number - self._rules.bump_after,
        )

    async def _move(
        self, transaction: Transaction, state: State, receipt: Receipt | None = None
    ) -> Transaction:
        mined = receipt and Mined(receipt.tx_hash, receipt.block, receipt.block_hash, receipt.succeeded)
        transaction = self._keep(await self._store.moved(transaction, state, mined))
        self._changed[transaction.id] = Change(transaction, receipt)
        return transaction

    def _keep(self, transaction: Transaction) -> Transaction:
        if transaction.state in TERMINAL:
            del self._open[transaction.id]
        else:
            self._open[transaction.id] = transaction
        return transaction

    def _waiting(self) -> list[Transaction]:
        return [transaction for transaction in self._open.values() if transaction.state not in ON_CHAIN]

    def _drain(self) -> list[Change]:
        changes, self._changed = list(self._changed.values()), {}
        return changes


def _is_final(transaction: Transaction, view: View) -> bool:
    return transaction.mined is not None and transaction.mined.block <= view.final
