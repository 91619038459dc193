"""How much of a debt one liquidation call may repay, release by release."""

from keeper.protocols.aave_v3.math import percent_mul
from keeper.protocols.aave_v3.model import ReserveFrame
from keeper.protocols.aave_v3.position import AccountData
from keeper.types import USD, WAD

HALF = 5_000
"""LiquidationLogic.DEFAULT_LIQUIDATION_CLOSE_FACTOR."""

DEEP = 95 * WAD // 100
"""CLOSE_FACTOR_HF_THRESHOLD: at or below it all of a reserve's debt may be repaid, and below it the
sequencer sentinel has no say (MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD)."""

SMALL = 2_000 * USD
"""LiquidationLogic.MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD: below it there is no close factor."""


def close_factor_v3_0(
    _debt: ReserveFrame, owed: int, _owed_value: int, _balance_value: int, account: AccountData
) -> int:
    """v3.0 to v3.2: half of the reserve's debt unless the account is deep under water."""
    return percent_mul(owed, HALF) if account.health_factor > DEEP else owed


def close_factor_v3_3(
    debt: ReserveFrame, owed: int, owed_value: int, balance_value: int, account: AccountData
) -> int:
    """Since v3.3: half of the whole position's debt, unless it is small or deep under water."""
    if min(owed_value, balance_value) >= SMALL and account.health_factor > DEEP:
        limit = percent_mul(account.debt, HALF)
        if owed_value > limit:
            return limit * debt.unit // debt.price
    return owed
