"""The daemon's main loop: one turn a head, from the chain to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from keeper.app.announce import Announcer
from keeper.app.desk import lenders
from keeper.app.events import Event
from keeper.app.governor import Governor
from keeper.app.lane import Judgement, Lane
from keeper.app.misses import Misses
from keeper.app.native import ASSUMED_PRICE, native_price
from keeper.app.pace import Pace
from keeper.app.records import Records, rejection_fields
from keeper.clock import Clock
from keeper.errors import ConfigError, Degraded, Halt, Transient
from keeper.execute.dispatch import Dispatcher, Papered, Submitted
from keeper.ops.health import Component, Heartbeat
from keeper.ops.incidents import Incidents
from keeper.ops.metrics import Metrics
from keeper.plan.model import Plan, Rejection
from keeper.plan.select import affordable, batched
from keeper.ports import Chain, Priority, priority
from keeper.types import USD, Address, BlockRef


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
        announcer: Announcer,
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
        self._announcer = announcer
        self._limits = limits
        self._pace = Pace()
        self._head: BlockRef | None = None
        self._saved = 0
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
            self._announcer.deferred(head, str(error))
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
        self._announcer.judged(
            head,
            judgements,
            accounts=sum(lane.known for lane in self._lanes if lane.cursor),
            in_flight=len(self._dispatcher.in_flight()),
        )
        await self._send(plans)
        for lane in ready:
            await self._send(await lane.reconsider())
        self._announcer.standstill("signer", self._dispatcher.halted)
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
                self._announcer.say(Event.DEGRADED, block=head.number, reason=str(error))
            else:
                ready.append(lane)
                if lane.undone:
                    self._announcer.reorganised(lane.market.deployment, head, lane.undone)
                await self._miss(lane, known)
        self._announcer.followed(head, ready)
        return ready

    async def _miss(self, lane: Lane, known: int) -> None:
        """Note what others liquidated; `known` accounts were in the book before."""
        if lane.liquidations:
            in_flight = self._dispatcher.in_flight()
            found = self._misses.classify(lane.market, lane.liquidations, known, in_flight)
            self._announcer.say_all(Event.MISSED, await self._records.missed(found))

    async def _settle(self, head: BlockRef) -> None:
        """Follow transactions on their way; nothing new is planned before the last run is accounted for."""
        reports = await (self._dispatcher.on_head(head) if self._recovered else self._dispatcher.recover())
        self._recovered = True
        self._announcer.say_all(Event.OUTCOME, await self._records.settled(reports))
        self._announcer.standstill("signer", self._dispatcher.halted)

    async def _judge(self, lanes: Sequence[Lane], head: BlockRef) -> list[Judgement]:
        markets = [lane.market for lane in lanes]
        native = native_price(markets, self._wrapped_native, self._chain_id) or ASSUMED_PRICE
        gas_price = head.base_fee + await self._chain.priority_fee()
        in_flight = self._dispatcher.in_flight()
        timestamp, sources = self._pace.next_timestamp, lenders(markets)
        judgements: list[Judgement] = []
        for lane in lanes:
            ahead = [plan for judgement in judgements for plan in judgement.plans]
            try:
                judgement = await lane.judge(
                    head, timestamp, gas_price, native, in_flight, ahead=ahead, sources=sources
                )
                judgements.append(judgement)
                self._misses.remember(
                    judgement.deployment, head.number, (*judgement.plans, *judgement.rejections)
                )
            except Degraded as error:
                self._announcer.say(Event.DEGRADED, block=head.number, reason=str(error))
        return judgements

    async def _send(self, plans: Sequence[Plan]) -> None:
        """Dispatch what the operator and the key's money allow, in batches, the first turns first."""
        if self._stopping or not plans or self._head is None or not await self._may_send(self._head):
            return
        purse = await self._dispatcher.purse()
        if purse is not None:
            plans, dropped = affordable(plans, purse)
            self._reject(dropped)
        limits = self._limits
        for batch in batched(plans, limits.batch_steps, limits.batch_gas, limits.batch_usd):
            await self._dispatch(batch)

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

    async def _may_send(self, head: BlockRef) -> bool:
        """Whether the operator's switch and guards let new liquidations out."""
        why = await self._governor.objection(head)
        self._announcer.standstill("operator", why)
        return why is None

    async def _dispatch(self, batch: Sequence[Plan]) -> None:
        try:
            done = await self._dispatcher.dispatch(batch)
        except (Halt, Degraded, Transient) as error:
            self._announcer.say(Event.DEFERRED, accounts=len(batch), reason=str(error))
            return
        self._reject(done.rejections)
        if isinstance(done, Papered):
            self._announcer.say_all(Event.PAPER, await self._records.papered(done))
        elif isinstance(done, Submitted):
            self._announcer.say_all(Event.SUBMITTED, await self._records.submitted(done))

    def _reject(self, rejections: Sequence[Rejection]) -> None:
        self._announcer.say_all(Event.REJECTED, [rejection_fields(rejection) for rejection in rejections])

    async def _audit(self, lane: Lane, head: BlockRef) -> None:
        with priority(Priority.AUDIT):
            audit = await lane.audit(head)
        if audit is not None:
            quarantined = sum(len(each.quarantined) for each in self._lanes)
            self._announcer.audited(lane.market.deployment, audit, quarantined)
