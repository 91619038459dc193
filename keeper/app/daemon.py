"""The daemon's main loop: one turn a head, from the chain to the ledger."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from keeper.app.announce import Announcer
from keeper.app.decider import Decider
from keeper.app.duty import Duty
from keeper.app.events import Event
from keeper.app.foresight import AnyProspect, Foresight
from keeper.app.governor import Governor
from keeper.app.lane import Judgement, Lane, planned
from keeper.app.misses import Misses
from keeper.app.outbox import Outbox
from keeper.app.pace import Pace
from keeper.app.records import Records
from keeper.chain.hints import Told
from keeper.clock import Clock
from keeper.errors import ConfigError, Degraded, StartOver, Transient
from keeper.execute.dispatch import Dispatcher
from keeper.execute.latency import Stopwatch
from keeper.execute.model import Report
from keeper.garbage import keep_what_is, left_lying
from keeper.ledger.missed import Missed
from keeper.ops.health import Component, Heartbeat
from keeper.ops.incidents import Incidents
from keeper.ops.metrics import Metrics
from keeper.plan.model import Plan
from keeper.ports import Chain, PendingTransaction, Priority, priority
from keeper.types import Address, BlockRef

BEFORE_FIRST = -1
"""The term of a daemon that has not turned yet."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one daemon: blocks between snapshots, and behind the head that still count as ready."""

    snapshot_blocks: int = 100
    lag: int = 3


@dataclass(slots=True)
class News:
    """What a head told of transactions, ours and others', until it is written down."""

    reports: list[Report] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)


class Daemon:
    """Turns once for every head it is given; see `keeper.app.wiring` for what it is made of."""

    def __init__(
        self,
        chain: Chain,
        lanes: Sequence[Lane],
        dispatcher: Dispatcher,
        records: Records,
        *,
        decider: Decider,
        outbox: Outbox,
        duty: Duty,
        misses: Misses,
        governor: Governor,
        metrics: Metrics,
        incidents: Incidents,
        heartbeat: Heartbeat,
        clock: Clock,
        stopwatch: Stopwatch,
        announcer: Announcer,
        limits: Limits,
        foresight: Foresight | None = None,
    ) -> None:
        self._chain = chain
        self._lanes = lanes
        self._dispatcher = dispatcher
        self._records = records
        self._decider = decider
        self._outbox = outbox
        self._duty = duty
        self._misses = misses
        self._governor = governor
        self._metrics = metrics
        self._incidents = incidents
        self._heartbeat = heartbeat
        self._clock = clock
        self._stopwatch = stopwatch
        self._announcer = announcer
        self._limits = limits
        self._foresight = foresight
        self._busy = asyncio.Lock()
        self._pace = Pace()
        self._head: BlockRef | None = None
        self._saved = 0
        self._term: int | None = BEFORE_FIRST
        self._recovered = False
        self._stopping = False
        self._news = News()

    def stop(self) -> None:
        """Send nothing new from now on; what is on its way is still followed (T30)."""
        self._stopping = True

    @property
    def idle(self) -> bool:
        """Whether no transaction is on its way, as far as it is ours to follow."""
        return not self._recovered or self._dispatcher.idle

    async def take(self, head: BlockRef) -> bool:
        """Turn for `head`; whether the turn came to its end. One that hiccups may simply be repeated."""
        ended = True
        self._duty.turning()
        try:
            async with self._busy:
                await self.turn(head)
        except (Transient, StartOver) as error:
            ended = False
            self._recovered = self._recovered and isinstance(error, Transient)
            self._announcer.deferred(head, str(error))
        finally:
            await self._duty.turned(ended=ended)
        self.beat()
        self._metrics.last_turn.set(self._clock.now())
        return ended

    async def meet(self, seen: PendingTransaction | Told) -> None:
        """Between two turns, act on an oracle update that still waits for a block."""
        async with self._busy:
            if self._foresight is None or self._head is None or not self._sends:
                return
            try:
                found = await self._foresight.meet(seen, self._head, self._pace.next_timestamp)
                if found is not None:
                    await self._follow_up(self._foresight, found)
            except (Transient, Degraded, StartOver) as error:
                self._recovered = not isinstance(error, StartOver)
                self._announcer.say(Event.DEFERRED, block=self._head.number, reason=str(error))

    async def meet_all(self, seen: AsyncIterator[PendingTransaction] | AsyncIterator[Told]) -> None:
        """`meet` whatever is seen, as long as something is."""
        async for each in seen:
            await self.meet(each)

    def beat(self) -> None:
        """Say that the loop is not stuck."""
        self._heartbeat.turn()

    async def turn(self, head: BlockRef) -> None:
        """Bring everything to `head` and act on what it changed.

        Raises:
            Transient: the chain could not be read; nothing is half-done.
            StartOver: another process may sign now, or the store is out of reach.
        """
        known = self._head
        self._head = head
        near = known is not None and head.number <= known.number + self._limits.lag
        with left_lying() if near else nullcontext():
            ready = await self._act(head)
        await self._tidy(ready, head)
        if known is None:
            keep_what_is()

    async def _act(self, head: BlockRef) -> list[Lane]:
        """From `head` to what is sent on it, by the lanes that it returns. Somebody else may be faster."""
        started = self._clock.monotonic()
        self._stopwatch.head(head)
        self._reload()
        self._metrics.head_block.set(head.number)
        self._pace.observe(head)
        ready = await self._follow(head)
        if self._foresight is not None and self._recovered:
            await self._foresight.on_head(head)
        if self._recovered and self._governor.switch.stopped:
            await self._dispatcher.recall()
        await self._settle(head)
        judgements = await self._decider.judge(ready, head, self._pace, ours=self._recovered)
        self._stopwatch.decided(head)
        self._metrics.decision_seconds.observe(self._clock.monotonic() - started)
        if self._sends and self._governor.budgeted:
            await self._write_up()
        first, in_flight = list[Plan](), len(self._in_flight())
        with self._announcer.head_first():
            if any(judgement.left for judgement in judgements):
                first = planned(judgements)
                await self._send(first, head)
                judgements = await self._decider.go_on(ready, judgements, head, ours=self._recovered)
                self._stopwatch.decided(head)
            self._judged(judgements, head, in_flight)
        await self._send([plan for plan in planned(judgements) if plan not in first], head)
        if self._sends:
            for lane in ready:
                await self._outbox.send(await lane.reconsider(), head)
        await self._look_ahead(head)
        return ready

    def _judged(self, judgements: Sequence[Judgement], head: BlockRef, in_flight: int) -> None:
        """Tell and remember what `head` means; so many accounts were on their way before."""
        for each in judgements:
            self._misses.remember(each.deployment, head.number, (*each.plans, *each.rejections))
        self._announcer.judged(
            head,
            judgements,
            accounts=sum(lane.known for lane in self._lanes if lane.cursor),
            in_flight=in_flight,
        )

    async def _tidy(self, ready: Sequence[Lane], head: BlockRef) -> None:
        """All that a head asks for and nobody waits for."""
        await self._write_up()
        if self._recovered:
            self._news.reports += await self._dispatcher.close()
            await self._write_up()
        self._announcer.standstill("signer", self._halted)
        for lane in ready:
            await self._audit(lane, head)
            lane.rest()
        if head.number >= self._saved + self._limits.snapshot_blocks:
            await self.save()
        await self._records.rest()
        await self._incidents.save()

    async def save(self) -> None:
        """Store a snapshot of every index."""
        try:
            finalized = (await self._chain.block("finalized")).number
        except Degraded:
            finalized = -1  # a young chain has finalized nothing
        for lane in self._lanes:
            await lane.save(finalized)
        self._saved = self._head.number if self._head else 0
        await self._incidents.save()

    async def readiness(self) -> list[Component]:
        """What /readyz reports. Asks for the head itself: a dead node sends no news of its death.

        Raises:
            Transient: no node answers.
        """
        head = (await self._chain.block("latest")).number
        cursors = [lane.cursor.number if lane.cursor else None for lane in self._lanes]
        behind = [head - cursor for cursor in cursors if cursor is not None]
        synced = len(behind) == len(self._lanes) and bool(behind)
        lag = max(behind, default=None)
        return [
            Component("synced", synced, f"index at {cursors}, head {head}"),
            Component("lag", lag is not None and lag <= self._limits.lag, f"{lag} blocks"),
            *self._duty.components(self._dispatcher.halted),
        ]

    async def _follow(self, head: BlockRef) -> list[Lane]:
        """Bring the indexes to `head`; a deployment that cannot be handled stays behind alone."""
        ready = []
        for lane in self._lanes:
            known = lane.known
            try:
                await lane.follow(head)
            except Degraded as error:
                self._announcer.say(Event.DEGRADED, block=head.number, reason=str(error))
            else:
                ready.append(lane)
                if lane.undone:
                    self._announcer.reorganised(lane.market.deployment, head, lane.undone)
                self._miss(lane, known)
        self._announcer.followed(head, ready)
        return ready

    def _miss(self, lane: Lane, known: int) -> None:
        """Note what others liquidated; `known` accounts were in the book before."""
        if lane.liquidations:
            in_flight = self._in_flight()
            self._news.missed += self._misses.classify(lane.market, lane.liquidations, known, in_flight)

    async def _settle(self, head: BlockRef) -> None:
        """Follow transactions on their way; nothing new is planned before the last run is accounted for.

        What became of them is written down after the sends, see `_write_up`.
        """
        term = await self._duty.assume()
        if term != self._term:
            self._recovered = False
            if self._duty.shared:
                self._announcer.duty(head, term, first=self._term == BEFORE_FIRST)
            self._term = term
        known = self._recovered
        if not known:
            self._news.reports.clear()  # whoever recovers is told again
        if term is not None:
            reports = await (self._dispatcher.on_head(head) if known else self._dispatcher.recover())
            self._news.reports += reports
            self._recovered = True
        self._announcer.standstill("signer", self._halted)

    async def _write_up(self) -> None:
        """Write down what the head told: first the ledger, for a transaction that is over tells no more."""
        self._announcer.say_all(Event.MISSED, await self._records.missed(self._news.missed))
        self._news.missed.clear()
        self._announcer.say_all(Event.OUTCOME, await self._records.settled(self._news.reports))
        self._news.reports.clear()
        if self._recovered:
            await self._dispatcher.write_up()

    @property
    def _halted(self) -> str | None:
        """Why this process signs nothing though it should."""
        if self._term is not None:
            return self._dispatcher.halted
        return None if self._duty.shared else "another process has taken over the key; start only one"

    def _in_flight(self) -> frozenset[tuple[str, Address]]:
        """What is on its way, as far as it is ours to follow."""
        return self._dispatcher.in_flight() if self._recovered else frozenset()

    async def _send(self, plans: Sequence[Plan], head: BlockRef) -> None:
        if self._sends:
            await self._outbox.send(plans, head)

    async def _look_ahead(self, head: BlockRef) -> None:
        """What to place behind updates that this head leaves waiting."""
        if self._foresight is not None and self._sends:
            for found in await self._foresight.again(head, self._pace.next_timestamp):
                await self._follow_up(self._foresight, found)
            await self._foresight.spread(head, self._pace.next_timestamp)

    async def _follow_up(self, foresight: Foresight, found: AnyProspect) -> None:
        self._outbox.reject(found.rejections)
        for transaction in await self._outbox.send(found.plans, found.behind.head, found.behind):
            foresight.sent(found, transaction)

    @property
    def _sends(self) -> bool:
        """Whether new liquidations are for this process to send now."""
        return self._recovered and not self._stopping

    def _reload(self) -> None:
        """Take over new settings when the operator asked for it."""
        try:
            found = self._governor.reloaded()
        except ConfigError as error:
            self._announcer.say(Event.NOTICE, reason=f"settings not reloaded: {error}")
            return
        if found is None:
            return
        for lane in self._lanes:
            lane.adopt(found.desk)
        self._announcer.say(
            Event.RELOADED,
            changes=[difference._asdict() for difference in found.differences],
            need_restart=found.waiting,
        )

    async def _audit(self, lane: Lane, head: BlockRef) -> None:
        with priority(Priority.AUDIT):
            audit = await lane.audit(head)
        if audit is not None:
            quarantined = sum(len(each.quarantined) for each in self._lanes)
            self._announcer.audited(lane.market.deployment, audit, quarantined)
