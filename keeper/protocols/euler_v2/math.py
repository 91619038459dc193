"""The arithmetic of a vault, integer by integer (EVK: Cache.sol, RPow.sol, LTVConfig.sol, Shares.sol)."""

from keeper.protocols.euler_v2.names import (
    MAX_AMOUNT,
    MAX_OWED,
    OWED_UNIT,
    SCALE,
    SHIFT,
    VIRTUAL_DEPOSIT,
)
from keeper.protocols.euler_v2.records import Ltv, Status
from keeper.types import MAX_UINT256, RAY

_HALF_RAY = RAY // 2


def rpow(base: int, exponent: int) -> int | None:
    """`base` (ray) to the power of `exponent`, each product rounded half up; None where it overflows."""
    power = base if exponent & 1 else RAY
    exponent >>= 1
    while exponent:
        if base >> 128:
            return None
        base = (base * base + _HALF_RAY) // RAY
        if exponent & 1:
            product = power * base + _HALF_RAY
            if product > MAX_UINT256:
                return None
            power = product // RAY
        exponent >>= 1
    return power


def accrue(status: Status, interest_fee: int, timestamp: int) -> Status:
    """The vault's storage after an operation at `timestamp`: Cache.initVaultCache.

    Fee shares are minted at the price after interest. Overflowing interest is not charged.
    """
    seconds = timestamp - status.updated
    if seconds <= 0:
        return status
    accumulator = _grown(status, seconds)
    borrows = status.borrows * accumulator
    borrows = borrows // status.accumulator if borrows <= MAX_UINT256 else status.borrows
    if borrows > MAX_OWED:
        return status
    fee_assets = (borrows - status.borrows) * interest_fee // (SCALE << SHIFT)
    shares = status.shares
    if fee_assets:
        total = status.cash + assets_up(borrows)
        shares = total * shares // (total - fee_assets)
    minted = shares - status.shares if shares <= MAX_AMOUNT else 0
    return status._replace(
        updated=timestamp,
        shares=status.shares + minted,
        fees=status.fees + minted,
        borrows=borrows,
        accumulator=accumulator,
    )


def _grown(status: Status, seconds: int) -> int:
    multiplier = rpow(status.rate + RAY, seconds)
    if multiplier is None or status.accumulator * multiplier > MAX_UINT256:
        return status.accumulator
    return status.accumulator * multiplier // RAY


def assets_up(owed: int) -> int:
    """2^-31 assets to assets, rounded up."""
    return -(-owed >> SHIFT)


def owed_now(owed: int, accumulator: int, since: int) -> int:
    """An account's debt with interest, 2^-31 assets; `since` is the accumulator it was written at."""
    return owed * accumulator // since if owed else 0


def is_dust(owed: int) -> bool:
    """Whether a debt (2^-31 assets) is less than one asset unit."""
    return owed < OWED_UNIT


def total_assets(status: Status) -> int:
    """Cash and what borrowers owe, asset units."""
    return status.cash + assets_up(status.borrows)


def to_assets(status: Status, shares: int) -> int:
    """What shares are worth in an accrued vault, rounded down."""
    return shares * (total_assets(status) + VIRTUAL_DEPOSIT) // (status.shares + VIRTUAL_DEPOSIT)


def to_shares(status: Status, assets: int) -> int:
    """The shares that assets are worth in an accrued vault, rounded down."""
    return assets * (status.shares + VIRTUAL_DEPOSIT) // (total_assets(status) + VIRTUAL_DEPOSIT)


def liquidation_ltv(ltv: Ltv, timestamp: int) -> int:
    """The LTV (of 1e4) at which a collateral counts for liquidation, on its way down a ramp."""
    if timestamp >= ltv.target or ltv.liquidation >= ltv.initial:
        return ltv.liquidation
    return ltv.liquidation + (ltv.initial - ltv.liquidation) * (ltv.target - timestamp) // ltv.ramp
