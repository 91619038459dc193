"""What a receipt proves: a step succeeded only when the protocol itself reported the liquidation."""

from collections.abc import Callable, Iterable, Sequence

from keeper.execute.executor import Executor, Liquidated, Skipped
from keeper.execute.model import Step, StepResult, Verdict
from keeper.ports import Receipt
from keeper.protocols.base import LiquidationEvent, Market


class Judge:
    """Compares receipts with the steps they were meant to carry out.

    Args:
        executor: the executor's language.
        markets: gives those who can read the protocols' events, as far as they are open yet.
    """

    def __init__(self, executor: Executor, markets: Callable[[], Iterable[Market]]) -> None:
        self._executor = executor
        self._markets = markets

    def judge(self, steps: Sequence[Step], receipt: Receipt) -> tuple[StepResult, ...]:
        """One verdict a step, in their order.

        A reverted receipt is a failure whatever its logs. Otherwise the executor speaks once for
        each step, in their order, and the protocol's events must bear it out.
        """
        if not receipt.succeeded:
            return tuple(StepResult(step, Verdict.REVERTED) for step in steps)
        words = self._executor.events(receipt.logs)
        if len(words) != len(steps):
            return tuple(
                StepResult(step, Verdict.UNPROVEN, reason="no word of the executor") for step in steps
            )
        witnesses = [
            (market.deployment, event)
            for market in self._markets()
            for event in market.liquidation_events(receipt.logs)
            if event.liquidator == self._executor.address
        ]
        return tuple(_verdict(step, word, witnesses) for step, word in zip(steps, words, strict=True))


def _verdict(
    step: Step, word: Liquidated | Skipped, witnesses: list[tuple[str, LiquidationEvent]]
) -> StepResult:
    if isinstance(word, Skipped):
        return StepResult(step, Verdict.SKIPPED, reason=word.reason)
    for witness in witnesses:
        deployment, event = witness
        told = (event.account, event.debt, event.collateral, event.repaid)
        if deployment == step.deployment and told == (step.account, step.debt, step.collateral, word.repaid):
            witnesses.remove(witness)  # an event proves one step, not two
            return StepResult(step, Verdict.SUCCESS, event.repaid, event.seized, word.profit, bid=word.bid)
    reason = "the protocol reported nothing"
    return StepResult(step, Verdict.UNPROVEN, word.repaid, word.seized, word.profit, reason, word.bid)
