"""What the daemon tells: events for the log, figures for the metrics, troubles for the doctor."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from keeper.app.events import Event, Sink
from keeper.app.lane import Judgement, Lane
from keeper.app.records import audit_fields, rejection_fields
from keeper.index.audit import Audit
from keeper.ops.incidents import Incidents, Kind
from keeper.ops.metrics import Metrics, PlanResult
from keeper.plan.model import Rejection
from keeper.types import USD, BlockRef, borrower, checksum, section


class Announcer:
    """Turns what happened in a turn into events, metrics and incidents; decides nothing."""

    def __init__(self, sink: Sink, metrics: Metrics, incidents: Incidents) -> None:
        self._sink = sink
        self._metrics = metrics
        self._incidents = incidents
        self._standstills: dict[str, str | None] = {}
        self._doubts: dict[str, str] = {}
        self._held: list[tuple[Event, Mapping[str, object]]] | None = None

    def say(self, event: Event, **fields: object) -> None:
        """One event."""
        self._tell(event, fields)

    def say_all(self, event: Event, told: Sequence[dict[str, object]]) -> None:
        """One event for each of `told`."""
        for fields in told:
            self._tell(event, fields)

    @contextmanager
    def head_first(self) -> Iterator[None]:
        """What the block says comes after the `head` that it says, see `judged`, or when it ends without."""
        self._held = []
        try:
            yield
        finally:
            self._let_go(self._take_held())

    def _take_held(self) -> Sequence[tuple[Event, Mapping[str, object]]]:
        """What was held back; nothing is any more."""
        held, self._held = self._held or (), None
        return held

    def _let_go(self, held: Sequence[tuple[Event, Mapping[str, object]]]) -> None:
        for event, fields in held:
            self._sink(event, fields)

    def _tell(self, event: Event, fields: Mapping[str, object]) -> None:
        if self._held is None:
            self._sink(event, fields)
        else:
            self._held.append((event, fields))

    def deferred(self, head: BlockRef, reason: str) -> None:
        """A turn could not end."""
        self.say(Event.DEFERRED, block=head.number, reason=reason)
        self._incidents.note(Kind.DEFERRED, "turn", reason)

    def duty(self, head: BlockRef, term: int | None, *, first: bool) -> None:
        """This process signs from now on, in a `term`, or not any more; `first`: it has just started."""
        self._metrics.active.set(term is not None)
        self._metrics.lease_token.set(term or 0)
        event = Event.STANDBY if term is None else Event.ACTIVE
        self.say(event, block=head.number, **({} if term is None else {"term": term}))
        if not first:
            self._incidents.note(Kind.TAKEOVER, "signer", f"{event.value} since block {head.number}")

    def standstill(self, who: str, why: str | None) -> None:
        """Nothing new is sent because `who` ("signer", "operator") says so, None: it may be; said once."""
        if why is not None and why != self._standstills.get(who):
            self.say(Event.HALTED, reason=why)
            self._incidents.note(Kind.HALTED, who, why)
        self._standstills[who] = why

    def reorganised(self, deployment: str, head: BlockRef, depth: int) -> None:
        """`depth` blocks were taken back."""
        self._metrics.reorgs.inc()
        self._metrics.reorg_blocks.inc(depth)
        self._incidents.note(Kind.REORG, deployment, f"{depth} blocks deep, now at {head.number}")
        self.say(Event.REORG, deployment=deployment, block=head.number, depth=depth)

    def followed(self, head: BlockRef, ready: Sequence[Lane]) -> None:
        """The indexes of `ready` stand at their cursors."""
        if ready:
            reached = min(lane.cursor.number for lane in ready if lane.cursor)
            self._metrics.index_block.set(reached)
            self._metrics.index_lag_blocks.set(head.number - reached)

    def audited(self, deployment: str, audit: Audit, quarantined: int) -> None:
        """A slice was compared with the chain; `quarantined` subjects are set aside in all deployments."""
        self._metrics.audited.inc(audit.checked)
        self._metrics.drift.inc(len(audit.differences))
        self._metrics.quarantined.set(quarantined)
        if audit.differences:
            first = audit.differences[0]
            told = (
                f"{len(audit.differences)} values, first {first.field} of {checksum(borrower(first.subject))}"
            )
            self._incidents.note(Kind.DRIFT, deployment, told)
            self._tell(Event.AUDIT, audit_fields(deployment, audit))

    def judged(
        self, head: BlockRef, judgements: Sequence[Judgement], *, accounts: int, in_flight: int
    ) -> None:
        """All that a head meant, before what was held back for it."""
        held = self._take_held()
        for judgement in judgements:
            self._notices(judgement, head)
        liquidatable = [health for judgement in judgements for health in judgement.liquidatable]
        plans = sum(len(judgement.plans) for judgement in judgements)
        rejections = [rejection for judgement in judgements for rejection in judgement.rejections]
        self._metrics.accounts.set(accounts)
        self._metrics.bad_debt_usd.set(sum(judgement.bad_debt for judgement in judgements) / USD)
        self._metrics.liquidatable_accounts.set(len(liquidatable))
        self._count(plans, rejections)
        self.say(
            Event.HEAD,
            block=head.number,
            hash=head.hash,
            timestamp=head.timestamp,
            accounts=accounts,
            liquidatable=len(liquidatable),
            plans=plans,
            in_flight=in_flight,
            rejected=[rejection_fields(rejection) for rejection in rejections],
        )
        self._let_go(held)

    def _count(self, plans: int, rejections: Sequence[Rejection]) -> None:
        self._metrics.plans.labels(PlanResult.PLANNED.value).inc(plans)
        self._metrics.plans.labels(PlanResult.REJECTED.value).inc(len(rejections))
        for rejection in rejections:
            self._metrics.rejections.labels(rejection.reason.value).inc()

    def _notices(self, judgement: Judgement, head: BlockRef) -> None:
        for notice in judgement.notices:
            self.say(Event.NOTICE, block=head.number, reason=notice)
        self._doubt(judgement, head)
        for change in judgement.changes:
            self.say(
                Event.CHANGED,
                deployment=judgement.deployment,
                market=section(change.account),
                account=checksum(borrower(change.account)),
                before=change.before,
                after=change.after,
            )
        if judgement.blind:
            blind = [checksum(borrower(account)) for account in judgement.blind]
            self.say(Event.DEGRADED, accounts=blind, reason="the oracle gives no price")

    def _doubt(self, judgement: Judgement, head: BlockRef) -> None:
        """Say when a market falls into doubt and when it comes out, not at every head between."""
        name, why = judgement.deployment, judgement.doubt
        if why == self._doubts.get(name):
            return
        if why is None:
            del self._doubts[name]
            self.say(Event.NOTICE, block=head.number, reason=f"{name} is in order again")
            return
        self._doubts[name] = why
        self._incidents.note(Kind.DOUBT, name, why)
        self.say(Event.DEGRADED, block=head.number, deployment=name, reason=why)
