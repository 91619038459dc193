"""One debt and one collateral of an account: may they be liquidated, and under which terms.

Source: aave.md §6.5; LiquidationLogic._validateLiquidationCall. Refusals carry the
contract's own error names.
"""

from dataclasses import dataclass

from keeper.protocols.aave_v4.bonus import liquidation_bonus
from keeper.protocols.aave_v4.frame import ReserveFrame, SpokeFrame
from keeper.protocols.aave_v4.health import AccountData, account_data
from keeper.protocols.aave_v4.position import Leg, Position
from keeper.protocols.aave_v4.records import DynamicConfig, Flag
from keeper.protocols.base import Refusal
from keeper.types import WAD


@dataclass(frozen=True, slots=True)
class Pair:
    """All that stays the same whatever is repaid. `premium` (ray) is owed beside `drawn`; `bonus` in bps."""

    frame: SpokeFrame
    position: Position
    account: AccountData
    debt: ReserveFrame
    collateral: ReserveFrame
    owing: Leg
    held: Leg
    config: DynamicConfig
    premium: int
    bonus: int


def examine(position: Position, debt: int, collateral: int, frame: SpokeFrame) -> Pair | Refusal:
    """Validate a pair of reserve ids as the spoke does, in its order.

    Raises:
        Degraded: the oracle gives no price for a reserve the account uses; the spoke reverts too.
    """
    account = account_data(position, frame)
    owing, held = position.leg(debt), position.leg(collateral)
    owed, taken = frame.reserves.get(debt), frame.reserves.get(collateral)
    if owed is None or taken is None:
        return Refusal("ReserveNotListed", "one of the two reserves is not listed")
    config = taken.config(held.terms.key)
    refusal = _forbidden(owed, taken, account, owing, held) or _no_collateral(held, config)
    if refusal:
        return refusal
    return Pair(
        frame=frame,
        position=position,
        account=account,
        debt=owed,
        collateral=taken,
        owing=owing,
        held=held,
        config=config,
        premium=owing.premium(owed.index),
        bonus=liquidation_bonus(frame.liquidation, config.bonus, account.health_factor),
    )


def _forbidden(
    debt: ReserveFrame, collateral: ReserveFrame, account: AccountData, owing: Leg, held: Leg
) -> Refusal | None:
    if debt.has(Flag.PAUSED) or collateral.has(Flag.PAUSED):
        return Refusal("ReservePaused", "one of the two reserves is paused")
    if not held.supplied:
        return Refusal("ReserveNotSupplied", "the account has nothing supplied in the collateral reserve")
    if not owing.drawn:
        return Refusal("ReserveNotBorrowed", "the account owes nothing in the debt reserve")
    if account.health_factor >= WAD:
        return Refusal("HealthFactorNotBelowThreshold", f"{account.health_factor} is not below 1e18")
    return None


def _no_collateral(held: Leg, config: DynamicConfig) -> Refusal | None:
    if config.factor and held.used:
        return None
    return Refusal("ReserveNotEnabledAsCollateral", "the supply does not count as collateral")


def no_shares(pair: Pair) -> Refusal | None:
    """Whether the liquidator may not take the collateral as shares."""
    if pair.collateral.has(Flag.FROZEN) or not pair.collateral.has(Flag.RECEIVE_SHARES):
        return Refusal("CannotReceiveShares", "the collateral reserve gives no shares to liquidators")
    return None
