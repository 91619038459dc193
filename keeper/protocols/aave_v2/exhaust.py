"""What remains of an account when liquidators take all they may."""

from collections import Counter

from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v2.liquidation import Outcome, liquidate
from keeper.protocols.aave_v2.pair import Pair, examine
from keeper.protocols.aave_v2.ranges import accepted
from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.math import ray_mul
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.base import Exhaustion, Refusal
from keeper.types import Address

MOST_STEPS = 128
"""Every call halves one debt at most, down to dust: halving a trillion dollars to a cent takes 47."""


def exhaust(position: Position, frame: AaveV2Frame) -> Exhaustion:
    """Repeat the liquidation that repays most value until the pool refuses every pair.

    Prices, and the liquidity that reserves can pay out, stay as they are in the frame.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses.
    """
    repaid: Counter[int] = Counter()
    seized: Counter[int] = Counter()
    bad_debt: Counter[int] = Counter()
    steps = 0
    while steps < MOST_STEPS and (found := _largest(position, frame)):
        pair, outcome = found
        repaid[pair.debt.reserve.id] += outcome.repay
        seized[pair.collateral.reserve.id] += outcome.seize
        position = outcome.after
        steps += 1
    if not position.collaterals():
        bad_debt.update({number: _owed(position, number, frame) for number in position.debts()})
    return Exhaustion(steps, _named(repaid, frame), _named(seized, frame), _named(bad_debt, frame))


def _largest(position: Position, frame: AaveV2Frame) -> tuple[Pair, Outcome] | None:
    """The acceptable call that repays most, in wei; of equals the one with the lowest ids."""
    best: tuple[Pair, Outcome] | None = None
    best_value = -1
    for debt in position.debts():
        for collateral in position.collaterals():
            pair = examine(position, debt, collateral, frame)
            outcome = None if isinstance(pair, Refusal) else _most(pair)
            if outcome is None or isinstance(pair, Refusal):
                continue
            value = outcome.repay * pair.debt.price // pair.debt.unit
            if value > best_value:
                best, best_value = (pair, outcome), value
    return best


def _most(pair: Pair) -> Outcome | None:
    outcome = liquidate(pair, pair.most)
    if isinstance(outcome, Outcome):
        return outcome
    ranges = accepted(pair)
    outcome = liquidate(pair, ranges[-1][1]) if ranges else outcome
    return outcome if isinstance(outcome, Outcome) else None


def _owed(position: Position, number: int, frame: AaveV2Frame) -> int:
    loan = position.loan(number)
    variable = ray_mul(position.debt(number), frame.numbers[number][1])
    return variable + (balance(loan, frame) if loan else 0)


def _named(amounts: Counter[int], frame: AaveV2Frame) -> dict[Address, int]:
    reserves = frame.reserves
    return {r.reserve.asset: amounts[r.reserve.id] for r in reserves if r and amounts[r.reserve.id]}
