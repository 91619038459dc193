"""Which plans go out now, and which share a transaction."""

from collections.abc import Collection, Iterable, Sequence

from keeper.plan.model import Plan, Reason, Rejection
from keeper.types import WAD, Address

RESERVE = 3
"""Twice the base fee for a few full blocks to come, and a gas limit above what is expected."""


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


def affordable(plans: Iterable[Plan], purse: int) -> tuple[list[Plan], list[Rejection]]:
    """Split off the plans that a key with `purse` wei cannot send with those before them.

    A node takes a transaction only when the key could pay its gas limit at its highest fee, which is up to
    RESERVE times what the plan expects.
    """
    kept: list[Plan] = []
    dropped: list[Rejection] = []
    for plan in ranked(plans):
        needed = (plan.profit.gas * plan.profit.gas_price + plan.profit.data_fee) * RESERVE
        if needed > purse:
            detail = f"needs {needed / WAD:.6f} for gas, {purse / WAD:.6f} are left"
            dropped.append(
                Rejection(plan.deployment, plan.account, plan.block, Reason.NO_GAS_MONEY, detail, best=plan)
            )
        else:
            kept.append(plan)
            purse -= needed
    return kept, dropped


def batched(
    plans: Iterable[Plan], max_steps: int, gas_limit: int, value_limit: int | None = None
) -> list[Sequence[Plan]]:
    """Group plans into transactions of at most `max_steps` liquidations and `gas_limit` gas together.

    The most valuable plans share the first transaction. A plan that alone exceeds a limit stands alone:
    whether the chain takes it is not a matter of grouping. A failed step leaves the others alone, a
    transaction that runs out of gas or is left out takes them all along: no more than `value_limit` (USD,
    8 decimals) is put at that risk. Of the plans that an aggregator sells for, the executor takes one a
    transaction.
    """
    batches: list[list[Plan]] = []
    room = worth = 0
    for plan in ranked(plans):
        full = not batches or len(batches[-1]) == max_steps or plan.profit.gas > room
        risky = value_limit is not None and worth + plan.profit.net_usd > value_limit
        if full or risky or (plan.route.calls and any(other.route.calls for other in batches[-1])):
            batches.append([])
            room, worth = gas_limit, 0
        batches[-1].append(plan)
        room -= plan.profit.gas
        worth += plan.profit.net_usd
    return [tuple(batch) for batch in batches]
