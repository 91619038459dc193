"""Morpho's arithmetic in exact integers.

Source: MathLib.sol, SharesMathLib.sol and the constants of Morpho Blue 1.0.
"""

from keeper.protocols.morpho_blue.records import Totals
from keeper.types import WAD

PRICE_SCALE = 10**36
VIRTUAL_ASSETS = 1
VIRTUAL_SHARES = 10**6

LIQUIDATION_CURSOR = 3 * WAD // 10
MAX_INCENTIVE = 115 * WAD // 100


def down(amount: int, factor: int, divisor: int) -> int:
    """Product over divisor, as mulDivDown."""
    return amount * factor // divisor


def up(amount: int, factor: int, divisor: int) -> int:
    """Product over divisor, as mulDivUp."""
    return (amount * factor + divisor - 1) // divisor


def compounded(rate: int, seconds: int) -> int:
    """wTaylorCompounded: e^(rate*seconds) - 1 to its third term, wad; `rate` wad a second."""
    first = rate * seconds
    second = first * first // (2 * WAD)
    third = second * first // (3 * WAD)
    return first + second + third


def incentive(lltv: int) -> int:
    """Liquidation incentive factor of a market, wad (Morpho.liquidate)."""
    shrunk = WAD - down(LIQUIDATION_CURSOR, WAD - lltv, WAD)
    return min(MAX_INCENTIVE, down(WAD, WAD, shrunk))


def borrowed_down(totals: Totals, shares: int) -> int:
    """Assets of borrow shares, as toAssetsDown."""
    return down(shares, totals.borrow_assets + VIRTUAL_ASSETS, totals.borrow_shares + VIRTUAL_SHARES)


def borrowed_up(totals: Totals, shares: int) -> int:
    """Assets of borrow shares, as toAssetsUp: what repaying them costs."""
    return up(shares, totals.borrow_assets + VIRTUAL_ASSETS, totals.borrow_shares + VIRTUAL_SHARES)


def borrow_shares_down(totals: Totals, assets: int) -> int:
    """Shares of borrowed assets, as toSharesDown: the most shares that `assets` repay."""
    return down(assets, totals.borrow_shares + VIRTUAL_SHARES, totals.borrow_assets + VIRTUAL_ASSETS)


def borrow_shares_up(totals: Totals, assets: int) -> int:
    """Shares of borrowed assets, as toSharesUp."""
    return up(assets, totals.borrow_shares + VIRTUAL_SHARES, totals.borrow_assets + VIRTUAL_ASSETS)


def supplied_down(totals: Totals, shares: int) -> int:
    """Assets of supply shares, as toAssetsDown: what they can be withdrawn for."""
    return down(shares, totals.supply_assets + VIRTUAL_ASSETS, totals.supply_shares + VIRTUAL_SHARES)


def supply_shares_down(supply_assets: int, supply_shares: int, assets: int) -> int:
    """Shares of supplied assets, as toSharesDown."""
    return down(assets, supply_shares + VIRTUAL_SHARES, supply_assets + VIRTUAL_ASSETS)


def accrued(totals: Totals, rate: int, timestamp: int) -> Totals:
    """The market as `_accrueInterest` leaves it at `timestamp`, at an average `rate` (wad a second)."""
    elapsed = timestamp - totals.updated
    if elapsed <= 0:
        return totals
    interest = down(totals.borrow_assets, compounded(rate, elapsed), WAD)
    supply_assets = totals.supply_assets + interest
    fee_assets = down(interest, totals.fee, WAD)
    fee_shares = (
        supply_shares_down(supply_assets - fee_assets, totals.supply_shares, fee_assets) if totals.fee else 0
    )
    return totals._replace(
        supply_assets=supply_assets,
        supply_shares=totals.supply_shares + fee_shares,
        borrow_assets=totals.borrow_assets + interest,
        updated=timestamp,
    )
