"""The one formula of Aave v2 that v3 changed; the rest is in keeper.protocols.aave_v3.math."""

from keeper.protocols.aave_v3.math import YEAR, ray_mul
from keeper.types import RAY


def compound_interest(rate: int, seconds: int) -> int:
    """MathUtils.calculateCompoundedInterest: the binomial series to its third term.

    The yearly rate (ray) is cut to one a second first, unlike in v3.
    """
    if seconds == 0:
        return RAY
    per_second = rate // YEAR
    second = ray_mul(per_second, per_second)
    third = ray_mul(second, per_second)
    before, two_before = seconds - 1, max(seconds - 2, 0)
    return (
        RAY
        + per_second * seconds
        + seconds * before * second // 2
        + seconds * before * two_before * third // 6
    )
