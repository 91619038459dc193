"""Aave v4's integer arithmetic, with the rounding in each name.

Sources: aave.md §6.2, which restates libraries/math and SharesMath of the contracts. Rays have 27
decimals, percentages are basis points (10,000 = 100 %). Operands are non-negative; where the contracts
would overflow and revert, these return the true integer.
"""

from keeper.types import BPS, RAY

YEAR = 365 * 86_400
"""Seconds of a year, as rates count it."""

VIRTUAL = 10**6
"""Assets and shares of every hub asset besides the real ones: nobody can move the rate of an empty one."""


def div_up(a: int, b: int) -> int:
    """a/b, rounded up."""
    return -(-a // b)


def from_ray_up(a: int) -> int:
    """Whole units of a ray-scaled amount, rounded up."""
    return -(-a // RAY)


def ray_mul_up(a: int, b: int) -> int:
    """a*b/RAY, rounded up."""
    return -(-a * b // RAY)


def percent_mul_up(value: int, percentage: int) -> int:
    """value*percentage/10000, rounded up."""
    return -(-value * percentage // BPS)


def linear_growth(rate: int, seconds: int) -> int:
    """Growth factor (ray) of a drawn index at yearly `rate` (ray) since it was stored."""
    return RAY + rate * seconds // YEAR
