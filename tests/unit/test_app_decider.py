"""Several deployments that left accounts for later are completed one behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

from keeper.app.decider import Decider
from keeper.app.events import Event
from keeper.app.lane import Judgement
from keeper.errors import Degraded
from keeper.plan.model import Plan
from keeper.types import Address
from tests.execute_samples import account, block_ref, sample_plan

HEAD = block_ref(100)


def plan(deployment: str, number: int) -> Plan:
    return replace(sample_plan(number), deployment=deployment)


def judgement(deployment: str, plans: list[Plan], left: list[Address]) -> Judgement:
    return Judgement(deployment, [], [], plans, [], 0, None, [], [], left)


@dataclass
class Lane:
    """Decides on those left as told beforehand; it remembers behind whom."""

    deployment: str
    more: Plan | Degraded
    ahead: list[Plan] = field(default_factory=list)

    @property
    def market(self) -> Any:
        return SimpleNamespace(deployment=self.deployment)

    async def go_on(self, judgement: Judgement, ahead: Sequence[Plan]) -> Judgement:
        self.ahead = list(ahead)
        if isinstance(self.more, Degraded):
            raise self.more
        return judgement._replace(plans=[*judgement.plans, self.more], left=[])


@dataclass
class Announcer:
    said: list[Event] = field(default_factory=list)

    def say(self, event: Event, **fields: object) -> None:
        self.said.append(event)


async def test_go_on__several_deployments_left_accounts__each_behind_all_before_it() -> None:
    lanes = [
        Lane("aave", plan("aave", 2)),
        Lane("broken", Degraded("on purpose")),
        Lane("venus", plan("venus", 6)),
    ]
    first = [
        judgement("aave", [plan("aave", 1)], [account(2)]),
        judgement("broken", [plan("broken", 3)], [account(4)]),
        judgement("venus", [plan("venus", 5)], [account(6)]),
    ]
    announcer = Announcer()
    nothing: Any = None
    decider = Decider(nothing, 1, None, dispatcher=nothing, outbox=nothing, announcer=cast("Any", announcer))
    complete = await decider.go_on(cast("Any", lanes), first, HEAD, ours=False)
    assert [[each.account for each in found.plans] for found in complete] == [
        [account(1), account(2)],
        [account(3)],
        [account(5), account(6)],
    ]
    assert lanes[0].ahead == [each for found in first for each in found.plans]
    assert lanes[2].ahead == [*complete[0].plans, plan("broken", 3), plan("venus", 5)]
    assert announcer.said == [Event.DEGRADED]
