"""The adaptive curve: what AdaptiveCurveIrm charges, in exact integers.

Source: AdaptiveCurveIrm.sol and ExpLib.sol of morpho-blue-irm. Its integers are signed and Solidity
divides them towards zero, which Python's `//` does not.
"""

from typing import NamedTuple

from keeper.types import WAD

YEAR = 365 * 86_400
STEEPNESS = 4 * WAD
ADJUSTMENT_SPEED = 50 * WAD // YEAR
TARGET_UTILIZATION = 9 * WAD // 10
INITIAL_RATE = 4 * WAD // 100 // YEAR
MIN_RATE = WAD // 1000 // YEAR
MAX_RATE = 2 * WAD // YEAR

LN_2 = 693_147_180_559_945_309
LN_WEI = -41_446_531_673_892_822_312
EXP_UPPER = 93_859_467_695_000_404_319
EXP_AT_UPPER = 57_716_089_161_558_943_949_701_069_502_944_508_345_128_422_502_756_744_429_568


class Rates(NamedTuple):
    """What the model answers, wad a second: the average over the time passed, and its state after it."""

    average: int
    at_target: int


def towards_zero(dividend: int, divisor: int) -> int:
    """Solidity's signed division."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def exp(exponent: int) -> int:
    """ExpLib.wExp: e^exponent, both wad."""
    if exponent < LN_WEI:
        return 0
    if exponent >= EXP_UPPER:
        return EXP_AT_UPPER
    half = -(LN_2 // 2) if exponent < 0 else LN_2 // 2
    power = towards_zero(exponent + half, LN_2)
    rest = exponent - power * LN_2
    result = WAD + rest + towards_zero(towards_zero(rest * rest, WAD), 2)
    return result << power if power >= 0 else result >> -power


def rates(supply_assets: int, borrow_assets: int, at_target: int, elapsed: int) -> Rates:
    """AdaptiveCurveIrm._borrowRate for totals before accrual and the state `at_target` (0: none yet)."""
    utilization = borrow_assets * WAD // supply_assets if supply_assets else 0
    norm = WAD - TARGET_UTILIZATION if utilization > TARGET_UTILIZATION else TARGET_UTILIZATION
    error = towards_zero((utilization - TARGET_UTILIZATION) * WAD, norm)
    if at_target == 0:
        average = end = INITIAL_RATE
    else:
        average, end = _adapted(at_target, error, elapsed)
    factor = WAD - WAD * WAD // STEEPNESS if error < 0 else STEEPNESS - WAD
    steep = towards_zero(factor * error, WAD) + WAD
    return Rates(towards_zero(steep * average, WAD), end)


def _adapted(at_target: int, error: int, elapsed: int) -> tuple[int, int]:
    """Average (by the trapezoidal rule with one middle point) and end of the rate at target."""
    linear = towards_zero(ADJUSTMENT_SPEED * error, WAD) * elapsed
    if linear == 0:
        return at_target, at_target
    end = _moved(at_target, linear)
    middle = _moved(at_target, towards_zero(linear, 2))
    return towards_zero(at_target + end + 2 * middle, 4), end


def _moved(at_target: int, linear: int) -> int:
    return min(max(towards_zero(at_target * exp(linear), WAD), MIN_RATE), MAX_RATE)
