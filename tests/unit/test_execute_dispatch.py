"""What each mode does with plans, and how much gas a batch gets."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from keeper.errors import CallReverted, Fatal
from keeper.execute.dispatch import PAPER_REST, Dispatched, Dispatcher, Idle, Papered, Submitted
from keeper.execute.model import Change, Step, StepResult, Transaction, Verdict
from keeper.execute.push import MAX_GAS
from keeper.execute.send import Sender
from keeper.execute.simulate import Simulation
from keeper.execute.states import State
from keeper.plan.model import Plan, Reason, Rejection
from keeper.ports import Receipt
from keeper.types import Address, BlockRef, Call, Mode
from tests.execute_samples import (
    EXECUTOR,
    OPERATOR,
    account,
    block_ref,
    sample_plan,
    sample_receipt,
    sample_step,
)

PLANS = [sample_plan(1), sample_plan(2)]
IN_FLIGHT = {("aave-core", account(1)), ("aave-core", account(2))}


class Simulator:
    """Every plan succeeds, or none does."""

    def __init__(self, *, succeed: bool = True) -> None:
        self.succeed = succeed
        self.asked = 0

    async def simulate(self, plans: Sequence[Plan]) -> Simulation:
        self.asked += 1
        call = Call(EXECUTOR, " ".join(map(str, plans)).encode())
        if self.succeed:
            return Simulation(tuple(plans), tuple(Step.of(plan, 49_000_000) for plan in plans), call, ())
        failed = (
            Rejection(plan.deployment, plan.account, plan.block, Reason.SIMULATION_FAILED, "no")
            for plan in plans
        )
        return Simulation((), (), call, tuple(failed))


class Manager:
    """Takes whatever it is given and tells of one change a head."""

    address = OPERATOR

    def __init__(self) -> None:
        self.submitted: list[Any] = []
        self.changes: list[Change] = []
        self.until: int | None = None

    async def submit(self, *arguments: Any, until: int | None = None) -> Transaction:
        self.submitted.append(arguments)
        self.until = until
        return transaction()

    async def on_head(self, head: BlockRef) -> list[Change]:
        return self.changes

    def in_flight(self) -> frozenset[tuple[str, Address]]:
        return frozenset(IN_FLIGHT)

    async def recover(self) -> list[Change]:
        return self.changes


class Writer:
    """Estimates from a table by plan; None reverts."""

    def __init__(self, *gas: int | None) -> None:
        self.gas = dict(zip((f"{plan}".encode() for plan in PLANS), gas, strict=False))

    async def estimate_gas(self, call: Call, sender: Address) -> int:
        assert sender == OPERATOR
        gas = self.gas[call.data]
        if gas is None:
            raise CallReverted("healthy until the step before it ran")
        return gas


def transaction(state: State = State.SENT) -> Transaction:
    steps = (sample_step(1), sample_step(2))
    return Transaction(1, "key", 1, OPERATOR, 0, state, EXECUTOR, b"", 1, 1, 100, 1, steps)


def sender(manager: Any, *gas: int | None, window: int | None = None) -> Sender:
    language: Any = SimpleNamespace(batch=lambda plans: Call(EXECUTOR, " ".join(map(str, plans)).encode()))
    writer: Any = Writer(*gas)
    return Sender(language, writer, manager, window=window)


def verdicts(steps: Sequence[Step], receipt: Receipt) -> tuple[StepResult, ...]:
    return tuple(
        StepResult(step, Verdict.SUCCESS if receipt.succeeded else Verdict.REVERTED) for step in steps
    )


def dispatcher(mode: Mode, simulator: Simulator, live: Sender | None = None) -> Dispatcher:
    judge: Any = SimpleNamespace(judge=verdicts)
    return Dispatcher(mode, simulator, judge, live)


async def dispatch(to: Dispatcher, plans: Sequence[Plan] = PLANS) -> Dispatched:
    return await to.carry_out(await to.look(plans))


async def test_dispatch__watch__looks_at_nothing() -> None:
    simulator = Simulator()
    assert await dispatch(dispatcher(Mode.WATCH, simulator)) == Idle()
    assert simulator.asked == 0


async def test_dispatch__paper__simulates_and_says_paper() -> None:
    paper = dispatcher(Mode.PAPER, Simulator())
    done = await dispatch(paper)
    assert isinstance(done, Papered)
    assert [step.simulated for step in done.steps] == [49_000_000] * 2
    assert done.key.startswith("paper:")
    assert (done.block, await paper.on_head(block_ref(101)), await paper.recover()) == (
        block_ref(100),
        [],
        [],
    )


async def test_in_flight__papered_accounts__rest_for_a_while() -> None:
    paper = dispatcher(Mode.PAPER, Simulator())
    await dispatch(paper)
    await paper.on_head(block_ref(100 + PAPER_REST - 1))
    assert paper.in_flight() == IN_FLIGHT
    await paper.on_head(block_ref(100 + PAPER_REST))
    assert paper.in_flight() == frozenset()


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
async def test_dispatch__nothing_survives_the_simulation__idle_with_the_reasons(mode: Mode) -> None:
    manager = Manager()
    live = sender(manager) if mode is Mode.LIVE else None
    to = dispatcher(mode, Simulator(succeed=False), live)
    look = await to.look(PLANS)
    assert [rejection.reason for rejection in look.rejections] == [Reason.SIMULATION_FAILED] * 2
    assert await to.carry_out(look) == Idle()
    assert manager.submitted == []


async def test_dispatch__live__submits_with_gas_margin_and_break_even() -> None:
    manager = Manager()
    done = await dispatch(dispatcher(Mode.LIVE, Simulator(), sender(manager, 400_000, 600_000)))
    assert isinstance(done, Submitted)
    ((key, steps, _, gas, ceiling),) = manager.submitted
    assert (gas, len(steps)) == (1_250_000, 2)
    # 98 USD at 2000 USD an ether is 0.049 ether.
    assert ceiling == 49 * 10**15 // 1_250_000
    assert key.startswith(block_ref(100).hash)
    assert manager.until is None


async def test_dispatch__private__holds_for_the_blocks_after_the_one_decided_on() -> None:
    manager = Manager()
    await dispatch(dispatcher(Mode.LIVE, Simulator(), sender(manager, 1, 1, window=3)))
    assert manager.until == 103


async def test_dispatch__same_plans_again__same_key() -> None:
    manager = Manager()
    live = dispatcher(Mode.LIVE, Simulator(), sender(manager, 1, 1))
    await dispatch(live)
    await dispatch(live)
    await dispatch(live, PLANS[:1])
    first, second, third = (arguments[0] for arguments in manager.submitted)
    assert first == second != third


@pytest.mark.parametrize(("gas", "limit"), [((None, 600_000), 1_375_000), ((20_000_000, 1), MAX_GAS)])
async def test_send__estimate_reverts_or_is_too_high__plan_or_protocol_limit_counts(
    gas: Any, limit: int
) -> None:
    manager = Manager()
    await dispatch(dispatcher(Mode.LIVE, Simulator(), sender(manager, *gas)))
    assert manager.submitted[0][3] == limit


async def test_on_head__changes__reported_with_verdicts_once_there_is_a_receipt() -> None:
    manager = Manager()
    receipt = sample_receipt()
    manager.changes = [Change(transaction(), None), Change(transaction(State.MINED), receipt)]
    live = dispatcher(Mode.LIVE, Simulator(), sender(manager))
    waiting, mined = await live.on_head(block_ref(101))
    assert (waiting.receipt, waiting.results) == (None, ())
    assert (mined.receipt, len(mined.results)) == (receipt, 2)
    assert await live.recover() == [waiting, mined]
    assert live.in_flight() == IN_FLIGHT


@pytest.mark.parametrize(("mode", "has_sender"), [(Mode.LIVE, False), (Mode.PAPER, True), (Mode.WATCH, True)])
def test_dispatcher__mode_and_sender_disagree__fatal(mode: Mode, has_sender: bool) -> None:
    with pytest.raises(Fatal, match=str(mode)):
        dispatcher(mode, Simulator(), sender(Manager()) if has_sender else None)
