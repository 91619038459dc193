"""The last look: what a batch would do on the state the next block starts from."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from keeper.errors import CallReverted
from keeper.execute.executor import Executor, Result
from keeper.execute.model import Step
from keeper.execute.reasons import revert_reason
from keeper.plan.model import Plan, Reason, Rejection
from keeper.ports import ChainReader
from keeper.types import Address, Call

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


class Simulator:
    """Runs batches as eth_calls from the operator.

    Args:
        reader: the chain.
        executor: the executor's language.
        operator: who will send the batch; the executor takes it from nobody else.
    """

    def __init__(self, reader: ChainReader, executor: Executor, operator: Address) -> None:
        self._reader = reader
        self._executor = executor
        self._operator = operator

    async def simulate(self, plans: Sequence[Plan]) -> Simulation:
        """Drop the plans that fail at the latest block until all the rest succeed together.

        Raises:
            Transient: no node answered.
        """
        remaining = list(plans)
        rejections: list[Rejection] = []
        results: list[Result] = []
        for _ in range(PASSES):
            if not remaining:
                break
            results = await self._results(remaining)
            pairs = list(zip(remaining, results, strict=True))
            rejections += [rejection(plan, result) for plan, result in pairs if not result.ok]
            remaining = [plan for plan, result in pairs if result.ok]
            results = [result for result in results if result.ok]
            if len(remaining) == len(pairs):
                break
        steps = tuple(Step.of(plan, result.profit) for plan, result in zip(remaining, results, strict=True))
        return Simulation(tuple(remaining), steps, self._executor.batch(remaining), tuple(rejections))

    async def _results(self, plans: Sequence[Plan]) -> list[Result]:
        try:
            data = await self._reader.call(self._executor.batch(plans), sender=self._operator)
        except CallReverted as error:
            if len(plans) == 1:
                return [Result(ok=False, profit=0, reason=revert_reason(error.data) or str(error))]
            # The batch names only its first failure; each plan alone names its own.
            alone = await asyncio.gather(*(self._results([plan]) for plan in plans))
            return [result for results in alone for result in results]
        return self._executor.results(data)


def rejection(plan: Plan, result: Result) -> Rejection:
    """What a failed result makes of its plan."""
    return Rejection(
        plan.deployment, plan.account, plan.block, Reason.SIMULATION_FAILED, result.reason, best=plan
    )
