"""The daemon's main loop: one turn a head, from the chain to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from keeper.app.events import Event, Sink
from keeper.app.governor import Governor
from keeper.app.lane import Judgement, Lane
from keeper.app.misses import Misses
from keeper.app.native import ASSUMED_PRICE, native_price
from keeper.app.pace import Pace
from keeper.app.records import Records, audit_fields, rejection_fields
from keeper.clock import Clock
from keeper.errors import ConfigError, Degraded, Halt, Transient
from keeper.execute.dispatch import Dispatcher, Papered, Submitted
from keeper.ops.health import Component, Heartbeat
from keeper.ops.incidents import Incidents, Kind
from keeper.ops.metrics import Metrics, PlanResult
from keeper.plan.model import Plan
from keeper.plan.select import affordable, batched
from keeper.ports import Chain, Priority, priority
from keeper.types import USD, Address, BlockRef, borrower, checksum, section

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one daemon.

    `batch_steps` liquidations, `batch_gas` gas and `batch_usd` net profit (USD, 8 decimals) to a
    transaction, `snapshot_blocks` between snapshots, `lag` blocks behind the head that still count as ready.
    """

    batch_steps: int = 16
    batch_gas: int = 15_000_000
    batch_usd: int = 20_000 * USD
    snapshot_blocks: int = 100
    lag: int = 3


class Daemon:
    """Turns once for every head it is given; see `keeper.app.wiring` for what it is made of."""

    def __init__(
        self,
        chain: Chain,
        chain_id: int,
        lanes: Sequence[Lane],
        dispatcher: Dispatcher,
        records: Records,
        *,
        misses: Misses,
        governor: Governor,
        wrapped_native: Address | None,
        metrics: Metrics,
        incidents: Incidents,
        heartbeat: Heartbeat,
        clock: Clock,
        sink: Sink,
        limits: Limits,
    ) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._lanes = lanes
        self._dispatcher = dispatcher
        self._records = records
        self._misses = misses
        self._governor = governor
        self._wrapped_native = wrapped_native
        self._metrics = metrics
        self._incidents = incidents
        self._heartbeat = heartbeat
        self._clock = clock
        self._sink = sink
        self._limits = limits
        self._pace = Pace()
        self._head: BlockRef | None = None
        self._saved = 0
        self._halted: str | None = None
        self._doubts: dict[str, str] = {}
        self._recovered = False
        self._stopping = False

    def stop(self) -> None:
        """Send nothing new from now on; what is on its way is still followed (T30)."""
        self._stopping = True

    @property
    def idle(self) -> bool:
        """Whether no transaction is on its way."""
        return self._dispatcher.idle

    async def take(self, head: BlockRef) -> bool:
        """Turn for `head`; whether the turn came to its end. One that hiccups may simply be repeated."""
        ended = True
        try:
            await self.turn(head)
        except Transient as error:
            ended = False
            self._say(Event.DEFERRED, block=head.number, reason=str(error))
            self._incidents.note(Kind.DEFERRED, "turn", str(error))
        self.beat()
        self._metrics.last_turn.set(self._clock.now())
        return ended

    def beat(self) -> None:
        """Say that the loop is not stuck."""
        self._heartbeat.turn()

    async def turn(self, head: BlockRef) -> None:
        """Bring everything to `head` and act on what it changed.

        Raises:
            Transient: the chain could not be read; nothing is half-done.
        """
        started = self._clock.monotonic()
        self._head = head
        self._reload()
        self._metrics.head_block.set(head.number)
        self._pace.observe(head)
        ready = await self._follow(head)
        await self._settle(head)
        judgements = await self._judge(ready, head)
        plans = [plan for judgement in judgements for plan in judgement.plans]
        self._metrics.decision_seconds.observe(self._clock.monotonic() - started)
        self._report(head, judgements)
        await self._send(plans)
        for lane in ready:
            await self._send(await lane.reconsider())
        self._tell_halt()
        for lane in ready:
            await self._audit(lane, head)
        if head.number >= self._saved + self._limits.snapshot_blocks:
            await self.save()
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
            Component("signer", self._dispatcher.halted is None, self._dispatcher.halted or "not halted"),
        ]

    async def _follow(self, head: BlockRef) -> list[Lane]:
        """Bring the indexes to `head`; a deployment that cannot be handled stays behind alone."""
        ready = []
        for lane in self._lanes:
            known = lane.known
            try:
                await lane.follow(head)
            except Degraded as error:
                self._say(Event.DEGRADED, block=head.number, reason=str(error))
            else:
                ready.append(lane)
                self._notice_reorg(lane, head)
                await self._miss(lane, known)
        if ready:
            reached = min(lane.cursor.number for lane in ready if lane.cursor)
            self._metrics.index_block.set(reached)
            self._metrics.index_lag_blocks.set(head.number - reached)
        return ready

    async def _miss(self, lane: Lane, known: int) -> None:
        """Note what others liquidated; `known` accounts were in the book before."""
        if lane.liquidations:
            in_flight = self._dispatcher.in_flight()
            found = self._misses.classify(lane.market, lane.liquidations, known, in_flight)
            for fields in await self._records.missed(found):
                self._sink(Event.MISSED, fields)

    def _notice_reorg(self, lane: Lane, head: BlockRef) -> None:
        if lane.undone:
            deployment = lane.market.deployment
            self._metrics.reorgs.inc()
            self._metrics.reorg_blocks.inc(lane.undone)
            self._incidents.note(Kind.REORG, deployment, f"{lane.undone} blocks deep, now at {head.number}")
            self._say(Event.REORG, deployment=deployment, block=head.number, depth=lane.undone)

    async def _settle(self, head: BlockRef) -> None:
        """Follow transactions on their way; nothing new is planned before the last run is accounted for."""
        reports = await (self._dispatcher.on_head(head) if self._recovered else self._dispatcher.recover())
        self._recovered = True
        for fields in await self._records.settled(reports):
            self._sink(Event.OUTCOME, fields)
        self._tell_halt()

    def _tell_halt(self) -> None:
        """Say when the dispatcher stops for a new reason; it goes on by itself where that is safe."""
        halted = self._dispatcher.halted
        if halted and halted != self._halted:
            self._say(Event.HALTED, reason=halted)
            self._incidents.note(Kind.HALTED, "signer", halted)
        self._halted = halted

    async def _judge(self, lanes: Sequence[Lane], head: BlockRef) -> list[Judgement]:
        markets = [lane.market for lane in lanes]
        native = native_price(markets, self._wrapped_native, self._chain_id) or ASSUMED_PRICE
        gas_price = head.base_fee + await self._chain.priority_fee()
        in_flight = self._dispatcher.in_flight()
        timestamp = self._pace.next_timestamp
        judgements: list[Judgement] = []
        for lane in lanes:
            ahead = [plan for judgement in judgements for plan in judgement.plans]
            try:
                judgement = await lane.judge(head, timestamp, gas_price, native, in_flight, ahead=ahead)
                judgements.append(judgement)
                self._misses.remember(
                    judgement.deployment, head.number, (*judgement.plans, *judgement.rejections)
                )
            except Degraded as error:
                self._say(Event.DEGRADED, block=head.number, reason=str(error))
        return judgements

    async def _send(self, plans: Sequence[Plan]) -> None:
        """Dispatch what the operator and the key's money allow, in batches, the first turns first."""
        if self._stopping or not plans or not await self._may_send():
            return
        purse = await self._dispatcher.purse()
        if purse is not None:
            plans, dropped = affordable(plans, purse)
            for rejection in dropped:
                self._sink(Event.REJECTED, rejection_fields(rejection))
        limits = self._limits
        for batch in batched(plans, limits.batch_steps, limits.batch_gas, limits.batch_usd):
            await self._dispatch(batch)

    def _reload(self) -> None:
        """Take over new settings when the operator asked for it."""
        try:
            found = self._governor.reloaded()
        except ConfigError as error:
            self._say(Event.NOTICE, reason=f"settings not reloaded: {error}")
            return
        if found is None:
            return
        for lane in self._lanes:
            lane.adopt(found.desk)
        self._say(
            Event.RELOADED,
            changes=[difference._asdict() for difference in found.differences],
            need_restart=found.waiting,
        )

    async def _may_send(self) -> bool:
        """Whether the operator's switch and budgets let new liquidations out."""
        why = await self._governor.objection()
        if why is not None and why != self._halted:
            self._say(Event.HALTED, reason=why)
            self._incidents.note(Kind.HALTED, "operator", why)
        if why is not None:
            self._halted = why
        return why is None

    async def _dispatch(self, batch: Sequence[Plan]) -> None:
        try:
            done = await self._dispatcher.dispatch(batch)
        except (Halt, Degraded, Transient) as error:
            self._say(Event.DEFERRED, accounts=len(batch), reason=str(error))
            return
        for rejection in done.rejections:
            self._sink(Event.REJECTED, rejection_fields(rejection))
        if isinstance(done, Papered):
            for fields in await self._records.papered(done):
                self._sink(Event.PAPER, fields)
        elif isinstance(done, Submitted):
            for fields in await self._records.submitted(done):
                self._sink(Event.SUBMITTED, fields)

    async def _audit(self, lane: Lane, head: BlockRef) -> None:
        with priority(Priority.AUDIT):
            audit = await lane.audit(head)
        if audit is None:
            return
        self._metrics.audited.inc(audit.checked)
        self._metrics.drift.inc(len(audit.differences))
        self._metrics.quarantined.set(sum(len(each.quarantined) for each in self._lanes))
        if audit.differences:
            first = audit.differences[0]
            told = (
                f"{len(audit.differences)} values, first {first.field} of {checksum(borrower(first.subject))}"
            )
            self._incidents.note(Kind.DRIFT, lane.market.deployment, told)
            self._sink(Event.AUDIT, audit_fields(lane.market.deployment, audit))

    def _report(self, head: BlockRef, judgements: Sequence[Judgement]) -> None:
        liquidatable = [health for judgement in judgements for health in judgement.liquidatable]
        plans = [plan for judgement in judgements for plan in judgement.plans]
        rejections = [rejection for judgement in judgements for rejection in judgement.rejections]
        accounts = sum(len(lane.market.book.accounts()) for lane in self._lanes if lane.cursor)
        self._metrics.accounts.set(accounts)
        self._metrics.bad_debt_usd.set(sum(_bad_debt(judgement) for judgement in judgements) / USD)
        self._metrics.liquidatable_accounts.set(len(liquidatable))
        self._metrics.plans.labels(PlanResult.PLANNED.value).inc(len(plans))
        self._metrics.plans.labels(PlanResult.REJECTED.value).inc(len(rejections))
        for rejection in rejections:
            self._metrics.rejections.labels(rejection.reason.value).inc()
        for judgement in judgements:
            for notice in judgement.notices:
                self._say(Event.NOTICE, block=head.number, reason=notice)
            self._doubt(judgement, head)
            for change in judgement.changes:
                self._say(
                    Event.CHANGED,
                    deployment=judgement.deployment,
                    market=section(change.account),
                    account=checksum(borrower(change.account)),
                    before=change.before,
                    after=change.after,
                )
            if judgement.blind:
                blind = [checksum(borrower(account)) for account in judgement.blind]
                self._say(Event.DEGRADED, accounts=blind, reason="the oracle gives no price")
        self._say(
            Event.HEAD,
            block=head.number,
            hash=head.hash,
            timestamp=head.timestamp,
            accounts=accounts,
            liquidatable=len(liquidatable),
            plans=len(plans),
            in_flight=len(self._dispatcher.in_flight()),
            rejected=[rejection_fields(rejection) for rejection in rejections],
        )

    def _doubt(self, judgement: Judgement, head: BlockRef) -> None:
        """Say when a market falls into doubt and when it comes out, not at every head between."""
        name, why = judgement.deployment, judgement.doubt
        if why == self._doubts.get(name):
            return
        if why is None:
            del self._doubts[name]
            self._say(Event.NOTICE, block=head.number, reason=f"{name} is in order again")
            return
        self._doubts[name] = why
        self._incidents.note(Kind.DOUBT, name, why)
        self._say(Event.DEGRADED, block=head.number, deployment=name, reason=why)

    def _say(self, event: Event, **fields: object) -> None:
        self._sink(event, fields)


def _bad_debt(judgement: Judgement) -> int:
    """What the protocol has booked and what accounts owe above their collateral, USD with 8 decimals."""
    uncovered = sum(max(0, health.debt - health.collateral) for health in judgement.liquidatable)
    return judgement.deficit + uncovered
