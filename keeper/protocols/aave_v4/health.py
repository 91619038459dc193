"""Account health exactly as the spoke computes it.

Source: aave.md §6.4; Spoke._processUserAccountData without a refresh of the keys. Values have 26 decimals
to the dollar. Collateral is rounded against the account, debt keeps its full precision (ray).
"""

from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.aave_v4.frame import VALUE_UNIT, SpokeFrame
from keeper.protocols.aave_v4.math import div_up, from_ray_up
from keeper.protocols.aave_v4.position import Leg, Position
from keeper.protocols.base import AssetInfo, Book, Health, Holding, Side
from keeper.types import MAX_UINT256, RAY, WAD

_BPS_TO_WAD = 10**14


class AccountData(NamedTuple):
    """Spoke.getUserAccountData: premium in bps, factors in wad, values with 26 decimals, debt times a ray."""

    risk_premium: int
    average_factor: int
    health_factor: int
    collateral: int
    debt: int
    collaterals: int
    borrows: int


def account_data(position: Position, frame: SpokeFrame) -> AccountData:
    """The seven numbers of an account at `frame`.

    Raises:
        Degraded: the oracle gives no price for a reserve the account uses; the spoke reverts too.
    """
    debt = weighted = borrows = 0
    risks: list[tuple[int, int]] = []
    for leg in position.legs:
        if not (leg.used or leg.drawn):
            continue
        reserve = frame.reserve(leg.reserve)
        if leg.used and leg.supplied:
            factor = reserve.config(leg.terms.key).factor
            if factor:
                value = reserve.worth(leg.supplied) * reserve.unit_value
                weighted += factor * value
                risks.append((reserve.reserve.risk, -value))
        if leg.drawn:
            debt += leg.debt(reserve.index) * reserve.unit_value
            borrows += 1
    collateral = -sum(value for _, value in risks)
    return AccountData(
        risk_premium=_risk_premium(risks, from_ray_up(debt)),
        average_factor=weighted * _BPS_TO_WAD // collateral if collateral else weighted,
        health_factor=weighted * _BPS_TO_WAD * RAY // debt if debt else MAX_UINT256,
        collateral=collateral,
        debt=debt,
        collaterals=len(risks),
        borrows=borrows,
    )


def _risk_premium(risks: list[tuple[int, int]], debt: int) -> int:
    """The debt is covered by the safest collateral first, of equals by the largest; bps, rounded up."""
    left = debt
    total = 0
    for risk, negative in sorted(risks):
        covered = min(-negative, left)
        total += covered * risk
        left -= covered
    return div_up(total, debt - left) if left < debt else 0


def check_prices(book: Book, position: Position, frame: SpokeFrame) -> None:
    """The spoke asks the price of every reserve the account has flagged, also where it holds nothing.

    Raises:
        Degraded: one of them has none.
    """
    for number, reserve in frame.reserves.items():
        if not reserve.price and book.enabled(position.account, number):
            raise Degraded(
                f"{position.account} cannot be judged: the oracle has no price for reserve {number}"
            )


def health(position: Position, frame: SpokeFrame) -> Health:
    """Spoke.getUserAccountData as a Health: its own integers are the details.

    `collateral` and `debt` are the totals in USD with 8 decimals, rounded against the account.

    Raises:
        Degraded: the oracle gives no price for a reserve the account uses.
    """
    data = account_data(position, frame)
    return Health(
        position.account,
        data.collateral // VALUE_UNIT,
        div_up(data.debt, VALUE_UNIT * RAY),
        data.health_factor,
        data.health_factor < WAD,
        {
            "total_collateral_value": data.collateral,
            "total_debt_value_ray": data.debt,
            "risk_premium": data.risk_premium,
            "avg_collateral_factor": data.average_factor,
            "active_collateral_count": data.collaterals,
            "borrow_count": data.borrows,
        },
    )


def holdings(info: AssetInfo, leg: Leg, frame: SpokeFrame) -> list[Holding]:
    """What an account has and owes in one reserve, in tokens with interest."""
    reserve = frame.reserves[leg.reserve]
    found = []
    if leg.supplied:
        found.append((Side.COLLATERAL, reserve.worth(leg.supplied), leg.used))
    if leg.drawn:
        amount = from_ray_up(leg.drawn * reserve.index) + from_ray_up(leg.premium(reserve.index))
        found.append((Side.DEBT, amount, True))
    price, unit = reserve.price, reserve.unit
    return [
        Holding(info, side, amount, amount * price // unit if price else None, enabled)
        for side, amount, enabled in found
    ]
