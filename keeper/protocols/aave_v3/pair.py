"""One debt and one collateral of an account: may they be liquidated, and from what amounts.

Source: ValidationLogic.validateLiquidationCall and the first half of
LiquidationLogic.executeLiquidationCall (v3.6). Refusals carry the name of the contract's own error.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.aave_v3.frame import AaveFrame, ReserveFrame
from keeper.protocols.aave_v3.math import percent_mul
from keeper.protocols.aave_v3.position import AccountData, Position
from keeper.protocols.aave_v3.rules import Rules
from keeper.protocols.base import Refusal
from keeper.types import USD, WAD

HALF = 5_000
"""LiquidationLogic.DEFAULT_LIQUIDATION_CLOSE_FACTOR."""

DEEP = 95 * WAD // 100
"""CLOSE_FACTOR_HF_THRESHOLD: at or below it all of a reserve's debt may be repaid, and below it the
sequencer sentinel has no say (MINIMUM_HEALTH_FACTOR_LIQUIDATION_THRESHOLD)."""

SMALL = 2_000 * USD
"""LiquidationLogic.MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD: below it there is no close factor."""


class Pair(NamedTuple):
    """A valid pair: all that stays the same whatever is repaid.

    `owed`, `balance` and `most` (what one call may repay) in token units; `value` is the account's whole
    collateral in USD with 8 decimals; `others` is what it owes in other reserves, by reserve id.
    """

    rules: Rules
    position: Position
    debt: ReserveFrame
    collateral: ReserveFrame
    owed: int
    balance: int
    scaled_balance: int
    most: int
    bonus: int
    value: int
    others: Mapping[int, int]


def examine(position: Position, debt: int, collateral: int, frame: AaveFrame) -> Pair | Refusal:
    """Validate a pair of reserve ids as the pool does, in its order.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    owing, taken = frame.reserves[debt], frame.reserves[collateral]
    if owing is None or taken is None:
        return Refusal("ReserveInactive", "one of the two assets is no longer listed")
    rules = frame.rules
    account = rules.account_data(*position, frame)
    scaled, enabled = position.collateral(collateral)
    owed = rules.v_balance(position.debt(debt), owing.debt_index)
    refusal = _forbidden(owing, taken, account, frame) or _absent(owing, owed, taken, enabled=enabled)
    if refusal:
        return refusal
    bonus = _bonus(position.category, taken, frame)
    if bonus == 0:
        return Refusal("NoLiquidationBonus", "the asset is no collateral by itself and not in the eMode")
    balance = rules.a_balance(scaled, taken.income)
    owed_value = rules.debt_value(owed, owing.price, owing.unit)
    balance_value = balance * taken.price // taken.unit
    return Pair(
        rules=rules,
        position=position,
        debt=owing,
        collateral=taken,
        owed=owed,
        balance=balance,
        scaled_balance=scaled,
        most=rules.close_factor(owed, owed_value, balance_value, owing, account),
        bonus=bonus,
        value=account.collateral,
        others=_other_debts(position, debt, frame),
    )


def _forbidden(
    debt: ReserveFrame, collateral: ReserveFrame, account: AccountData, frame: AaveFrame
) -> Refusal | None:
    taken, owing = collateral.configuration, debt.configuration
    if not (taken.active and owing.active):
        return Refusal("ReserveInactive", "one of the two reserves is not active")
    if taken.paused or owing.paused:
        return Refusal("ReservePaused", "one of the two reserves is paused")
    if account.health_factor >= DEEP and not frame.sentinel_allows:
        return Refusal("PriceOracleSentinelCheckFailed", "the sequencer was down until a moment ago")
    if max(collateral.grace_until, debt.grace_until) >= frame.timestamp:
        return Refusal("LiquidationGraceSentinelCheckFailed", "the grace period after a pause still runs")
    if account.health_factor >= WAD:
        return Refusal("HealthFactorNotBelowThreshold", f"{account.health_factor} is not below 1e18")
    return None


def _absent(debt: ReserveFrame, owed: int, collateral: ReserveFrame, *, enabled: bool) -> Refusal | None:
    if not enabled:
        asset = collateral.reserve.asset
        return Refusal("CollateralCannotBeLiquidated", f"the account does not use {asset} as collateral")
    if owed == 0:
        return Refusal("SpecifiedCurrencyNotBorrowedByUser", f"the account owes no {debt.reserve.asset}")
    return None


def _bonus(category: int, collateral: ReserveFrame, frame: AaveFrame) -> int:
    emode = frame.emodes.get(category)
    if emode and emode.collateral >> collateral.reserve.id & 1:
        return emode.bonus
    return collateral.configuration.bonus


def _other_debts(position: Position, debt: int, frame: AaveFrame) -> dict[int, int]:
    """What LiquidationLogic._burnBadDebt would write off besides the pair's own debt."""
    owed = {}
    for number, side, scaled, _ in position.legs:
        reserve = frame.reserves[number]
        if side and number != debt and reserve and reserve.configuration.active:
            owed[number] = frame.rules.v_balance(scaled, reserve.debt_index)
    return owed


def close_factor_v3_3(
    owed: int, owed_value: int, balance_value: int, debt: ReserveFrame, account: AccountData
) -> int:
    """Since v3.3: half of the whole position's debt, unless it is small or deep under water."""
    if min(owed_value, balance_value) >= SMALL and account.health_factor > DEEP:
        limit = percent_mul(account.debt, HALF)
        if owed_value > limit:
            return limit * debt.unit // debt.price
    return owed
