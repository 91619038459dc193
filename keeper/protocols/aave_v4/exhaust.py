"""What remains of an account when liquidators take all they may."""

from collections import Counter
from typing import NamedTuple

from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.math import from_ray_up
from keeper.protocols.aave_v4.pair import Pair, examine
from keeper.protocols.aave_v4.position import Position
from keeper.protocols.aave_v4.ranges import EVERYTHING, accepted
from keeper.protocols.base import Exhaustion, Refusal
from keeper.types import Address

Sums = Counter[Address]

MOST_STEPS = 128
"""A call takes a debt to the target health factor or ends a leg, so a few are enough."""


class _Step(NamedTuple):
    pair: Pair
    outcome: Outcome
    value: int


def exhaust(position: Position, frame: SpokeFrame) -> Exhaustion:
    """Repeat the liquidation that repays most value until the spoke refuses every pair.

    Prices stay as they are in the frame; what hubs hold changes with each step.

    Raises:
        Degraded: the oracle gives no price for a reserve the account uses.
    """
    repaid, seized, bad_debt = Sums(), Sums(), Sums()
    steps = 0
    while steps < MOST_STEPS and (step := _largest(position, frame)):
        outcome = step.outcome
        repaid[step.pair.debt.asset.underlying] += outcome.repay
        seized[step.pair.collateral.asset.underlying] += outcome.seize
        for number, deficit in outcome.deficits.items():
            bad_debt[frame.reserve(number).asset.underlying] += deficit.amount
        position, frame = outcome.after, outcome.frame
        steps += 1
    if not position.collaterals():
        for leg in position.legs:
            if leg.drawn:
                reserve = frame.reserve(leg.reserve)
                bad_debt[reserve.asset.underlying] += from_ray_up(leg.debt(reserve.index))
    return Exhaustion(steps, dict(repaid), dict(seized), dict(bad_debt))


def _largest(position: Position, frame: SpokeFrame) -> _Step | None:
    """The acceptable call that repays most value; of equals the one with the lowest ids."""
    best: _Step | None = None
    for debt in position.debts():
        for collateral in position.collaterals():
            pair = examine(position, debt, collateral, frame)
            outcome = None if isinstance(pair, Refusal) else _most(pair)
            if isinstance(pair, Refusal) or outcome is None:
                continue
            value = outcome.repay * pair.debt.unit_value
            if best is None or value > best.value:
                best = _Step(pair, outcome, value)
    return best


def _most(pair: Pair) -> Outcome | None:
    outcome = liquidate(pair, EVERYTHING)
    if isinstance(outcome, Refusal):
        ranges = accepted(pair)
        outcome = liquidate(pair, ranges[-1][1]) if ranges else outcome
    return outcome if isinstance(outcome, Outcome) else None
