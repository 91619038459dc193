"""A hub's asset over time: interest, fees, and what its shares are worth.

Sources: aave.md §6.2; Hub.sol, AssetLogic.sol, SharesMath.sol and Premium.sol of the contracts.
"""

from typing import TypeVar

from keeper.protocols.aave_v4.math import VIRTUAL, div_up, from_ray_up, linear_growth, ray_mul_up
from keeper.protocols.aave_v4.records import Asset, Line
from keeper.types import BPS

Owing = TypeVar("Owing", Asset, Line)


def index_at(asset: Asset, timestamp: int) -> int:
    """Hub.getAssetDrawnIndex (ray): linear since it was stored, and only while something is owed."""
    seconds = timestamp - asset.updated
    if seconds <= 0 or not (asset.drawn_shares or asset.premium_shares):
        return asset.drawn_index
    return ray_mul_up(asset.drawn_index, linear_growth(asset.drawn_rate, seconds))


def premium(shares: int, offset: int, index: int) -> int:
    """Premium debt in ray."""
    return shares * index - offset


def owed(asset: Asset, index: int) -> int:
    """What all spokes owe of the asset and what is missing, token units rounded up."""
    accrued = asset.drawn_shares * index + premium(asset.premium_shares, asset.premium_offset, index)
    return from_ray_up(accrued + asset.deficit)


def accrued(asset: Asset, timestamp: int) -> Asset:
    """AssetLogic.accrue: the asset as the next call in a block of `timestamp` would store it first."""
    index = index_at(asset, timestamp)
    grown = owed(asset, index) - owed(asset, asset.drawn_index) if index != asset.drawn_index else 0
    return asset._replace(
        drawn_index=index,
        realized_fees=asset.realized_fees + grown * asset.liquidity_fee // BPS,
        updated=max(asset.updated, timestamp),
    )


def added_assets(asset: Asset) -> int:
    """Hub.getAddedAssets of an accrued asset: what all added shares are worth, token units."""
    return asset.liquidity + asset.swept + owed(asset, asset.drawn_index) - asset.realized_fees


def worth(asset: Asset, shares: int) -> int:
    """Hub.previewRemoveByShares of an accrued asset: token units, rounded down."""
    return shares * (added_assets(asset) + VIRTUAL) // (asset.added_shares + VIRTUAL)


def cost(asset: Asset, shares: int) -> int:
    """Hub.previewAddByShares: token units, rounded up."""
    return div_up(shares * (added_assets(asset) + VIRTUAL), asset.added_shares + VIRTUAL)


def shares_for(asset: Asset, amount: int) -> int:
    """Hub.previewAddByAssets: shares, rounded down."""
    return amount * (asset.added_shares + VIRTUAL) // (added_assets(asset) + VIRTUAL)


def shares_out(asset: Asset, amount: int) -> int:
    """Hub.previewRemoveByAssets: shares, rounded up."""
    return div_up(amount * (asset.added_shares + VIRTUAL), added_assets(asset) + VIRTUAL)


def owing(old: Owing, shares: int, premium_shares: int, premium_offset: int) -> Owing:
    """The asset, or the spoke's part of it, after its debt changed by that much."""
    return old._replace(
        drawn_shares=old.drawn_shares + shares,
        premium_shares=old.premium_shares + premium_shares,
        premium_offset=old.premium_offset + premium_offset,
    )
