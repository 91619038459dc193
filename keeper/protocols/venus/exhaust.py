"""What remains of an account when liquidators take all they may."""

from collections import Counter

from keeper.protocols.base import Exhaustion
from keeper.protocols.venus.frame import VenusFrame, address_of
from keeper.protocols.venus.liquidation import Outcome
from keeper.protocols.venus.pair import examine
from keeper.protocols.venus.position import Position
from keeper.protocols.venus.ranges import largest
from keeper.types import Address

MOST_STEPS = 128
"""Halving a position of a trillion dollars down to a cent takes 47."""


def exhaust(position: Position, frame: VenusFrame) -> Exhaustion:
    """Repeat the liquidation that repays most value until the protocol refuses every pair.

    Prices and the markets' totals stay as they are in the frame; what a step accrues stays accrued.
    """
    repaid: Counter[Address] = Counter()
    seized: Counter[Address] = Counter()
    steps = 0
    while steps < MOST_STEPS and (found := _largest(position, frame)):
        debt, collateral, outcome = found
        repaid[_name(debt, frame)] += outcome.repay
        seized[_name(collateral, frame)] += outcome.seize
        position = outcome.after
        steps += 1
    bad_debt: Counter[Address] = Counter()
    if not position.entered & position.tokens.keys():
        for number in position.loans:
            bad_debt[_name(number, frame)] += position.balance(number, frozenset({number}), frame)
    return Exhaustion(steps, dict(repaid), dict(seized), dict(bad_debt))


def _largest(position: Position, frame: VenusFrame) -> tuple[int, int, Outcome] | None:
    """The acceptable call that repays most, in USD; of equals the one with the lowest numbers."""
    best: tuple[int, int, Outcome] | None = None
    best_value = -1
    for debt in sorted(position.loans):
        for collateral in sorted(position.tokens):
            outcome = largest(examine(position, debt, collateral, frame))
            if outcome is None:
                continue
            value = outcome.repay * frame.markets[debt].price
            if value > best_value:
                best, best_value = (debt, collateral, outcome), value
    return best


def _name(number: int, frame: VenusFrame) -> Address:
    market = frame.markets[number]
    return address_of(market.facts, market.vtoken)
