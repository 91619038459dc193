"""Who goes first when several accounts cross at once, and that the others follow behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keeper.app.desk import Situation
from keeper.app.lane import Judgement, Lane
from keeper.app.vanguard import LIGHT, MANY, foremost, goes_alone
from keeper.plan.model import Plan, Reason, Rejection
from keeper.protocols.base import AssetInfo, Health
from keeper.risk.scan import Scan
from keeper.types import USD, Address
from tests.execute_samples import account, block_ref, sample_plan

HEAD = block_ref(100)


def health(number: int, debt: int, collateral: int = 10**6) -> Health:
    return Health(account(number), collateral, debt, 0, True)


def plan(number: int, net: int, impact: float | None = 0.001) -> Plan:
    """A plan that brings `net` dollars for one of gas."""
    made = sample_plan(number)
    return replace(made, profit=replace(made.profit, net_usd=net * USD), impact=impact)


def rejection(number: int) -> Rejection:
    return Rejection("aave-core", account(number), HEAD, Reason.UNPROFITABLE, "no")


def test_foremost__several__who_has_most_that_can_be_seized() -> None:
    found = [health(1, 900, collateral=100), health(2, 300), health(3, 500), health(4, 800)]
    assert foremost(found, [account(1), account(2), account(3)]) == account(3)


@pytest.mark.parametrize("free", [[], [account(2)]])
def test_foremost__nobody_would_have_to_wait__none(free: list[Address]) -> None:
    assert foremost([health(1, 900), health(2, 300)], free) is None


def test_goes_alone__worth_many_times_its_gas__both_steps_counted() -> None:
    assert goes_alone(plan(1, MANY))
    assert not goes_alone(plan(1, MANY - 1))
    assert goes_alone(replace(plan(1, MANY - 1), second=plan(1, MANY + 1)))
    assert not goes_alone(rejection(1))


@pytest.mark.parametrize(
    ("impact", "alone"), [(0.0, True), (LIGHT, True), (LIGHT * 1.01, False), (None, False)]
)
def test_goes_alone__moves_prices__only_where_the_others_hardly_feel_it(
    impact: float | None, alone: bool
) -> None:
    assert goes_alone(plan(1, 1000, impact)) is alone


@dataclass
class Decided:
    """A desk with its decisions made beforehand; it remembers who was asked about behind whom."""

    outcomes: dict[Address, Plan | Rejection]
    asked: list[tuple[list[Address], list[Plan]]] = field(default_factory=list)

    async def decide(
        self, _: Any, accounts: Sequence[Address], now: Situation, ahead: Sequence[Plan] = ()
    ) -> list[Plan | Rejection]:
        self.asked.append((list(accounts), list(ahead)))
        return [self.outcomes[each] for each in accounts]


@dataclass
class Market:
    deployment: str = "aave-core"
    doubt: str | None = None
    unit: str = "USD"

    def frame(self, timestamp: int) -> int:
        return timestamp

    def assets(self) -> list[AssetInfo]:
        return []

    def bad_debt(self) -> dict[Address, int]:
        return {}

    def notices(self) -> list[str]:
        return []


def lane(desk: Decided, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """Of three accounts that can be liquidated, the second with most at stake."""
    found = Scan(3, [health(1, 300), health(2, 900), health(3, 100)], [])
    monkeypatch.setattr("keeper.app.lane.scan", lambda *_: found)
    return Lane(cast("Any", SimpleNamespace(market=Market())), cast("Any", desk), None)


async def judged(of: Lane) -> Judgement:
    return await of.judge(HEAD, HEAD.timestamp + 12, 1, 1, ())


async def test_judge__one_is_worth_it__leaves_the_others_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = {account(number): plan(number, 20) for number in (1, 2)}
    desk = Decided({**plans, account(3): rejection(3)})
    of = lane(desk, monkeypatch)
    first = await judged(of)
    assert (first.plans, first.rejections, first.left) == (
        [plans[account(2)]],
        [],
        [account(1), account(3)],
    )
    last = await of.go_on(first, first.plans)
    assert (last.plans, last.rejections, last.left) == (
        [plans[account(2)], plans[account(1)]],
        [rejection(3)],
        [],
    )
    assert desk.asked == [([account(2)], []), ([account(1), account(3)], first.plans)]
    assert await of.go_on(last, last.plans) is last


async def test_judge__not_worth_a_transaction_of_its_own__planned_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Decided({account(number): plan(number, 5) for number in (1, 2, 3)})
    judgement = await judged(lane(desk, monkeypatch))
    assert [each.account for each in judgement.plans] == [account(1), account(2), account(3)]
    assert not judgement.left
    assert desk.asked[-1] == ([account(1), account(2), account(3)], [])


async def test_judge__the_first_gets_no_plan__the_others_are_planned_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Decided({account(1): plan(1, 20), account(2): rejection(2), account(3): plan(3, 5)})
    judgement = await judged(lane(desk, monkeypatch))
    assert [each.account for each in judgement.plans] == [account(1), account(3)]
    assert judgement.rejections == [rejection(2)]
    assert not judgement.left
    assert [accounts for accounts, _ in desk.asked] == [[account(2)], [account(1), account(3)]]
