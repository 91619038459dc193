"""One debt and one collateral of an account: may they be liquidated, and from what amounts.

Source: ValidationLogic.validateLiquidationCall and the first half of
LiquidationLogic.executeLiquidationCall. Refusals carry the name of the contract's own error as of v3.4.
"""

from dataclasses import replace
from typing import NamedTuple

from keeper.protocols.aave_v3.close_factor import DEEP
from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.model import AaveFrame, Pair, ReserveFrame
from keeper.protocols.aave_v3.position import AccountData, Position
from keeper.protocols.base import Refusal
from keeper.types import WAD, Address


def examine(position: Position, debt: int, collateral: int, frame: AaveFrame) -> Pair | Refusal:
    """Validate a pair of reserve ids as the pool does, in its order.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses; the pool reverts too.
    """
    rules, limits = frame.rules, frame.limits_of(position.category)
    owing, taken = frame.reserves[debt], frame.reserves[collateral]
    if owing is None or taken is None:
        return Refusal("ReserveInactive", "one of the two assets is no longer listed")
    owing, taken = _priced(owing, limits.debt_price), _priced(taken, limits.numbers[collateral][2])
    account = rules.account_data(position, frame)
    scaled, enabled = position.collateral(collateral)
    variable = rules.v_balance(position.debt(debt), owing.debt_index)
    loan = position.loan(debt)
    owed = variable + (balance(loan, frame) if loan else 0)
    refusal = (
        _unknown(owing, frame)
        or _forbidden(owing, taken, account, frame)
        or _absent(owing, owed, taken, enabled=enabled and limits.counts[collateral])
    )
    if refusal:
        return refusal
    if limits.bonus[collateral] == 0:
        return Refusal("NoLiquidationBonus", "the asset is no collateral by itself and not in the eMode")
    held = rules.a_balance(scaled, taken.income)
    owed_value = rules.debt_value(owed, owing.price, owing.unit)
    return Pair(
        rules=rules,
        position=position,
        timestamp=frame.timestamp,
        debt=owing,
        collateral=taken,
        owed=owed,
        variable=variable,
        balance=held,
        scaled_balance=scaled,
        most=rules.close_factor(owing, owed, owed_value, held * taken.price // taken.unit, account),
        bonus=limits.bonus[collateral],
        value=account.collateral,
        others=_other_debts(position, debt, frame),
    )


REMEMBERED = 1024
"""Pairs that an examiner keeps."""


class Examined(NamedTuple):
    """What was examined, and what came of it."""

    position: Position
    frame: AaveFrame
    pair: Pair | Refusal


class Examiner:
    """Examines each pair of a frame once: planning asks for many repay amounts of the same few pairs."""

    def __init__(self) -> None:
        self._known: dict[tuple[Address, int, int, int], Examined] = {}

    def __call__(self, position: Position, debt: int, collateral: int, frame: AaveFrame) -> Pair | Refusal:
        """As `examine`."""
        key = position.account, debt, collateral, frame.timestamp
        known = self._known.get(key)
        if known is None or known.frame is not frame or known.position != position:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = Examined(position, frame, examine(position, debt, collateral, frame))
            self._known[key] = known
        return known.pair


def _priced(reserve: ReserveFrame, price: int) -> ReserveFrame:
    """The reserve at `price` where there is one: an eMode category may have its own (up to v3.1)."""
    return replace(reserve, price=price) if price not in (0, reserve.price) else reserve


def _unknown(debt: ReserveFrame, frame: AaveFrame) -> Refusal | None:
    if not frame.rules.computed:
        return Refusal("UnknownRelease", "how this release of the pool liquidates is not known")
    if debt.discounted:
        return Refusal("DiscountedDebt", "this debt token gives discounts that its events do not tell")
    return None


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


def _other_debts(position: Position, debt: int, frame: AaveFrame) -> dict[int, int]:
    """What LiquidationLogic._burnBadDebt would write off besides the pair's own debt."""
    owed = {}
    for number, side, scaled, _ in position.legs:
        reserve = frame.reserves[number]
        if side and number != debt and reserve and reserve.configuration.active:
            owed[number] = frame.rules.v_balance(scaled, reserve.debt_index)
    return owed
