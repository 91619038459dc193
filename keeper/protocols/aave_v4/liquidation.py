"""One liquidation call on paper: what it moves, or why the spoke or a hub refuses it.

Source: aave.md §6.5; LiquidationLogic._executeLiquidation, the hub calls it makes, and the update of the
account's risk premium after them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.protocols.aave_v4.amounts import Amounts, amounts
from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.health import account_data
from keeper.protocols.aave_v4.hub_calls import (
    Refused,
    refresh_premium,
    remove,
    report_deficit,
    restore,
    transfer_fee,
)
from keeper.protocols.aave_v4.math import from_ray_up, percent_mul_up
from keeper.protocols.aave_v4.pair import Pair, no_shares
from keeper.protocols.aave_v4.position import Leg, Position
from keeper.protocols.base import Refusal


class Deficit(NamedTuple):
    """Debt written off in one reserve: drawn shares, and all of it in token units."""

    drawn: int
    amount: int


class Outcome(NamedTuple):
    """What a call does: token units, deficits by reserve id, the account and the reserves afterwards.

    `removed` is worth of all collateral shares taken, `seize` what reaches the liquidator.
    """

    repay: int
    seize: int
    removed: int
    taken: Amounts
    deficits: Mapping[int, Deficit]
    after: Position
    frame: SpokeFrame


def liquidate(pair: Pair, request: int, *, receive_shares: bool = False) -> Outcome | Refusal:
    """Result of `liquidationCall` with debtToCover = `request`, checked in the contracts' own order.

    Raises:
        Degraded: the oracle gives no price for a reserve the account uses.
    """
    if request <= 0:
        return Refusal("InvalidDebtToCover", "nothing was offered")
    refusal = no_shares(pair) if receive_shares else None
    if refusal:
        return refusal
    taken = amounts(pair, request)
    if request < taken.pay:
        return Refusal("MustNotLeaveDust", f"only {taken.pay} or less than that leaves no dust")
    try:
        return _execute(pair, taken, receive_shares=receive_shares)
    except Refused as refused:
        return refused.refusal


def _execute(pair: Pair, taken: Amounts, *, receive_shares: bool) -> Outcome:
    collateral = pair.collateral
    removed, seize = collateral.worth(taken.shares), collateral.worth(taken.given)
    frame = pair.frame
    if taken.given and not receive_shares:
        frame = frame.changed(remove(collateral, seize))
    if taken.shares > taken.given:
        frame = frame.changed(transfer_fee(frame.reserve(collateral.reserve.id), taken.shares - taken.given))
    frame, position = _repay(pair, taken, frame)
    held = position.leg(pair.held.reserve)
    position = position.changed(held._replace(supplied=held.supplied - taken.shares))
    deficits: dict[int, Deficit] = {}
    if _is_deficit(pair, taken):
        frame, position, deficits = _write_off(position, frame)
    else:
        frame, position = _update_premium(position, frame)
    return Outcome(taken.pay, seize, removed, taken, deficits, position, frame)


def _repay(pair: Pair, taken: Amounts, frame: SpokeFrame) -> tuple[SpokeFrame, Position]:
    debt = frame.reserve(pair.debt.reserve.id)
    risk_premium = pair.position.risk_premium
    leg = repriced(pair.owing, debt.index, risk_premium, drawn=taken.drawn, premium=taken.premium)
    frame = frame.changed(restore(debt, pair.owing, leg, taken.premium))
    # The collateral may be of the same reserve: that leg has not changed yet.
    return frame, pair.position.changed(leg)


def repriced(leg: Leg, index: int, risk_premium: int, *, drawn: int = 0, premium: int = 0) -> Leg:
    """UserPositionUtils.calculatePremiumDelta applied: `drawn` shares and `premium` (ray) taken off."""
    left = leg.drawn - drawn
    shares = percent_mul_up(left, risk_premium)
    offset = shares * index - (leg.premium(index) - premium)
    return leg._replace(drawn=left, terms=leg.terms._replace(premium_shares=shares, premium_offset=offset))


def _is_deficit(pair: Pair, taken: Amounts) -> bool:
    if taken.shares < pair.held.supplied or pair.account.collaterals > 1:
        return False
    return taken.drawn < pair.owing.drawn or pair.account.borrows > 1


def _write_off(position: Position, frame: SpokeFrame) -> tuple[SpokeFrame, Position, dict[int, Deficit]]:
    deficits = {}
    for leg in [leg for leg in position.legs if leg.drawn]:
        reserve = frame.reserve(leg.reserve)
        premium = leg.premium(reserve.index)
        cleared = repriced(leg, reserve.index, 0, drawn=leg.drawn, premium=premium)
        amount = from_ray_up(leg.debt(reserve.index))
        deficits[leg.reserve] = Deficit(leg.drawn, amount)
        frame = frame.changed(report_deficit(reserve, leg, cleared))
        position = position.changed(cleared)
    return frame, position._replace(risk_premium=0), deficits


def _update_premium(position: Position, frame: SpokeFrame) -> tuple[SpokeFrame, Position]:
    """Spoke._notifyRiskPremiumUpdate with the risk premium of what is left."""
    risk_premium = account_data(position, frame).risk_premium
    if not (risk_premium or position.risk_premium):
        return frame, position
    for leg in [leg for leg in position.legs if leg.drawn]:
        reserve = frame.reserve(leg.reserve)
        fresh = repriced(leg, reserve.index, risk_premium)
        frame = frame.changed(refresh_premium(reserve, leg, fresh))
        position = position.changed(fresh)
    return frame, position._replace(risk_premium=risk_premium)
