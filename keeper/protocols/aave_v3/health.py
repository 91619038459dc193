"""Account health exactly as the pool computes it."""

from collections.abc import Iterable

from keeper.errors import Degraded
from keeper.protocols.aave_v3.frame import AaveFrame
from keeper.protocols.aave_v3.position import AccountData, Leg
from keeper.protocols.base import AssetInfo, Health, Holding, Side
from keeper.types import BPS, MAX_UINT256, RAY, WAD, Address


def account_data_v3_6(account: Address, category: int, legs: Iterable[Leg], frame: AaveFrame) -> AccountData:
    """GenericLogic.calculateUserAccountData of v3.6.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    numbers, limits = frame.numbers, frame.limits_of(category)
    thresholds, ltvs = limits.threshold, limits.ltv
    collateral = debt = weighted = borrowable = 0
    for reserve, side, scaled, enabled in legs:
        income, debt_index, price, unit = numbers[reserve]
        if side:
            # TokenMath.getVTokenBalance and MathUtils.mulDivCeil both round up; written out for speed.
            debt -= -(-scaled * debt_index // RAY) * -price // unit
        elif enabled:
            value = scaled * income // RAY * price // unit
            collateral += value
            weighted += value * thresholds[reserve]
            borrowable += value * ltvs[reserve]
        else:
            continue
        if not price:
            raise Degraded(f"{account} cannot be judged: the oracle has no price for reserve {reserve}")
    # wadDiv rounds half up, and only then the basis points are divided away.
    health_factor = (weighted * WAD + debt // 2) // debt // BPS if debt else MAX_UINT256
    if not collateral:
        return AccountData(0, debt, 0, 0, health_factor)
    return AccountData(collateral, debt, weighted // collateral, borrowable // collateral, health_factor)


def health(account: Address, category: int, legs: Iterable[Leg], frame: AaveFrame) -> Health:
    """Pool.getUserAccountData as a Health; its other three values are the details.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses.
    """
    rules = frame.rules
    collateral, debt, threshold, ltv, factor = rules.account_data(account, category, legs, frame)
    available = rules.max_borrow(collateral, ltv) - debt
    return Health(
        account,
        collateral,
        debt,
        factor,
        factor < WAD,
        {
            "available_borrows": max(0, available),
            "liquidation_threshold": threshold,
            "ltv": ltv,
        },
    )


def holding(info: AssetInfo, leg: Leg, frame: AaveFrame) -> Holding:
    """One leg in tokens with interest, and its worth rounded as the pool rounds it."""
    number, side, scaled, enabled = leg
    rules = frame.rules
    income, debt_index, price, unit = frame.numbers[number]
    if side is Side.DEBT:
        amount = rules.v_balance(scaled, debt_index)
        value = rules.debt_value(amount, price, unit)
    else:
        amount = rules.a_balance(scaled, income)
        value = amount * price // unit
    return Holding(info, side, amount, value if price else None, enabled)
