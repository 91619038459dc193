"""The last look: what a batch would do on the state the next block starts from."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from keeper.errors import CallReverted
from keeper.execute.charge import Charge, charges, limit
from keeper.execute.executor import Executor, Result
from keeper.execute.model import Step
from keeper.execute.reasons import revert_reason
from keeper.index.conversation import converse
from keeper.plan.data_fees import DataFees
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.verdict import dollars
from keeper.ports import BlockId, ChainSimulator, NextBlock
from keeper.types import Address, BlockRef, Call

PASSES = 3
"""Steps are isolated on chain, so a second pass rarely changes anything; a moving head may."""


class Simulation(NamedTuple):
    """The plans that succeed with their steps, the call that carries them out, and the plans that failed.

    `gas` is a limit that suffices, None where it has to be estimated.
    """

    plans: tuple[Plan, ...]
    steps: tuple[Step, ...]
    call: Call
    rejections: tuple[Rejection, ...]
    gas: int | None = None


class LastLook(Protocol):
    """Says which plans would succeed now."""

    async def simulate(self, plans: Sequence[Plan]) -> Simulation: ...


class Believer:
    """Takes plans at their word: the last look of paper mode while no executor is deployed."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def simulate(self, plans: Sequence[Plan]) -> Simulation:
        """Every plan with the profit it promises."""
        steps = tuple(Step.of(plan, plan.profit.gross) for plan in plans)
        return Simulation(tuple(plans), steps, self._executor.batch(plans), ())


class Seer(ChainSimulator, Protocol):
    """The part of the chain that a last look needs."""

    async def block(self, block: BlockId = "latest") -> BlockRef: ...
    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]: ...


class _Trial(NamedTuple):
    """What the executor answered for each plan, and the gas that they used together if that is known."""

    results: list[Result]
    gas: int | None = None

    @property
    def succeeded(self) -> bool:
        return all(result.ok for result in self.results)


class Simulator:
    """Tries batches as the operator in the block to come.

    Args:
        chain: where.
        executor: the executor's language.
        operator: who will send the batch; the executor takes it from nobody else.
        base: the state the block to come starts from: "latest", or "pending" with what waits for it.
    """

    def __init__(self, chain: Seer, executor: Executor, operator: Address, base: str = "latest") -> None:
        self._chain = chain
        self._executor = executor
        self._operator = operator
        self._base = base
        self._data_fees = DataFees()

    async def simulate(self, plans: Sequence[Plan]) -> Simulation:
        """Drop the plans that fail or do not pay any more until all the rest succeed together.

        Raises:
            Transient: no node answered.
        """
        remaining, steps = list(plans), list[Step]()
        rejections: list[Rejection] = []
        gas: int | None = None
        call = self._executor.batch(remaining)
        for _ in range(PASSES):
            if not remaining:
                break
            verdicts, gas = await self._verdicts(remaining, call)
            steps = [verdict for verdict in verdicts if isinstance(verdict, Step)]
            rejections += [verdict for verdict in verdicts if isinstance(verdict, Rejection)]
            pairs = zip(remaining, verdicts, strict=True)
            remaining = [plan for plan, verdict in pairs if isinstance(verdict, Step)]
            if len(remaining) == len(verdicts):
                break
            call = self._executor.batch(remaining)
        return Simulation(tuple(remaining), tuple(steps), call, tuple(rejections), gas)

    async def _verdicts(self, plans: Sequence[Plan], call: Call) -> tuple[list[Step | Rejection], int | None]:
        """One look at `call`, all `plans` together: each one's step, or why it should not go; a gas limit."""
        trial, fee = await asyncio.gather(
            self._settled_trial(plans, call),
            converse(self._data_fees.exact(call.data, plans[0].block), self._chain, "latest"),
        )
        profits = [plan.profit for plan in plans]
        costs = charges(profits, trial.gas, fee)
        # Where bytes are paid in gas, what was used is not all of it.
        expected = sum(profit.gas for profit in profits)
        enough = limit(trial.gas, expected) if trial.gas and not fee.gas else None
        return [
            _verdict(plan, result, cost)
            for plan, result, cost in zip(plans, trial.results, costs, strict=True)
        ], enough

    async def _settled_trial(self, plans: Sequence[Plan], call: Call) -> _Trial:
        """What fails counts only in a block that is still to come."""
        then = self._then(plans[0])
        for _ in range(PASSES):
            trial = await self._together(call, then)
            current = None if trial and trial.succeeded else await self._overtaken(then)
            if current is None:
                return trial or await self._apart(plans, then)
            then = current
        return trial or await self._apart(plans, then)

    async def _together(self, call: Call, then: NextBlock) -> _Trial | None:
        """None where all fail."""
        try:
            seen = await self._chain.simulate(call, self._operator, then)
        except CallReverted:
            return None
        return _Trial(self._executor.results(seen.data), seen.gas)

    async def _apart(self, plans: Sequence[Plan], then: NextBlock) -> _Trial:
        """A batch names only its first failure; each plan alone names its own."""
        return _Trial(list(await asyncio.gather(*(self._alone(plan, then) for plan in plans))))

    async def _alone(self, plan: Plan, then: NextBlock) -> Result:
        try:
            seen = await self._chain.simulate(self._executor.batch([plan]), self._operator, then)
        except CallReverted as error:
            return Result(ok=False, profit=0, reason=revert_reason(error.data) or str(error))
        [result] = self._executor.results(seen.data)
        return result

    def _then(self, plan: Plan) -> NextBlock:
        """The block that `plan` was made for, or the one after what waits for it."""
        number, timestamp = plan.block.number + 1, max(plan.lands, plan.block.timestamp + 1)
        if self._base == "latest":
            return NextBlock(number, timestamp)
        return NextBlock(number + 1, timestamp + 1, self._base)

    async def _overtaken(self, then: NextBlock) -> NextBlock | None:
        """The block to come now, where the head has moved up to the one meant; None where it has not.

        Not every node minds being asked for a block older than its head: where interest counts from a time
        yet to come everything fails.
        """
        head = await self._chain.block("latest")
        if self._base != "latest" or head.number < then.number:
            return None
        return NextBlock(head.number + 1, max(then.timestamp, head.timestamp + 1))


def _verdict(plan: Plan, result: Result, cost: Charge) -> Step | Rejection:
    if not result.ok:
        return failed(plan, result)
    step = Step.of(plan, result.profit).costing(cost.gas, cost.data_fee)
    if step.simulated_usd < step.gas_usd:
        detail = f"brings {dollars(step.simulated_usd)} by now, gas and data cost {dollars(step.gas_usd)}"
        return _rejection(plan, Reason.UNPROFITABLE, detail)
    return step


def failed(plan: Plan, result: Result) -> Rejection:
    """What a failed result makes of its plan."""
    return _rejection(plan, Reason.SIMULATION_FAILED, result.reason)


def _rejection(plan: Plan, reason: Reason, detail: str) -> Rejection:
    return Rejection(plan.deployment, plan.account, plan.block, reason, detail, best=plan)
