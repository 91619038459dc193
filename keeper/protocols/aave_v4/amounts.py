"""How much of a pair one call liquidates.

Source: aave.md §6.5 steps 2 to 8; LiquidationLogic._calculateLiquidationAmounts and what it calls.
"""

from typing import NamedTuple

from keeper.protocols.aave_v4 import hub
from keeper.protocols.aave_v4.bonus import debt_to_target
from keeper.protocols.aave_v4.math import div_up, from_ray_up, ray_mul_up
from keeper.protocols.aave_v4.pair import Pair
from keeper.types import BPS, RAY

DUST = 1_000 * 10**26
"""Value (26 decimals to the dollar): neither the debt nor the collateral may be left with less, but some."""


class Amounts(NamedTuple):
    """`drawn` shares and `premium` (ray) repaid for `shares` of collateral, `given` to the liquidator.

    `pay` is what the liquidator pays, token units. `forced`: all of the debt or all of the collateral goes,
    and a larger offer changes nothing but that.
    """

    drawn: int
    premium: int
    shares: int
    given: int
    pay: int
    forced: bool


def amounts(pair: Pair, request: int) -> Amounts:
    """What an offer to repay `request` debt tokens comes to; the call reverts if that is less than `pay`."""
    drawn, premium, dusty = _debt(pair, request)
    shares = _shares_for(pair, drawn, premium)
    held = pair.held.supplied
    forced = shares > held or (drawn < pair.owing.drawn and _leaves_dust(pair, shares))
    if forced:
        drawn, premium, shares = _all_collateral(pair)
    fee = div_up(shares * pair.config.fee * (pair.bonus - BPS), pair.bonus * BPS)
    pay = ray_mul_up(drawn, pair.debt.index) + from_ray_up(premium)
    whole = dusty or forced or shares == held or drawn == pair.owing.drawn
    return Amounts(drawn, premium, shares, shares - fee, pay, whole)


def _debt(pair: Pair, request: int) -> tuple[int, int, bool]:
    """Drawn shares and premium (ray) up to the target and the request; all of it where dust would be left."""
    index, owing = pair.debt.index, pair.owing
    target = _target(pair)
    premium = min(from_ray_up(target) * RAY, pair.premium)
    if request < from_ray_up(premium):
        premium = request * RAY
    drawn = 0
    if premium == pair.premium and premium < target:
        affordable = (request - from_ray_up(premium)) * RAY // index
        drawn = min(div_up(target - premium, index), affordable, owing.drawn)
    left = (owing.drawn - drawn) * index + pair.premium - premium
    if drawn < owing.drawn and left * pair.debt.unit_value < DUST * RAY:
        return owing.drawn, pair.premium, True
    return drawn, premium, False


def _target(pair: Pair) -> int:
    return debt_to_target(
        pair.frame.liquidation,
        total_debt=pair.account.debt,
        health_factor=pair.account.health_factor,
        unit=pair.debt.unit,
        price=pair.debt.price,
        factor=pair.config.factor,
        bonus=pair.bonus,
    )


def _shares_for(pair: Pair, drawn: int, premium: int) -> int:
    """Collateral shares that so much debt buys, were there enough of them."""
    debt, collateral = pair.debt, pair.collateral
    amount = (
        (drawn * debt.index + premium)
        * (debt.price * collateral.unit * pair.bonus)
        // (debt.unit * collateral.price * BPS * RAY)
    )
    return hub.shares_for(collateral.asset, amount)


def _leaves_dust(pair: Pair, shares: int) -> bool:
    left = pair.held.supplied - shares
    return left > 0 and pair.collateral.worth(left) * pair.collateral.unit_value < DUST


def _all_collateral(pair: Pair) -> tuple[int, int, int]:
    """All of the collateral, and the debt (drawn shares, premium) that buys it."""
    debt, collateral, held = pair.debt, pair.collateral, pair.held.supplied
    owed = div_up(
        hub.cost(collateral.asset, held) * collateral.price * debt.unit * BPS * RAY,
        debt.price * collateral.unit * pair.bonus,
    )
    if owed <= pair.premium:
        return 0, min(from_ray_up(owed) * RAY, pair.premium), held
    drawn = div_up(owed - pair.premium, debt.index)
    if drawn <= pair.owing.drawn:
        return drawn, pair.premium, held
    drawn = pair.owing.drawn
    return drawn, pair.premium, min(_shares_for(pair, drawn, pair.premium), held)
