"""Aave's integer arithmetic, with the rounding of each contract function in its name.

Sources, in @aave-dao/aave-v3-origin `src/contracts/protocol/libraries/math`: WadRayMath.sol
(ray_*, wad_div), PercentageMath.sol (percent_*), MathUtils.sol (mul_div_ceil, *_interest).
Rays have 27 decimals, wads 18, percentages are basis points (10,000 = 100 %). All operands are
non-negative; where the contracts would overflow and revert, these return the true integer.
"""

from keeper.types import BPS, RAY, WAD

YEAR = 365 * 86_400
"""MathUtils.SECONDS_PER_YEAR."""

_HALF_RAY = RAY // 2
_HALF_BPS = BPS // 2


def ray_mul(a: int, b: int) -> int:
    """WadRayMath.rayMul: a*b/RAY, half up."""
    return (a * b + _HALF_RAY) // RAY


def ray_mul_floor(a: int, b: int) -> int:
    """WadRayMath.rayMulFloor."""
    return a * b // RAY


def ray_mul_ceil(a: int, b: int) -> int:
    """WadRayMath.rayMulCeil."""
    return -(-a * b // RAY)


def ray_div(a: int, b: int) -> int:
    """WadRayMath.rayDiv: a*RAY/b, half up."""
    return (a * RAY + b // 2) // b


def ray_div_floor(a: int, b: int) -> int:
    """WadRayMath.rayDivFloor: a*RAY/b."""
    return a * RAY // b


def ray_div_ceil(a: int, b: int) -> int:
    """WadRayMath.rayDivCeil."""
    return -(-a * RAY // b)


def wad_div(a: int, b: int) -> int:
    """WadRayMath.wadDiv: a*WAD/b, half up."""
    return (a * WAD + b // 2) // b


def percent_mul(value: int, percentage: int) -> int:
    """PercentageMath.percentMul: half up."""
    return (value * percentage + _HALF_BPS) // BPS


def percent_mul_floor(value: int, percentage: int) -> int:
    """PercentageMath.percentMulFloor."""
    return value * percentage // BPS


def percent_mul_ceil(value: int, percentage: int) -> int:
    """PercentageMath.percentMulCeil."""
    return -(-value * percentage // BPS)


def percent_div(value: int, percentage: int) -> int:
    """PercentageMath.percentDiv: value*10000/percentage, half up."""
    return (value * BPS + percentage // 2) // percentage


def percent_div_floor(value: int, percentage: int) -> int:
    """PercentageMath.percentDivFloor."""
    return value * BPS // percentage


def percent_div_ceil(value: int, percentage: int) -> int:
    """PercentageMath.percentDivCeil."""
    return -(-value * BPS // percentage)


def mul_div(a: int, b: int, c: int) -> int:
    """a*b/c, rounded down as Solidity does."""
    return a * b // c


def mul_div_ceil(a: int, b: int, c: int) -> int:
    """MathUtils.mulDivCeil: a*b/c, rounded up."""
    return -(-a * b // c)


def linear_interest(rate: int, seconds: int) -> int:
    """MathUtils.calculateLinearInterest: growth factor (ray) of a supply at yearly `rate` (ray)."""
    return RAY + rate * seconds // YEAR


def compound_interest_v3_0(rate: int, seconds: int) -> int:
    """MathUtils.calculateCompoundedInterest of v3.0 to v3.3: the binomial series to its third term."""
    if seconds == 0:
        return RAY
    second = ray_mul(rate, rate) // (YEAR * YEAR)
    third = ray_mul(second, rate) // YEAR
    before, two_before = seconds - 1, max(seconds - 2, 0)
    return (
        RAY
        + rate * seconds // YEAR
        + seconds * before * second // 2
        + seconds * before * two_before * third // 6
    )


def compound_interest_v3_4(rate: int, seconds: int) -> int:
    """MathUtils.calculateCompoundedInterest since v3.4: 1 + x + x²/2 + x³/6 in rays, nested."""
    x = rate * seconds // YEAR
    return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))
