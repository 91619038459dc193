"""Where plans leave: as far as the operator and the key's money allow, in batches, the first turns first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from keeper.app.announce import Announcer
from keeper.app.events import Event
from keeper.app.governor import Governor
from keeper.app.records import Records, rejection_fields
from keeper.errors import Degraded, Halt, Transient
from keeper.execute.behind import Behind
from keeper.execute.dispatch import Dispatcher, Look, Papered, Submitted
from keeper.execute.model import Transaction
from keeper.plan.model import Plan, Rejection
from keeper.plan.select import affordable, batched
from keeper.types import USD, Address, BlockRef

LOOKS_AT_ONCE = 4
"""Batches that wait for the node together; what leaves first should not wait for all the rest."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds of one transaction: `steps` liquidations, `gas` units, `usd` net profit (8 decimals)."""

    steps: int = 16
    gas: int = 15_000_000
    usd: int = 20_000 * USD


class Outbox:
    """Sends plans, records what became of them and says so."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        records: Records,
        governor: Governor,
        announcer: Announcer,
        limits: BatchLimits = BatchLimits(),
    ) -> None:
        self._dispatcher = dispatcher
        self._records = records
        self._governor = governor
        self._announcer = announcer
        self._limits = limits
        self._sent: dict[tuple[str, Address], list[Plan]] = {}

    def ahead(self, decided: Sequence[Plan] = ()) -> list[Plan]:
        """Plans on their way, and `decided` ones: who comes after finds the pools as they leave them.

        What the last look has just turned down counts, too: that may only make the others too careful.
        """
        in_flight = self._dispatcher.in_flight()
        self._sent = {key: plans for key, plans in self._sent.items() if key in in_flight}
        waiting = [plan for plans in self._sent.values() for plan in plans]
        return [*waiting, *(plan for plan in decided if (plan.deployment, plan.account) not in in_flight)]

    async def send(
        self, plans: Sequence[Plan], head: BlockRef, behind: Behind | None = None
    ) -> list[Transaction]:
        """Send what may go, with `behind` behind the transactions that it names; returns what was sent."""
        if not plans or not await self._may_send(head):
            return []
        purse = self._dispatcher.purse
        if purse is not None:
            plans, dropped = affordable(plans, purse)
            self.reject(dropped)
        batches = batched(plans, self._limits.steps, self._limits.gas, self._limits.usd)
        if behind is None:
            return await self._send_all(batches)
        if behind.alone:
            batches = batches[:1]
        # Each is looked at behind the ones before it.
        found = [await self._carry_out(await self._look(batch, behind), behind) for batch in batches]
        return [transaction for transaction in found if transaction]

    async def _send_all(self, batches: Sequence[Sequence[Plan]]) -> list[Transaction]:
        """Looking takes longest, so some are looked at together; all leave in their order."""
        found = []
        for start in range(0, len(batches), LOOKS_AT_ONCE):
            looks = await asyncio.gather(*map(self._look, batches[start : start + LOOKS_AT_ONCE]))
            found += [await self._carry_out(look) for look in looks]
        return [transaction for transaction in found if transaction]

    async def _look(self, batch: Sequence[Plan], behind: Behind | None = None) -> Look | None:
        try:
            return await self._dispatcher.look(batch, behind)
        except (Halt, Degraded, Transient) as error:
            self._announcer.say(Event.DEFERRED, accounts=len(batch), reason=str(error))
            return None

    async def _carry_out(self, look: Look | None, behind: Behind | None = None) -> Transaction | None:
        if look is None:
            return None
        self.reject(look.rejections)
        if look.simulation is None:
            return None
        try:
            done = await self._dispatcher.carry_out(look, behind)
        except (Halt, Degraded, Transient) as error:
            self._announcer.say(Event.DEFERRED, accounts=len(look.simulation.plans), reason=str(error))
            return None
        if isinstance(done, Papered):
            self._announcer.say_all(Event.PAPER, await self._records.papered(done))
        if not isinstance(done, Submitted):
            return None
        for plan in look.simulation.plans:
            self._sent.setdefault((plan.deployment, plan.account), []).append(plan)
        self._announcer.say_all(Event.SUBMITTED, await self._records.submitted(done))
        return done.transaction

    async def _may_send(self, head: BlockRef) -> bool:
        """Whether the operator's switch and guards let new liquidations out."""
        why = await self._governor.objection(head)
        self._announcer.standstill("operator", why)
        return why is None

    def reject(self, rejections: Sequence[Rejection]) -> None:
        """Say what is not sent."""
        self._announcer.say_all(Event.REJECTED, [rejection_fields(rejection) for rejection in rejections])
