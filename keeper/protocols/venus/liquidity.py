"""Account health exactly as the comptroller computes it.

Source: ComptrollerLens._calculateAccountPosition; Comptroller.getHypotheticalAccountLiquidityInternal.
"""

from collections.abc import Iterator
from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import AssetInfo, Health, Holding, Side
from keeper.protocols.venus.frame import MarketFrame, VenusFrame
from keeper.protocols.venus.position import Position, vai_debt
from keeper.protocols.venus.records import CORE, Action
from keeper.types import MAX_UINT256, WAD

NOTHING: frozenset[int] = frozenset()

_TO_USD = 10**10
"""The comptroller's values have 18 decimals, dollars here have 8."""


class Sums(NamedTuple):
    """sumCollateral and sumBorrowPlusEffects, USD with 18 decimals."""

    collateral: int
    debt: int

    @property
    def shortfall(self) -> int:
        """What is missing; below zero: what is left."""
        return self.debt - self.collateral


def liquidity(position: Position, touched: frozenset[int], frame: VenusFrame) -> Sums | None:
    """The comptroller's two sums once `touched` are accrued, None where it says PRICE_ERROR."""
    weights = frame.weights(position.pool)
    collateral = debt = 0
    for number in position.entered:
        market = frame.markets[number]
        if not market.listed:
            continue
        tokens = position.tokens.get(number, 0)
        balance = position.balance(number, touched, frame)
        if not market.price and (tokens or balance or frame.rules.prices_of_empty_markets):
            return None
        if not (tokens or balance):
            continue
        fresh = number in touched or number in position.accrued
        weight = (weights.accrued if fresh else weights.stored)[number]
        collateral += weight * tokens // WAD
        debt += market.price * balance // WAD
    return Sums(collateral, debt + vai_debt(position, frame))


def worst(position: Position, frame: VenusFrame) -> Sums | None:
    """The sums that the liquidation sees which finds most missing, None where a price is missing."""
    found = [liquidity(position, touched, frame) for touched in _pairs(position)]
    known = [sums for sums in found if sums is not None]
    return max(known, key=lambda sums: sums.shortfall) if len(known) == len(found) else None


def _pairs(position: Position) -> Iterator[frozenset[int]]:
    """The markets each possible liquidation accrues; none where nothing can be seized or repaid."""
    pairs = {frozenset({debt, held}) for debt in position.loans for held in position.tokens}
    yield from pairs or {frozenset({debt}) for debt in position.loans} or {NOTHING}


def is_free(position: Position, number: int, frame: VenusFrame) -> bool:
    """Whether debt in a market may be liquidated whole and without any shortfall."""
    market = frame.markets[number]
    if market.forced or (number, position.account) in frame.forced_accounts:
        return True
    return frame.rules.deprecation and _is_deprecated(market, frame)


def _is_deprecated(market: MarketFrame, frame: VenusFrame) -> bool:
    """Comptroller.isDeprecated of Compound v2; a core limit, pools do not exist there."""
    factor = frame.pools[CORE].limits[market.number].factor
    return factor == 0 and Action.BORROW in market.paused and market.stored.state.reserve_factor == WAD


def health(position: Position, frame: VenusFrame) -> Health:
    """An account's health. Collateral and debt are in USD with 8 decimals, and as stored.

    The details are the comptroller's own integers, USD with 18 decimals: what counts of the collateral,
    liquidity and shortfall as in getAccountLiquidity, which goes by what is stored. The health factor
    (counting collateral / debt, the comptroller has none) is that of the liquidation that finds most
    missing, after the accrual it brings about, so it is below one exactly where one is allowed.

    Raises:
        Degraded: the oracle gives no price for a market the account uses; the comptroller refuses too.
    """
    stored, seen = liquidity(position, NOTHING, frame), worst(position, frame)
    if stored is None or seen is None:
        raise Degraded(f"{position.account} cannot be judged: the oracle has no price for what it uses")
    free = any(is_free(position, number, frame) for number in position.loans)
    return Health(
        position.account,
        _total(position, frame) // _TO_USD,
        stored.debt // _TO_USD,
        seen.collateral * WAD // seen.debt if seen.debt else MAX_UINT256,
        seen.shortfall > 0 or free,
        {
            "weighted_collateral": stored.collateral,
            "liquidity": max(-stored.shortfall, 0),
            "shortfall": max(stored.shortfall, 0),
            "vai_debt": vai_debt(position, frame),
        },
    )


def _total(position: Position, frame: VenusFrame) -> int:
    """Worth of all the collateral, USD with 18 decimals."""
    total = 0
    for number in position.entered & position.tokens.keys():
        market = frame.markets[number]
        if market.listed:
            total += position.tokens[number] * market.stored.rate // WAD * market.price // WAD
    return total


def holding(info: AssetInfo, position: Position, side: Side, frame: VenusFrame) -> Holding:
    """One leg in underlying units with interest up to the frame's block."""
    number = info.asset
    view, price = frame.markets[number].accrued, frame.markets[number].price
    if side is Side.DEBT:
        amount, enabled = position.balance(number, frozenset({number}), frame), True
    else:
        amount = position.tokens.get(number, 0) * view.rate // WAD
        enabled = number in position.entered
    value = amount * price // WAD // _TO_USD if price else None
    return Holding(info, side, amount, value, enabled)
