"""The budget of an endpoint, on a clock that moves only by sleeping."""

import asyncio
from typing import Any

import pytest

from keeper.chain.budget import Budget
from keeper.chain.faults import BudgetSpent
from keeper.chain.throttle import Throttle
from keeper.chain.units import units
from keeper.ports import Priority, current_priority, priority
from tests.clock import StillClock

HOST = "http://h"
LOWER = (Priority.AUDIT, Priority.BACKFILL)


class Unhurried(Throttle):
    """The rate is the budget's to keep here: the real throttle would wait in real time."""

    def __init__(self, rate: float | None) -> None:
        super().__init__(None)
        self._rate = rate


@pytest.fixture
def clock() -> StillClock:
    return StillClock(100.0)


def budget_of(clock: StillClock, rate: float | None = None, **options: Any) -> Budget:
    return Budget(HOST, Unhurried(rate), clock, **options)


async def take(budget: Budget, of: Priority, count: int = 1, method: str = "eth_call") -> None:
    with priority(of):
        async with budget.admit(method, count):
            pass


async def test_priority__nobody_said__is_execution_and_tasks_inherit() -> None:
    assert current_priority() is Priority.EXECUTION

    async def asked() -> Priority:
        return current_priority()

    with priority(Priority.BACKFILL):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asked())
        with priority(Priority.AUDIT):
            assert current_priority() is Priority.AUDIT
    assert task.result() is Priority.BACKFILL
    assert current_priority() is Priority.EXECUTION


async def test_admit__no_limits__nobody_waits(clock: StillClock) -> None:
    budget = budget_of(clock)
    for of in Priority:
        for _ in range(100):
            await take(budget, of, 50)
    assert clock.slept == []


@pytest.mark.parametrize(("of", "most"), [(Priority.AUDIT, 15), (Priority.BACKFILL, 10)])
async def test_admit__lower_class__keeps_to_its_share_of_the_rate(
    clock: StillClock, of: Priority, most: int
) -> None:
    budget = budget_of(clock, rate=20)
    times = []
    for _ in range(100):
        await take(budget, of)
        times.append(clock.seconds)
    for earlier, later in zip(times, times[most:], strict=False):
        assert later - earlier >= 0.999
    assert sum(clock.slept) == pytest.approx(100 / most, abs=1.1)


async def test_admit__execution_fills_the_rate__lower_waits_and_execution_does_not(clock: StillClock) -> None:
    budget = budget_of(clock, rate=20)
    for _ in range(19):
        await take(budget, Priority.EXECUTION)
    assert clock.slept == []
    await take(budget, Priority.BACKFILL)
    assert sum(clock.slept) == pytest.approx(1)
    await take(budget, Priority.EXECUTION, 20)
    assert sum(clock.slept) == pytest.approx(1)


async def test_admit__lower_waits_in_vain__is_refused_so_that_another_endpoint_may_be_asked(
    clock: StillClock,
) -> None:
    budget = budget_of(clock, rate=20)
    budget.refused(retry_after=3600)
    for of in LOWER:
        with pytest.raises(BudgetSpent) as raised:
            await take(budget, of)
        assert raised.value.retry_after == 3600
    await take(budget, Priority.EXECUTION)
    assert clock.slept == []


async def test_refused__without_a_time__holds_back_longer_each_time(clock: StillClock) -> None:
    budget = budget_of(clock)
    waits = []
    for _ in range(5):
        budget.refused(None)
        before = clock.seconds
        await take(budget, Priority.AUDIT)
        waits.append(clock.seconds - before)
    assert waits == [1, 2, 4, 8, 16]
    budget.answered()
    budget.refused(None)
    before = clock.seconds
    await take(budget, Priority.AUDIT)
    assert clock.seconds - before == 1


async def test_units_per_day__spent__lower_classes_stop_first_and_execution_never(clock: StillClock) -> None:
    cost = units("eth_call")
    budget = budget_of(clock, units_per_day=100 * cost)
    passed = dict.fromkeys(Priority, 0)
    for of in reversed(Priority):
        for _ in range(150):
            try:
                await take(budget, of)
            except BudgetSpent:
                break
            passed[of] += 1
    assert passed == {Priority.BACKFILL: 60, Priority.AUDIT: 20, Priority.EXECUTION: 150}
    assert budget.spent_today == 230 * cost
    clock.seconds += 86_400
    await take(budget, Priority.BACKFILL)
    assert budget.spent_today == cost


async def test_units__let_through__are_told_by_method_and_priority(clock: StillClock) -> None:
    told: list[tuple[str, Priority, int]] = []
    budget = budget_of(clock, spent=lambda *cost: told.append(cost))
    await take(budget, Priority.EXECUTION, 3)
    await take(budget, Priority.AUDIT, 1, "eth_getLogs")
    assert told == [("eth_call", Priority.EXECUTION, 78), ("eth_getLogs", Priority.AUDIT, 75)]
    assert units("eth_chainId") == 0
    assert units("something_else") > 0


async def test_admit__backfill_hangs__the_classes_above_find_a_place() -> None:
    budget = Budget(HOST, Throttle(), StillClock(100.0))
    hang = asyncio.Event()

    async def backfill() -> None:
        with priority(Priority.BACKFILL):
            async with budget.admit("eth_getLogs"):
                await hang.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(backfill())
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            await take(budget, Priority.EXECUTION)
            await take(budget, Priority.AUDIT)
        hang.set()


def test_burst__lower_class__fits_into_its_share() -> None:
    budget = Budget(HOST, Throttle(20), StillClock(100.0))
    assert [budget.burst(of) for of in Priority] == [20, 15, 10]
    assert Budget(HOST, Throttle(), StillClock(100.0)).burst(Priority.AUDIT) is None
