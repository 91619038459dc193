"""One liquidation, exactly as a vault carries it out (EVK: Liquidation.sol)."""

from typing import NamedTuple

from keeper.protocols.base import Refusal
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.health import exact_debt, liquidity
from keeper.protocols.euler_v2.math import to_assets
from keeper.protocols.euler_v2.names import (
    DONT_SOCIALIZE_DEBT,
    MIN_SOCIALIZED_VALUE,
    OP_LIQUIDATE,
    OP_REDEEM,
    OP_TRANSFER,
    OWED_UNIT,
    SCALE,
    SHIFT,
)
from keeper.protocols.euler_v2.position import Position
from keeper.types import MAX_UINT256, WAD, Address


class Bounds(NamedTuple):
    """What calculateLiquidation finds for one collateral.

    `repay` (assets) and `shares` are the most that can be taken over and seized, both 0 where the account
    is healthy; `debt` (assets) is worth `value` in the unit of account.
    """

    position: Position
    collateral: int
    debt: int
    value: int
    repay: int
    shares: int
    held: int


class Outcome(NamedTuple):
    """What the Liquidate event will tell, what redeeming the shares gives, and the debt written off."""

    repay: int
    shares: int
    redeemed: int
    written_off: int
    after: Position


def discounted(liquidity: tuple[int, int, int], held: int, worth: int, max_discount: int) -> tuple[int, int]:
    """As calculateMaxLiquidation, for an account in violation: (assets taken over, shares seized) at most.

    `liquidity` is (collateral at LTV, liability, debt in assets); `held` shares are `worth` that much.
    The discount is how far the account is under water, at most `max_discount` (of 1e4).
    """
    collateral, liability, assets = liquidity
    if not worth:
        return 0, held
    factor = max(collateral * WAD // liability, WAD - WAD * max_discount // SCALE)
    repay_value, yield_value = liability, liability * WAD // factor
    if worth < yield_value:
        repay_value, yield_value = worth * factor // WAD, worth
    return repay_value * assets // liability, yield_value * held // worth


def assess(
    position: Position, collateral: int, frame: EulerFrame, liquidator: Address | None = None
) -> Bounds | Refusal:
    """As checkLiquidation of the account's controller.

    Raises:
        Degraded: the oracle gives no quote for what the account uses; the vault reverts too.
    """
    refusal = _objection(position, collateral, frame, liquidator)
    if refusal:
        return refusal
    held = dict(position.collaterals).get(collateral, 0)
    if not position.owed:
        return Bounds(position, collateral, 0, 0, 0, 0, held)
    found = liquidity(position, frame)
    nothing = Bounds(position, collateral, found.assets, found.liability, 0, 0, held)
    if not found.violated:
        return nothing
    terms = frame.vault(position.controller).terms
    worth = frame.collateral_value(position.controller, collateral, held) if held else 0
    repay, shares = discounted(found, held, worth, terms.max_discount)
    return nothing._replace(repay=repay, shares=shares)


def _objection(
    position: Position, collateral: int, frame: EulerFrame, liquidator: Address | None
) -> Refusal | None:
    """What calculateLiquidation refuses before it looks at values, in its order."""
    if position.account == liquidator:
        return Refusal("E_SelfLiquidation", "an account cannot liquidate itself")
    if position.controllers > 1:
        return Refusal("E_TransientState", "the account has several controllers")
    if position.controller < 0:
        return Refusal("E_NoLiability", "no vault is the account's controller")
    if collateral not in frame.ltvs(position.controller):
        return Refusal("E_BadCollateral", "the vault does not recognise this collateral")
    if collateral not in position.enabled:
        return Refusal("E_CollateralDisabled", "the account has not enabled this collateral")
    return _cooling(position, frame)


def _cooling(position: Position, frame: EulerFrame) -> Refusal | None:
    ready = position.checked + frame.vault(position.controller).terms.cool_off
    if frame.timestamp >= ready:
        return None
    return Refusal("E_LiquidationCoolOff", f"the account cools off until {ready}")


def liquidate(bounds: Bounds, request: int, frame: EulerFrame) -> Outcome | Refusal:
    """What liquidating for `request` assets does, then redeeming the shares for the liquidator.

    A request of 2^256-1 is as much as possible. A healthy account and a request of 0 succeed and do nothing.
    """
    vault = frame.vault(bounds.position.controller)
    if vault.terms.disabled(OP_LIQUIDATE):
        return Refusal("E_OperationDisabled", "the vault's liquidations are switched off")
    repay, shares = bounds.repay, bounds.shares
    if request != MAX_UINT256:
        if request > repay:
            return Refusal("E_ExcessiveRepayAmount", f"at most {repay} can be taken over")
        if repay:
            repay, shares = request, request * shares // repay
    left = bounds.held - shares
    written_off = _written_off(bounds, repay, left, frame)
    redeemed = _redeemed(bounds.collateral, shares, frame)
    if isinstance(redeemed, Refusal):
        return redeemed
    after = _after(bounds, repay, left, written_off, frame)
    return Outcome(repay, shares, redeemed, written_off, after)


def _redeemed(collateral: int, shares: int, frame: EulerFrame) -> int | Refusal:
    """What the collateral's vault gives for seized shares, assets."""
    if not shares:
        return 0
    vault = frame.vault(collateral)
    if not vault.vault.asset:
        return Refusal("E_BadAddress", "the collateral is no vault of this factory")
    if vault.terms.disabled(OP_TRANSFER) or vault.terms.disabled(OP_REDEEM):
        return Refusal("E_OperationDisabled", "the collateral's shares cannot be moved or redeemed")
    assets = to_assets(vault.status, shares)
    if not assets:
        return Refusal("E_ZeroAssets", "the seized shares are worth nothing")
    if assets > vault.status.cash:
        return Refusal("E_InsufficientCash", f"the collateral's vault can pay out {vault.status.cash}")
    return assets


def _written_off(bounds: Bounds, repay: int, left: int, frame: EulerFrame) -> int:
    """Debt that the vault's depositors lose because no collateral is left behind it, assets."""
    position = bounds.position
    flags = frame.vault(position.controller).terms.flags
    if bounds.value < MIN_SOCIALIZED_VALUE or flags & DONT_SOCIALIZE_DEBT or left:
        return 0
    recognised = frame.ltvs(position.controller)
    others = any(number in recognised for number, _ in position.collaterals if number != bounds.collateral)
    return 0 if others else bounds.debt - repay


def _after(bounds: Bounds, repay: int, left: int, written_off: int, frame: EulerFrame) -> Position:
    position = bounds.position
    owed = exact_debt(position, frame)
    moved = repay << SHIFT
    remaining = 0 if abs(owed - moved) < OWED_UNIT else owed - moved
    if written_off:
        remaining = 0
    collaterals = [(number, shares) for number, shares in position.collaterals if number != bounds.collateral]
    if left:
        collaterals.append((bounds.collateral, left))
    return position._replace(
        owed=remaining,
        since=frame.vault(position.controller).status.accumulator,
        collaterals=tuple(collaterals),
    )
