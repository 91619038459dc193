"""One liquidation call on paper: what it moves, or why the pool refuses it.

Source: LendingPoolCollateralManager.liquidationCall after its validation, and
_calculateAvailableCollateralToLiquidate. There is no protocol fee, and no debt is written off.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.aave_v2.pair import Pair
from keeper.protocols.aave_v3.math import percent_div, percent_mul, ray_div
from keeper.protocols.aave_v3.position import Leg, Position
from keeper.protocols.aave_v3.records import StableLoan
from keeper.protocols.base import Refusal, Side


class Amounts(NamedTuple):
    """Token units: debt repaid, collateral taken."""

    repay: int
    seize: int


class Outcome(NamedTuple):
    """What a call does, in token units, and the account afterwards."""

    repay: int
    seize: int
    after: Position

    @property
    def bad_debt(self) -> Mapping[int, int]:
        """The pool writes off none."""
        return {}


def wanted(pair: Pair, repay: int) -> int:
    """Collateral that `repay` debt tokens buy, were there enough of it; the bonus before the division."""
    debt, collateral = pair.debt, pair.collateral
    worth = percent_mul(debt.price * repay * collateral.unit, collateral.configuration.bonus)
    return worth // (collateral.price * debt.unit)


def amounts(pair: Pair, request: int) -> Amounts:
    """What a request to repay `request` debt tokens comes to, before the pool's last checks."""
    debt, collateral = pair.debt, pair.collateral
    repay = min(request, pair.most)
    seize = wanted(pair, repay)
    if seize <= pair.balance:
        return Amounts(repay, seize)
    worth = collateral.price * pair.balance * debt.unit // (debt.price * collateral.unit)
    return Amounts(min(repay, percent_div(worth, collateral.configuration.bonus)), pair.balance)


def burns_nothing(pair: Pair, taken: Amounts) -> bool:
    """Whether what is repaid rounds to no scaled debt, or there is nothing to repay."""
    if pair.variable == 0:
        return taken.repay == 0
    return _burnt(pair, taken) == 0


def burns_too_much(pair: Pair, taken: Amounts) -> bool:
    """Whether more scaled debt would burn than there is: where views count interest that is never stored."""
    return _burnt(pair, taken) > pair.scaled_variable


def pays_nothing(pair: Pair, taken: Amounts) -> bool:
    """Whether what the liquidator receives rounds to no scaled collateral."""
    return ray_div(taken.seize, pair.collateral.income) == 0


def lacks_liquidity(pair: Pair, taken: Amounts) -> bool:
    """Whether the collateral reserve cannot pay out what the liquidator receives."""
    liquidity = pair.collateral.liquidity
    return liquidity is not None and taken.seize > liquidity


def liquidate(pair: Pair, request: int, *, receive_a_token: bool = False) -> Outcome | Refusal:
    """Result of `liquidationCall` with debtToCover = `request`, checked in the pool's own order.

    A token that reverts inside of the collateral manager shows as "23", whatever its own code is.
    """
    taken = amounts(pair, request)
    if not receive_a_token and lacks_liquidity(pair, taken):
        return Refusal("45", f"the reserve holds only {pair.collateral.liquidity}")
    if burns_nothing(pair, taken):
        return Refusal("23", f"{taken.repay} rounds to no debt")
    if burns_too_much(pair, taken):
        return Refusal("23", "the debt token has grown in its views only, so this much cannot be burnt")
    if not receive_a_token and pays_nothing(pair, taken):
        return Refusal("23", f"{taken.repay} buys no collateral")
    return _outcome(pair, taken)


def _burnt(pair: Pair, taken: Amounts) -> int:
    """Scaled variable debt that goes; debt at a stable rate comes last."""
    return ray_div(min(taken.repay, pair.variable), pair.stored_debt)


def _outcome(pair: Pair, taken: Amounts) -> Outcome:
    collateral_out = min(ray_div(taken.seize, pair.collateral.income), pair.scaled_balance)
    after = pair.position._replace(
        legs=_legs_after(pair, _burnt(pair, taken), collateral_out, unused=taken.seize == pair.balance),
        loans=_loans_after(pair, taken.repay - min(taken.repay, pair.variable)),
    )
    return Outcome(taken.repay, taken.seize, after)


def _legs_after(pair: Pair, debt_out: int, collateral_out: int, *, unused: bool) -> tuple[Leg, ...]:
    debt, collateral = pair.debt.reserve.id, pair.collateral.reserve.id
    legs = []
    for number, side, scaled, enabled in pair.position.legs:
        left, used = scaled, enabled
        if side is Side.DEBT and number == debt:
            left -= debt_out
        elif side is Side.COLLATERAL and number == collateral:
            left, used = left - collateral_out, not unused
        if left:
            legs.append((number, side, left, used))
    return tuple(legs)


def _loans_after(pair: Pair, burnt: int) -> tuple[StableLoan, ...]:
    if not burnt:
        return tuple(pair.position.loans)
    left = pair.owed - pair.variable - burnt
    changed = (
        loan._replace(principal=left, updated=pair.timestamp)
        if loan.reserve == pair.debt.reserve.id
        else loan
        for loan in pair.position.loans
    )
    return tuple(loan for loan in changed if loan.principal)
