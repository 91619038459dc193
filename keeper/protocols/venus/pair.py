"""One debt and one collateral of an account: may they be liquidated, and from what amounts.

Source: PolicyFacet.liquidateBorrowAllowed and Liquidator.liquidateBorrow of Venus, Comptroller and CToken of
Compound v2, in their order. Refusals carry the contracts' own names of errors.
"""

from typing import NamedTuple

from keeper.protocols.base import Refusal
from keeper.protocols.venus.frame import MarketFrame, VenusFrame
from keeper.protocols.venus.liquidity import is_free, liquidity
from keeper.protocols.venus.position import Position, vai_debt
from keeper.protocols.venus.records import Action
from keeper.types import WAD, ZERO_ADDRESS, Address


class Pair(NamedTuple):
    """All that stays the same whatever is repaid.

    `owed` and `most` (what one call may repay) in token units, `balance` in vTokens. `free`: no shortfall is
    needed. `incentive` in wad.
    """

    frame: VenusFrame
    position: Position
    debt: MarketFrame
    collateral: MarketFrame
    owed: int
    most: int
    balance: int
    incentive: int
    free: bool


def examine(
    position: Position, debt: int, collateral: int, frame: VenusFrame, liquidator: Address | None = None
) -> Pair | Refusal:
    """Validate a pair of market numbers as far as the repaid amount makes no difference."""
    owing, taken = frame.markets[debt], frame.markets[collateral]
    touched = frozenset({debt, collateral})
    free = is_free(position, debt, frame)
    refusal = (
        _stuck(owing, taken)
        or _by_liquidator(position, frame, liquidator, free=free)
        or _paused(owing, frame)
        or _unlisted(owing, taken)
        or _no_shortfall(position, touched, frame, free=free)
    )
    if refusal:
        return refusal
    balance = position.balance(debt, touched, frame)
    return Pair(
        frame,
        position,
        owing,
        taken,
        balance,
        balance if free else frame.close_factor * balance // WAD,
        position.tokens.get(collateral, 0),
        frame.weights(position.pool).limits[collateral].incentive,
        free,
    )


def _stuck(debt: MarketFrame, collateral: MarketFrame) -> Refusal | None:
    if debt.stuck or collateral.stuck:
        return Refusal("borrow rate is absurdly high", "one of the two markets cannot accrue interest")
    return None


def _by_liquidator(
    position: Position, frame: VenusFrame, liquidator: Address | None, *, free: bool
) -> Refusal | None:
    """What the Liquidator contract itself refuses, where liquidations go through it."""
    if frame.contracts.liquidator == ZERO_ADDRESS:
        return None
    account = position.account
    if account in frame.restricted and (liquidator is None or (account, liquidator) not in frame.allowed):
        return Refusal("LiquidationNotAllowed", "only chosen liquidators may liquidate this account")
    split, owed = frame.split, vai_debt(position, frame, accrued=True)
    if split.vai_first and not frame.vai_paused and not free and owed >= split.vai_minimum:
        return Refusal("VAIDebtTooHigh", f"the account owes {owed} VAI, which goes first")
    return None


def _paused(debt: MarketFrame, frame: VenusFrame) -> Refusal | None:
    if frame.paused:
        return Refusal("protocol is paused", "the whole protocol is paused")
    if Action.LIQUIDATE in debt.paused:
        return Refusal("action is paused", "liquidations of this debt are paused")
    return None


def _unlisted(debt: MarketFrame, collateral: MarketFrame) -> Refusal | None:
    if not (debt.listed and collateral.listed):
        return Refusal("market not listed", "one of the two markets is not listed")
    return None


def _no_shortfall(
    position: Position, touched: frozenset[int], frame: VenusFrame, *, free: bool
) -> Refusal | None:
    if free:
        return None
    sums = liquidity(position, touched, frame)
    if sums is None:
        return Refusal("PRICE_ERROR", "the oracle has no price for a market of the account")
    if sums.shortfall <= 0:
        return Refusal("INSUFFICIENT_SHORTFALL", f"the account has {-sums.shortfall} to spare")
    return None
