"""What remains of an account when liquidators take all they may."""

from collections import Counter

from keeper.protocols.aave_v3.liquidation import Outcome, liquidate
from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.model import AaveFrame, Pair
from keeper.protocols.aave_v3.pair import examine
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.ranges import accepted
from keeper.protocols.base import Exhaustion, Refusal
from keeper.types import Address

MOST_STEPS = 128
"""Halving a position of a trillion dollars down to the close factor's floor takes 30."""


def exhaust(position: Position, frame: AaveFrame) -> Exhaustion:
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
        bad_debt.update(outcome.bad_debt)
        position = outcome.after
        steps += 1
    if not position.collaterals():
        bad_debt.update({number: _owed(position, number, frame) for number in position.debts()})
    return Exhaustion(steps, _named(repaid, frame), _named(seized, frame), _named(bad_debt, frame))


def _largest(position: Position, frame: AaveFrame) -> tuple[Pair, Outcome] | None:
    """The acceptable call that repays most, in USD; of equals the one with the lowest ids."""
    best: tuple[Pair, Outcome] | None = None
    best_value = -1
    for debt in position.debts():
        for collateral in position.collaterals():
            pair = examine(position, debt, collateral, frame)
            if isinstance(pair, Refusal):
                continue
            outcome = _most(pair)
            if outcome is None:
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


def _owed(position: Position, number: int, frame: AaveFrame) -> int:
    loan = position.loan(number)
    variable = frame.rules.v_balance(position.debt(number), frame.numbers[number][1])
    return variable + (balance(loan, frame) if loan else 0)


def _named(amounts: Counter[int], frame: AaveFrame) -> dict[Address, int]:
    reserves = frame.reserves
    return {r.reserve.asset: amounts[r.reserve.id] for r in reserves if r and amounts[r.reserve.id]}
