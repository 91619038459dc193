"""Rounding of every primitive, by its definition, and interest by hand-computed values."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, comb, floor

import pytest

from keeper.protocols.aave_v3 import math
from keeper.types import BPS, RAY, WAD

CASES = [(0, 1), (1, 1), (7, 3), (RAY, RAY + 1), (10**30 + 1, 1_234_567), (5, 2), (10_500, 9_999)]


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@pytest.mark.parametrize(("a", "b"), CASES)
def test_products__any_operands__round_as_their_names_say(a: int, b: int) -> None:
    product = Fraction(a * b, RAY)
    assert math.ray_mul(a, b) == half_up(product)
    assert math.ray_mul_floor(a, b) == floor(product)
    assert math.ray_mul_ceil(a, b) == ceil(product)
    share = Fraction(a * b, BPS)
    assert math.percent_mul(a, b) == half_up(share)
    assert math.percent_mul_floor(a, b) == floor(share)
    assert math.percent_mul_ceil(a, b) == ceil(share)
    assert math.mul_div(a, b, 7) == floor(Fraction(a * b, 7))
    assert math.mul_div_ceil(a, b, 7) == ceil(Fraction(a * b, 7))


@pytest.mark.parametrize(("a", "b"), CASES)
def test_quotients__any_operands__round_as_their_names_say(a: int, b: int) -> None:
    assert math.ray_div(a, b) == floor(Fraction(a * RAY + b // 2, b))
    assert math.ray_div_floor(a, b) == floor(Fraction(a * RAY, b))
    assert math.ray_div_ceil(a, b) == ceil(Fraction(a * RAY, b))
    # Half of an odd divisor is cut off before it is added, as in the contracts.
    assert math.wad_div(a, b) == floor(Fraction(a * WAD + b // 2, b))
    assert math.percent_div(a, b) == floor(Fraction(a * BPS + b // 2, b))
    assert math.percent_div_floor(a, b) == floor(Fraction(a * BPS, b))
    assert math.percent_div_ceil(a, b) == ceil(Fraction(a * BPS, b))


def test_linear_interest__a_year_at_five_percent__grows_by_five_percent() -> None:
    assert math.linear_interest(RAY // 20, math.YEAR) == RAY + RAY // 20


@pytest.mark.parametrize("interest", [math.compound_interest_v3_0, math.compound_interest_v3_4])
def test_compound_interest__no_time__is_one(interest: Callable[[int, int], int]) -> None:
    assert interest(RAY, 0) == RAY


def test_compound_interest__since_v3_4_a_year_at_hundred_percent__is_the_third_order_series() -> None:
    # 1 + 1 + 1/2 + 1/6; rayMul(x, x/6) is exact for x = RAY.
    assert math.compound_interest_v3_4(RAY, math.YEAR) == 2 * RAY + RAY // 2 + RAY // 6


@pytest.mark.parametrize(("seconds", "terms"), [(1, 1), (2, 2), (3, 3), (86_400, 3)])
def test_compound_interest__up_to_v3_3__is_the_binomial_series_cut_as_the_contract_cuts_it(
    seconds: int, terms: int
) -> None:
    rate = RAY // 3
    second = half_up(Fraction(rate * rate, RAY)) // math.YEAR**2
    third = half_up(Fraction(second * rate, RAY)) // math.YEAR
    series = [rate * seconds // math.YEAR, comb(seconds, 2) * second, comb(seconds, 3) * third]
    assert math.compound_interest_v3_0(rate, seconds) == RAY + sum(series[:terms])
