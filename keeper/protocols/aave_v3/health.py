"""Account health exactly as the pool computes it."""

from keeper.errors import Degraded
from keeper.protocols.aave_v3.loans import balances
from keeper.protocols.aave_v3.math import percent_mul, wad_div
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.position import AccountData, Leg, Position
from keeper.protocols.base import AssetInfo, Health, Holding, Side
from keeper.types import BPS, MAX_UINT256, RAY, WAD, Address

_HALF_RAY = RAY // 2


def account_data_v3_0(position: Position, frame: AaveFrame) -> AccountData:
    """GenericLogic.calculateUserAccountData of v3.0 to v3.4: tokens half up, the average threshold floored.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    account, category, legs, loans = position
    limits = frame.limits_of(category)
    numbers, thresholds, ltvs = limits.numbers, limits.threshold, limits.ltv
    stable = balances(loans, frame) if loans else {}
    collateral = debt = weighted = borrowable = 0
    for reserve, side, scaled, enabled in legs:
        income, debt_index, price, unit = numbers[reserve]
        if side:
            owed = (scaled * debt_index + _HALF_RAY) // RAY
            if stable:
                owed += stable.pop(reserve, 0)
            debt += owed * price // unit
        elif enabled:
            value = (scaled * income + _HALF_RAY) // RAY * price // unit
            collateral += value
            weighted += value * thresholds[reserve]
            borrowable += value * ltvs[reserve]
        else:
            continue
        if not price:
            raise _unpriced(account, reserve)
    for reserve, owed in stable.items():
        _, _, price, unit = numbers[reserve]
        if not price:
            raise _unpriced(account, reserve)
        debt += owed * price // unit
    average = weighted // collateral if collateral else 0
    health_factor = wad_div(percent_mul(collateral, average), debt) if debt else MAX_UINT256
    return AccountData(
        collateral, debt, average, borrowable // collateral if collateral else 0, health_factor
    )


def account_data_v3_5(position: Position, frame: AaveFrame) -> AccountData:
    """GenericLogic.calculateUserAccountData since v3.5: rounded against the account, no average.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    account, category, legs, _ = position
    limits = frame.limits_of(category)
    numbers, thresholds, ltvs = limits.numbers, limits.threshold, limits.ltv
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
            raise _unpriced(account, reserve)
    # wadDiv rounds half up, and only then the basis points are divided away.
    health_factor = (weighted * WAD + debt // 2) // debt // BPS if debt else MAX_UINT256
    if not collateral:
        return AccountData(0, debt, 0, 0, health_factor)
    return AccountData(collateral, debt, weighted // collateral, borrowable // collateral, health_factor)


def _unpriced(account: Address, reserve: int) -> Degraded:
    return Degraded(f"{account} cannot be judged: the oracle has no price for reserve {reserve}")


def health(position: Position, frame: AaveFrame) -> Health:
    """Pool.getUserAccountData as a Health; its other three values are the details.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses.
    """
    rules = frame.rules
    collateral, debt, threshold, ltv, factor = rules.account_data(position, frame)
    available = rules.max_borrow(collateral, ltv) - debt
    return Health(
        position.account,
        collateral,
        debt,
        factor,
        factor < WAD,
        {
            "available_borrows": max(available, 0),
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
        return owing(info, rules.v_balance(scaled, debt_index), frame)
    amount = rules.a_balance(scaled, income)
    return Holding(info, side, amount, amount * price // unit if price else None, enabled)


def owing(info: AssetInfo, amount: int, frame: AaveFrame) -> Holding:
    """Debt of `amount` tokens."""
    _, _, price, unit = frame.numbers[info.asset]
    value = frame.rules.debt_value(amount, price, unit) if price else None
    return Holding(info, Side.DEBT, amount, value, enabled=True)
