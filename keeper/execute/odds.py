"""Whether a liquidation that failed on chain is worth another try: a matter of odds, not of waiting.

After n failures and no success, Laplace's rule of succession puts the next try's chance at 1/(n+2).
It pays when chance * net > (1 - chance) * gas, that is when net > (n+1) * gas.

A size that no longer suited the account is no failure of that kind: nobody was faster, and the next try has
another size. Only when that is wrong as well it counts, for then our figures of the account are.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keeper.execute.model import Report, Step, StepResult, Verdict
from keeper.execute.states import TERMINAL, State
from keeper.plan.model import Plan, Reason, Rejection
from keeper.protocols.misjudged import MISJUDGED

if TYPE_CHECKING:
    from keeper.types import Address

FAILURES = frozenset({Verdict.SKIPPED, Verdict.REVERTED})


class Odds:
    """Remembers failures by account until it is liquidated after all."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, Address], int] = {}
        self._misjudged: set[tuple[str, Address]] = set()
        self._learnt: set[int] = set()

    def learn(self, reports: Iterable[Report]) -> None:
        """Take note of what became of each step; a transaction is reported again as it grows final."""
        for report in reports:
            known = report.transaction.id in self._learnt
            if report.receipt is None or report.transaction.state in TERMINAL:
                self._learnt.discard(report.transaction.id)
            else:
                self._learnt.add(report.transaction.id)
            if report.transaction.state is State.CANCELLED:
                self._blame(report.transaction.steps)
            if not known:
                self._count(report.results)

    def _blame(self, steps: Iterable[Step]) -> None:
        """What had to be cancelled cost gas for nothing, as what failed."""
        for step in steps:
            who = (step.deployment, step.account)
            self._failures[who] = self._failures.get(who, 0) + 1

    def _count(self, results: Iterable[StepResult]) -> None:
        for result in results:
            who = (result.step.deployment, result.step.account)
            if result.verdict not in FAILURES:
                self._failures.pop(who, None)
                self._misjudged.discard(who)
            elif result.reason in MISJUDGED and who not in self._misjudged:
                self._misjudged.add(who)
            else:
                self._failures[who] = self._failures.get(who, 0) + 1

    def sift(self, plans: Iterable[Plan]) -> tuple[list[Plan], list[Rejection]]:
        """Split `plans` into those worth trying and those that failed too often for what they pay."""
        kept: list[Plan] = []
        dropped: list[Rejection] = []
        for plan in plans:
            failures = self._failures.get((plan.deployment, plan.account), 0)
            if failures and plan.profit.net_usd <= (failures + 1) * plan.profit.gas_usd:
                dropped.append(_rejection(plan, failures))
            else:
                kept.append(plan)
        return kept, dropped


def _rejection(plan: Plan, failures: int) -> Rejection:
    times = "once" if failures == 1 else f"{failures} times"
    detail = f"failed on chain {times}; another try pays too little for its risk"
    return Rejection(plan.deployment, plan.account, plan.block, Reason.FAILED_BEFORE, detail, best=plan)
