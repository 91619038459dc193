"""What a PreLiquidation contract allows: liquidations of healthy positions whose owners agreed to it.

Source: PreLiquidation.sol of morpho-org/pre-liquidation.
"""

from typing import NamedTuple

from keeper.protocols.morpho_blue.frame import MarketFrame, PreFrame
from keeper.protocols.morpho_blue.math import PRICE_SCALE, borrowed_up, down, up
from keeper.types import WAD, Address


class Allowance(NamedTuple):
    """An open pre-liquidation: its own price and incentive (wad), and the most shares that may be repaid."""

    contract: Address
    price: int
    incentive: int
    most_shares: int


def allowance(pre: PreFrame, market: MarketFrame, borrow_shares: int, collateral: int) -> Allowance | None:
    """None where the contract refuses: the debt is not above preLltv, or above Morpho's own limit."""
    value = down(collateral, pre.price, PRICE_SCALE)
    owed = borrowed_up(market.totals, borrow_shares)
    terms, lltv = pre.terms, market.terms.lltv
    if not down(value, terms.lltv, WAD) < owed <= down(value, lltv, WAD):
        return None
    reached = down(up(owed, WAD, value) - terms.lltv, WAD, lltv - terms.lltv)
    factor = down(reached, terms.incentive_2 - terms.incentive_1, WAD) + terms.incentive_1
    close = down(reached, terms.close_factor_2 - terms.close_factor_1, WAD) + terms.close_factor_1
    return Allowance(pre.contract, pre.price, factor, min(down(borrow_shares, close, WAD), borrow_shares))
