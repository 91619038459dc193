"""One debt and one collateral of an account: may they be liquidated, and from what amounts.

Source: LendingPool.liquidationCall, LendingPoolCollateralManager.liquidationCall and
ValidationLogic.validateLiquidationCall. Refusals carry the contracts' own codes (Errors.sol).
"""

from typing import NamedTuple

from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v3.health import account_data_v3_0
from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.math import percent_mul, ray_mul
from keeper.protocols.aave_v3.model import ReserveFrame
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.base import Refusal
from keeper.types import WAD

CLOSE_FACTOR = 5_000
"""LendingPoolCollateralManager.LIQUIDATION_CLOSE_FACTOR_PERCENT: of one reserve's debt, always."""


class Pair(NamedTuple):
    """A debt and a collateral that may be liquidated: all that stays the same whatever is repaid.

    `owed` (of which `variable` by the variable debt token), `balance` and `most` (what one call may
    repay) in token units; `stored_debt` is the index (ray) that variable debt is burnt with.
    """

    position: Position
    timestamp: int
    debt: ReserveFrame
    collateral: ReserveFrame
    stored_debt: int
    owed: int
    variable: int
    scaled_variable: int
    balance: int
    scaled_balance: int
    most: int


def examine(position: Position, debt: int, collateral: int, frame: AaveV2Frame) -> Pair | Refusal:
    """Validate a pair of reserve ids as the pool does, in its order.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    owing, taken = frame.reserves[debt], frame.reserves[collateral]
    assert owing is not None
    assert taken is not None
    if frame.paused:
        return Refusal("64", "the pool is paused")
    factor = account_data_v3_0(position, frame).health_factor
    scaled, enabled = position.collateral(collateral)
    scaled_variable, loan = position.debt(debt), position.loan(debt)
    variable = ray_mul(scaled_variable, owing.debt_index)
    owed = variable + (balance(loan, frame) if loan else 0)
    if not (taken.configuration.active and owing.configuration.active):
        return Refusal("2", "one of the two reserves is not active")
    if factor >= WAD:
        return Refusal("42", f"the health factor {factor} is not below 1e18")
    if not (enabled and taken.configuration.threshold):
        return Refusal("43", f"the account does not use {taken.reserve.asset} as collateral")
    if owed == 0:
        return Refusal("44", f"the account owes no {owing.reserve.asset}")
    return Pair(
        position=position,
        timestamp=frame.timestamp,
        debt=owing,
        collateral=taken,
        stored_debt=frame.stored_debt[debt],
        owed=owed,
        variable=variable,
        scaled_variable=scaled_variable,
        balance=ray_mul(scaled, taken.income),
        scaled_balance=scaled,
        most=percent_mul(owed, CLOSE_FACTOR),
    )
