"""Who goes first when several accounts cross at once.

To plan for one takes a few milliseconds, for a crash a second. So the account with most at stake is planned
for and sent before the others are looked at, where it brings so much that it need not share its gas.
"""

from collections.abc import Collection, Sequence

from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import Health
from keeper.types import Address

MANY = 10
"""A plan that brings so many times its gas goes alone. In one transaction with others it would need half."""
LIGHT = 0.005
"""A sale that loses more than this share to the prices that it moves would crowd out others: who goes first
decides then what all of them bring together."""


def foremost(liquidatable: Sequence[Health], free: Collection[Address]) -> Address | None:
    """Of several `free` accounts the one with most to liquidate; None where there are no others to wait."""
    chosen = [health for health in liquidatable if health.account in free]
    if len(chosen) < 2:
        return None
    return max(chosen, key=lambda health: min(health.debt, health.collateral)).account


def goes_alone(outcome: Plan | Rejection) -> bool:
    """Whether what was decided on an account is worth a transaction of its own, and in nobody's way."""
    if isinstance(outcome, Rejection) or outcome.impact is None or outcome.impact > LIGHT:
        return False
    profits = [step.profit for step in outcome.steps]
    return sum(profit.net_usd for profit in profits) >= MANY * sum(profit.gas_usd for profit in profits)
