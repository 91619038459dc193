"""The transaction manager: one writer per key, from a wish to a final receipt.

What counts here: nonce, then signed bytes, then broadcast, each stored before the next (T4, T5); a
lost answer is not a failure; the chain's nonce count and receipts decide what happened (T18-T20),
never a send's answer. The rules T0-T30, where each lives and which test proves it: docs/transactions.md.
"""

import asyncio
import time
from collections.abc import Sequence

from keeper.errors import CallReverted, Degraded, Halt, Transient
from keeper.execute.attempts import Attempts
from keeper.execute.confirm import Confirmer, expected
from keeper.execute.desk import Desk
from keeper.execute.fees import Quote, cancel_fees, first_fees
from keeper.execute.latency import Stopwatch
from keeper.execute.model import Change, Fees, Step, Transaction
from keeper.execute.observe import KEY, Alarm, Alarms, Brake, NoObserver, Standing, TransactionObserver
from keeper.execute.push import Pusher
from keeper.execute.roster import Roster
from keeper.execute.rules import REFUSED, Cancel, Rules, Sign, View, is_stuck
from keeper.execute.signer import Signer
from keeper.execute.states import State
from keeper.execute.store import Intent, TransactionStore
from keeper.ports import ChainReader, ChainWriter
from keeper.relay_ports import PrivateRoute
from keeper.types import Address, BlockRef, Call


class TransactionManager:
    """Sends the transactions of one key and follows them until the chain cannot take them back.

    Call `recover` once before anything else, then for every head `on_head`, `submit` at will, `close`,
    `write_up`.
    """

    def __init__(
        self,
        reader: ChainReader,
        writer: ChainWriter,
        signer: Signer,
        store: TransactionStore,
        rules: Rules,
        *,
        private: PrivateRoute | None = None,
        observer: TransactionObserver | None = None,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.address = signer.address
        self._store = store
        self._rules = rules
        self._observer = observer or NoObserver()
        self._signer = signer
        self._private = private
        self._stopwatch = stopwatch or Stopwatch(time.monotonic)
        self._lock = asyncio.Lock()
        self._start()

    def _start(self) -> None:
        """Remember nothing."""
        self._roster, self._brake, self._alarms = Roster(), Brake(), Alarms(self._observer)
        desk = Desk(
            self.address, self._store, self._roster, self._rules, self._brake, self._alarms, self._observer
        )
        self._attempts = Attempts(desk, self._signer, self._writer, self._private, self._stopwatch)
        self._confirmer = Confirmer(desk, self._reader, self._writer)
        self._pusher = Pusher(desk, self._writer, self._attempts)
        self._view: View | None = None
        self._next = 0  # the first nonce that is neither ours nor used
        self._promised = 0  # wei that what was sent since the last look may take
        self._failures = 0

    @property
    def halted(self) -> str | None:
        """Why nothing new may be signed, None when all is well. What is on its way is followed anyhow."""
        if self._brake.reason:
            return self._brake.reason
        if self._view is None:
            return "what the last run left behind has not been recovered yet"
        if self._failures >= self._rules.blind_failures:
            return f"no node shows what becomes of our transactions, {self._failures} times in a row"
        refused = next((each for each in self._roster.waiting() if _is_refused(each)), None)
        if refused is not None and refused.newest is not None:
            return f"the node refuses transaction {refused.nonce}: {refused.newest.outcome}"
        return self._confirmer.suspicion(self._view)

    def in_flight(self) -> frozenset[tuple[str, Address]]:
        """(deployment, account) of every step that is on its way but not yet on chain."""
        return frozenset(
            (step.deployment, step.account) for each in self._roster.unfinished() for step in each.steps
        )

    async def recover(self) -> list[Change]:
        """Pick up what the last run left: look for receipts, send the rest again (T28).

        Nothing is remembered but the store: it need not have been this process that wrote it last.
        Returns every transaction still open, changed or not, so that later stages can catch up.

        Raises:
            Transient: no node answered; call again.
            StartOver: as `on_head`.
        """
        async with self._lock:
            self._start()
            self._roster.load(await self._store.open())
            self._next = await self._store.next_nonce()
            head = await self._reader.block("latest")
            view = await self._look(head)
            strangers = view.pending - max(view.nonce, self._next)
            self._next = max(self._next, view.nonce)
            if strangers > 0:
                await self._foreign(f"{strangers} transactions of {self.address} wait that are not ours")
            await self._work(view, first=True)
            self._roster.note_all()
            self._view = view
            return self._roster.drain()

    async def on_head(self, head: BlockRef) -> list[Change]:
        """Follow every open transaction to `head`: mined, confirmed, final, gone, or to be pushed.

        Returns the transactions that changed since the last call that succeeded. What the chain says of them
        is in memory alone until `write_up`: what this head asks for leaves first.

        Raises:
            Transient: no node answered; what was learned is kept for the next head.
            Halt: another process works with this key, against the rules.
            StartOver: another process has the key now, or the store cannot tell: `recover` before more.
        """
        async with self._lock:
            try:
                view = await self._look(head)
                strangers = max(view.nonce, view.pending) - self._next
                if strangers > 0:
                    await self._foreign(f"{strangers} transactions of {self.address} are not ours")
                await self._work(view, first=False)
            except Transient:
                self._failures += 1
                if self._failures == self._rules.blind_failures:
                    self._alarms.raise_for(Alarm.BLIND, KEY, self.halted or "")
                raise
            self._failures = 0
            self._alarms.clear(KEY, Alarm.BLIND)
            self._view = view
            self._observer.on_standing(self._standing(view))
            return self._roster.drain()

    async def close(self) -> list[Change]:
        """Bring to their end those whose block is final at the last head: nothing waits for that.

        Returns those that ended. Raises as `on_head`.
        """
        async with self._lock:
            if self._view is not None:
                for transaction in self._roster.numbered():
                    await self._confirmer.close(transaction, self._view)
            return self._roster.drain()

    async def write_up(self) -> None:
        """Store what `recover`, `on_head` and `close` learned, once later stages took note of it.

        Raises:
            StartOver: as `on_head`.
        """
        async with self._lock:
            await self._store.write_up()

    async def submit(
        self,
        key: str,
        steps: Sequence[Step],
        call: Call,
        gas_limit: int,
        ceiling: int | None = None,
        *,
        until: int | None = None,
        fees: Fees | None = None,
    ) -> Transaction:
        """Send `call` once: the same `key` again returns the transaction that already carries it.

        Without a place for it (T23) it waits in the queue for `Rules.queue_blocks`, unless `fees` are given.

        Args:
            key: identifies the intent, so that a repeated request has no second effect.
            steps: what the call will do, remembered for the verdict.
            call: payload.
            gas_limit: units.
            ceiling: the highest fee cap worth paying, wei per gas; None leaves it to the rules.
            until: send it privately, worth something up to this block; None sends it in public.
            fees: exactly what it pays, for a place behind somebody else's. It is then held: in public sent
                again, but neither raised nor given up, until `let_go` or `withdraw`; in private never made
                public. None leaves it to the rules.

        Raises:
            Halt: nothing may be signed now; see `halted`.
            Degraded: gas costs more than `ceiling`, the queue is full, or the fate of a transaction
                is unclear.
            StartOver: see `on_head`.
        """
        async with self._lock:
            highest, held = self._rules.max_gas_price, fees is not None
            ceiling = highest if ceiling is None else min(ceiling, highest)
            try:
                view = self._ready()
                fees = fees or _first_fees(view, ceiling)
                room = await self._has_room(needed=held)
            except (Halt, Degraded):
                known = await self._store.find(key)
                if known is None:
                    raise
                return known
            intent = Intent(key, call, tuple(steps), gas_limit, ceiling, view.head, until)
            reserved = await self._store.reserve(intent, view.nonce) if room else None
            if reserved is None:
                known = await self._store.find(key)
                return await self._queue(intent) if known is None else known
            transaction = self._own(reserved)
            self._roster.hold(transaction, held=held)
            self._promised += gas_limit * fees.cap
            return await self._attempts.pay(transaction, fees, view.head.number, gas_limit)

    def let_go(self, transaction: Transaction) -> None:
        """What it was held behind is mined: from now on it is pushed like any other."""
        self._roster.hold(transaction, held=False)

    async def withdraw(self, transaction: Transaction) -> None:
        """What it was held behind will not be mined: put a no-op in its place, if it still waits (T21)."""
        async with self._lock:
            self._roster.hold(transaction, held=False)
            now = next((each for each in self._roster.waiting() if each.id == transaction.id), None)
            if now is None or self._view is None or now.state is State.CANCELLING:
                return
            rules, previous = self._rules, now.newest.fees if now.newest else None
            fees = cancel_fees(previous, self._view.quote, rules.cancel_ceiling, rules.bump)
            if fees is not None:
                await self._pusher.sign(now, Cancel(fees), self._view)

    async def offer(self, transaction: Transaction) -> None:
        """Send the newest attempt of `transaction` once more, the way that is open now, if it still waits.

        Raises:
            StartOver: as `on_head`.
        """
        async with self._lock:
            now = next((each for each in self._roster.waiting() if each.id == transaction.id), None)
            if now is not None and now.attempts and self._view is not None:
                await self._attempts.offer(now, self._view.head.number)

    async def recall(self, transaction: Transaction | None = None) -> None:
        """Take `transaction`, or everything, back from the builders that hold it.

        It is not offered again and never made public; its nonce is free after its last block, as ever, for
        nobody can count on a builder that forgets. Nothing where builders were given no last block.
        """
        async with self._lock:
            if self._view is None or not self._rules.forgets:
                return
            for each in self._roster.waiting():
                chosen = transaction is None or each.id == transaction.id
                if chosen and each.until is not None:
                    self._roster.hold(each, held=True)
                    self._attempts.recall(each, self._view.head.number)

    @property
    def purse(self) -> int:
        """Wei that the key had left for gas at the last head, less what was sent since may take."""
        return self._view.balance - self._promised if self._view else 0

    @property
    def tip(self) -> int | None:
        """What the last head's blocks accepted, wei per gas; None before any was looked at."""
        return self._view.tip if self._view else None

    @property
    def max_gas_price(self) -> int:
        """The highest fee cap of a payload, wei per gas."""
        return self._rules.max_gas_price

    def _ready(self) -> View:
        """The newest view, if another transaction may be signed on it."""
        halted = self.halted
        if halted or self._view is None:
            raise Halt(f"nothing is signed: {halted}")
        if missing := self._confirmer.missing:
            raise Degraded(f"nonces {sorted(missing)} of {self.address} are used, but not seen mined")
        return self._view

    async def _look(self, head: BlockRef) -> View:
        last = self._view.head if self._view else None
        seen = await self._writer.key_state(self.address, expected(self._roster.numbered()))
        broken = last is None or last.hash not in {head.parent, head.hash}
        self._promised = 0
        return View(head, seen.nonce, seen.pending, seen.final, seen.tip, broken, seen.balance, seen.receipts)

    async def _work(self, view: View, *, first: bool) -> None:
        """Lowest nonce first: what comes later cannot be mined before."""
        for transaction in self._roster.numbered():
            unmined = await self._confirmer.follow(transaction, view, first=first)
            if unmined is not None and self._roster.keeps(unmined):
                await self._keep(unmined, view)
            elif unmined is not None:
                await self._pusher.push(unmined, view, sign=not self._confirmer.missing)
            else:
                self._alarms.clear(transaction.nonce)
        await self._pusher.fill_gaps(view)
        for transaction in self._roster.queued():
            await self._admit(transaction, view)

    async def _keep(self, held: Transaction, view: View) -> None:
        """A held transaction stays as it is; a private one ends with its last block."""
        if held.until is None and held.attempts:
            await self._attempts.offer(held, view.head.number)
        elif held.until is not None and view.head.number >= held.until:
            await self._pusher.expire(held, view)

    async def _admit(self, transaction: Transaction, view: View) -> None:
        """Give a queued transaction its nonce, unless it waited too long or would fail by now (T6)."""
        last = transaction.created + self._rules.queue_blocks
        if transaction.until is not None:
            last = min(last, transaction.until - 1)
        late = view.head.number > last
        if late or await self._fails(transaction):
            dropped = await self._store.dropped(transaction)
            self._roster.note(self._roster.keep(dropped))
            return
        fees = first_fees(view.quote, transaction.ceiling)
        sound = not self._brake.reason and not self._confirmer.missing
        if fees is not None and sound and await self._has_room():
            admitted = self._own(await self._store.admit(transaction, view.nonce))
            await self._pusher.sign(admitted, Sign(fees, admitted.gas), view)

    async def _fails(self, transaction: Transaction) -> bool:
        try:
            await self._reader.call(transaction.call, sender=self.address)
        except CallReverted:
            return True
        return False

    async def _has_room(self, *, needed: bool = False) -> bool:
        """Whether another one may be in flight; deep pipelines ask what the node has seen of them (T23).

        Raises:
            Degraded: it may not, and is `needed` there.
        """
        room = await self._finds_room()
        if needed and not room:
            raise Degraded(f"{self._rules.max_in_flight} transactions of {self.address} are out")
        return room

    async def _finds_room(self) -> bool:
        waiting = self._roster.waiting()
        if len(waiting) >= self._rules.max_in_flight:
            return False
        if len(waiting) < self._rules.optimistic or any(each.until is not None for each in waiting):
            return True
        pending = await self._writer.nonce(self.address, "pending")
        return self._next - pending < self._rules.optimistic

    async def _queue(self, intent: Intent) -> Transaction:
        if len(self._roster.queued()) >= self._rules.max_in_flight:
            raise Degraded(f"{self._rules.max_in_flight} transactions of {self.address} are queued already")
        return self._roster.keep(await self._store.queue(intent))

    def _own(self, transaction: Transaction) -> Transaction:
        self._next = max(self._next, transaction.nonce + 1)
        return self._roster.keep(transaction)

    async def _foreign(self, reason: str) -> None:
        """Somebody else works with the key, and it is not the process that took it over from us."""
        await self._store.require_lease()
        self._brake.pull(reason)
        self._alarms.raise_for(Alarm.FOREIGN, KEY, reason)

    def _standing(self, view: View) -> Standing:
        waiting = self._roster.waiting()
        return Standing(
            nonce=view.nonce,
            pending=len(waiting),
            queued=len(self._roster.queued()),
            cancelling=sum(each.state is State.CANCELLING for each in waiting),
            gaps=self._pusher.gaps,
            stuck=sum(is_stuck(each, view, self._rules) for each in waiting),
        )


def _first_fees(view: View, ceiling: int) -> Fees:
    fees = first_fees(Quote(view.tip, view.head.base_fee), ceiling)
    if fees is None:
        raise Degraded(f"the base fee {view.head.base_fee} leaves nothing below {ceiling} wei per gas")
    return fees


def _is_refused(transaction: Transaction) -> bool:
    newest = transaction.newest
    return newest is not None and newest.outcome in REFUSED
