"""What remains of an account when liquidators take all they may."""

from collections import Counter

from keeper.protocols.base import Exhaustion, Refusal
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.health import exact_debt
from keeper.protocols.euler_v2.liquidation import Outcome, assess, liquidate
from keeper.protocols.euler_v2.math import assets_up
from keeper.protocols.euler_v2.position import Position
from keeper.types import MAX_UINT256, Address

MOST_STEPS = 32
"""An account has at most 10 collaterals, and a liquidation takes one whole or leaves it healthy."""


def exhaust(position: Position, frame: EulerFrame) -> Exhaustion:
    """Repeat the liquidation that repays most until the vault refuses, or has nothing more to give.

    Quotes stay as they are in the frame, and cash as well.

    Raises:
        Degraded: the oracle gives no quote for what the account uses.
    """
    repaid: Counter[Address] = Counter()
    seized: Counter[Address] = Counter()
    bad_debt: Counter[Address] = Counter()
    steps = 0
    while steps < MOST_STEPS and (found := _largest(position, frame)):
        collateral, outcome = found
        debt = frame.vault(position.controller).vault.asset
        repaid[debt] += outcome.repay
        seized[frame.vault(collateral).vault.asset] += outcome.redeemed
        bad_debt[debt] += outcome.written_off
        position = outcome.after
        steps += 1
    if position.owed and not position.collaterals:
        bad_debt[frame.vault(position.controller).vault.asset] += assets_up(exact_debt(position, frame))
    return Exhaustion(steps, _positive(repaid), _positive(seized), _positive(bad_debt))


def _largest(position: Position, frame: EulerFrame) -> tuple[int, Outcome] | None:
    """The liquidation that takes over most debt; of equals the one with the lowest vault number."""
    best: tuple[int, Outcome] | None = None
    for number in sorted(position.enabled):
        bounds = assess(position, number, frame)
        outcome = bounds if isinstance(bounds, Refusal) else liquidate(bounds, MAX_UINT256, frame)
        if isinstance(outcome, Refusal) or not outcome.shares:
            continue
        if best is None or outcome.repay > best[1].repay:
            best = number, outcome
    return best


def _positive(amounts: Counter[Address]) -> dict[Address, int]:
    return {token: amount for token, amount in amounts.items() if amount}
