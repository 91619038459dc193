"""Which plans go out now, and which share a transaction."""

from collections.abc import Collection, Iterable, Sequence

from keeper.plan.model import Plan, Reason, Rejection
from keeper.types import Address


def without(
    plans: Iterable[Plan], in_flight: Collection[tuple[str, Address]]
) -> tuple[list[Plan], list[Rejection]]:
    """Split off the plans whose (deployment, account) a transaction on its way already liquidates."""
    kept: list[Plan] = []
    dropped: list[Rejection] = []
    for plan in plans:
        if (plan.deployment, plan.account) in in_flight:
            detail = "a liquidation of this account is on its way"
            dropped.append(
                Rejection(plan.deployment, plan.account, plan.block, Reason.IN_FLIGHT, detail, best=plan)
            )
        else:
            kept.append(plan)
    return kept, dropped


def ranked(plans: Iterable[Plan]) -> list[Plan]:
    """By turn, then the most profitable first; ties by account, so that every run orders alike."""
    return sorted(plans, key=lambda plan: (plan.turn, -plan.profit.net_usd, plan.deployment, plan.account))


def batched(plans: Iterable[Plan], max_steps: int, gas_limit: int) -> list[Sequence[Plan]]:
    """Group plans into transactions of at most `max_steps` liquidations and `gas_limit` gas together.

    The most valuable plans share the first transaction. A plan that alone exceeds the limit stands
    alone: whether the chain takes it is not a matter of grouping. Of the plans that an aggregator sells for,
    the executor takes one a transaction.
    """
    batches: list[list[Plan]] = []
    room = 0
    for plan in ranked(plans):
        full = not batches or len(batches[-1]) == max_steps or plan.profit.gas > room
        if full or (plan.route.calls and any(other.route.calls for other in batches[-1])):
            batches.append([])
            room = gas_limit
        batches[-1].append(plan)
        room -= plan.profit.gas
    return [tuple(batch) for batch in batches]
