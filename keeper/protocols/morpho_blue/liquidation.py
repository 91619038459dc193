"""What a liquidation does, in exact integers, by collateral or by shares.

Source: Morpho.liquidate. Refusals carry Morpho's own words, or the panic Solidity raises.
"""

from typing import NamedTuple

from keeper.protocols.base import Refusal
from keeper.protocols.morpho_blue.frame import MarketFrame
from keeper.protocols.morpho_blue.math import (
    PRICE_SCALE,
    borrow_shares_up,
    borrowed_down,
    borrowed_up,
    down,
    up,
)
from keeper.protocols.morpho_blue.position import Position, is_healthy
from keeper.types import WAD

UNDERFLOW = "Panic(17)"
DIVISION_BY_ZERO = "Panic(18)"
MAX_UINT128 = 2**128 - 1


class Outcome(NamedTuple):
    """What Liquidate would say, and the market's state after it: all in token units and shares."""

    repaid: int
    repaid_shares: int
    seized: int
    bad_debt: int
    bad_debt_shares: int


def shares_for(seized: int, price: int, incentive: int, market: MarketFrame) -> int:
    """Borrow shares that taking `seized` collateral repays."""
    return borrow_shares_up(market.totals, up(up(seized, price, PRICE_SCALE), WAD, incentive))


def seized_for(shares: int, price: int, incentive: int, market: MarketFrame) -> int:
    """Collateral that repaying `shares` takes; the price must not be 0."""
    return down(down(borrowed_down(market.totals, shares), incentive, WAD), PRICE_SCALE, price)


def liquidate(position: Position, market: MarketFrame, seized: int, shares: int) -> Outcome | Refusal:
    """`liquidate` with seizedAssets = `seized` or repaidShares = `shares`, the other 0.

    Raises:
        Degraded: the oracle's price makes Morpho overflow.
    """
    if (seized == 0) == (shares == 0):
        return Refusal("inconsistent input", "either collateral to seize or shares to repay must be given")
    if is_healthy(position, market):
        return Refusal("position is healthy", "what is owed is not above what the collateral allows")
    if seized:
        shares = shares_for(seized, market.price, market.incentive, market)
    elif market.price == 0:
        return Refusal(DIVISION_BY_ZERO, "at a price of 0 only collateral to seize can be given")
    else:
        seized = seized_for(shares, market.price, market.incentive, market)
    return _refused(position, seized, shares) or _carried_out(position, market, seized, shares)


def _refused(position: Position, seized: int, shares: int) -> Refusal | None:
    """In the order in which Morpho casts and subtracts."""
    owed, held = position.borrow_shares, position.collateral
    if shares > MAX_UINT128:
        return Refusal("max uint128 exceeded", "more shares than there can be")
    if shares > owed:
        return Refusal(UNDERFLOW, f"{shares} shares would be repaid, {owed} are owed")
    if seized > MAX_UINT128:
        return Refusal("max uint128 exceeded", "more collateral than there can be")
    if seized > held:
        return Refusal(UNDERFLOW, f"{seized} collateral would be seized, there is {held}")
    return None


def _carried_out(position: Position, market: MarketFrame, seized: int, shares: int) -> Outcome:
    repaid = borrowed_up(market.totals, shares)
    after = market.totals._replace(
        borrow_assets=max(market.totals.borrow_assets - repaid, 0),
        borrow_shares=market.totals.borrow_shares - shares,
    )
    left = position.borrow_shares - shares if seized == position.collateral else 0
    bad_debt = min(after.borrow_assets, borrowed_up(after, left))
    return Outcome(repaid, shares, seized, bad_debt, left)
