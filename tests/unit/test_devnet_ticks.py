"""Prices as Q64.96 square roots, tick ranges, and deposits worth a given value."""

import pytest

from keeper.devnet.exchange.ticks import (
    TICK_SPACING,
    PricedToken,
    amounts_for_value,
    fee_band,
    sort_tokens,
    sqrt_price,
    ticks_around,
)
from keeper.types import USD, Address

WETH = PricedToken(Address("0x" + "11" * 20), 18, 2500 * USD)
USDC = PricedToken(Address("0x" + "22" * 20), 6, 1 * USD)
Q96 = 2**96


def test_sort_tokens__either_order__puts_the_lower_address_first() -> None:
    assert sort_tokens(USDC, WETH) == sort_tokens(WETH, USDC) == (WETH, USDC)


def test_sqrt_price__weth_in_usdc__squares_to_the_raw_price() -> None:
    root = sqrt_price(WETH, USDC)
    # 2500e6 raw USDC for 1e18 raw WETH; the root is rounded down.
    exact = 2500 * 10**6 * 2**192 // 10**18
    assert root**2 <= exact < (root + 1) ** 2


def test_sqrt_price__equal_tokens__is_one() -> None:
    assert sqrt_price(WETH, WETH) == Q96


def test_fee_band__width__is_the_share_of_the_price_on_both_sides() -> None:
    low, high = fee_band(WETH, USDC, 3000)
    target = sqrt_price(WETH, USDC)
    assert low < target < high
    assert (high / target) ** 2 == pytest.approx(1.003)
    assert (target / low) ** 2 == pytest.approx(1.003, rel=1e-5)


@pytest.mark.parametrize("fee", TICK_SPACING)
def test_ticks_around__a_reach__spans_it_in_multiples_of_the_spacing(fee: int) -> None:
    ticks = ticks_around(Q96, fee, 10)
    assert ticks.lower % TICK_SPACING[fee] == ticks.upper % TICK_SPACING[fee] == 0
    assert 1.10 <= 1.0001**ticks.upper < 1.10 * 1.0001 ** (2 * TICK_SPACING[fee])
    assert 1.10 <= 1.0001**-ticks.lower < 1.10 * 1.0001 ** (2 * TICK_SPACING[fee])


@pytest.mark.parametrize("fee", TICK_SPACING)
def test_ticks_around__no_reach__spans_every_usable_price(fee: int) -> None:
    ticks = ticks_around(Q96, fee, None)
    assert ticks.lower == -ticks.upper
    assert 887272 - TICK_SPACING[fee] < ticks.upper <= 887272


@pytest.mark.parametrize("reach", [None, 5, 50])
def test_amounts_for_value__any_range__are_worth_the_value(reach: int | None) -> None:
    root = sqrt_price(WETH, USDC)
    amounts = amounts_for_value(WETH, USDC, root, ticks_around(root, 500, reach), 1_000_000 * USD)
    value = amounts[0] * WETH.price // 10**18 + amounts[1] * USDC.price // 10**6
    assert value == pytest.approx(1_000_000 * USD, rel=1e-6)
    # Around the price a position holds both tokens in like value.
    assert amounts[1] * USDC.price // 10**6 == pytest.approx(value / 2, rel=0.03)
