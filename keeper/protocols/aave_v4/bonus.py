"""What a liquidator earns, and how much debt brings an account to the spoke's target.

Sources: aave.md §6.5 steps 1 and 2; LiquidationLogic.calculateLiquidationBonus and
_calculateDebtToTargetHealthFactor.
"""

from keeper.protocols.aave_v4.math import div_up, percent_mul_up
from keeper.protocols.aave_v4.records import LiquidationConfig
from keeper.types import BPS, WAD

_BPS_TO_WAD = 10**14


def liquidation_bonus(config: LiquidationConfig, largest: int, health_factor: int) -> int:
    """Collateral for repaid debt, bps of its worth: it rises as health falls, up to `largest`."""
    if health_factor <= config.full_bonus_below:
        return largest
    smallest = (largest - BPS) * config.bonus_factor // BPS + BPS
    return smallest + (largest - smallest) * (WAD - health_factor) // (WAD - config.full_bonus_below)


def debt_to_target(
    config: LiquidationConfig,
    *,
    total_debt: int,
    health_factor: int,
    unit: int,
    price: int,
    factor: int,
    bonus: int,
) -> int:
    """Debt whose repayment lifts health to the target: ray-scaled token units, rounded up.

    `total_debt` is the account's, in ray-scaled value; `unit` and `price` are the debt asset's, `factor`
    and `bonus` (bps) the collateral's.
    """
    penalty = percent_mul_up(bonus * _BPS_TO_WAD, factor)
    return div_up(
        total_debt * unit * (config.target - health_factor), (config.target - penalty) * price * WAD
    )
