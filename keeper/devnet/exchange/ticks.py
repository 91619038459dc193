"""Arithmetic of Uniswap v3 positions: prices as Q64.96 square roots, ticks, and amounts for a value."""

from math import floor, isqrt, log
from typing import NamedTuple

from keeper.types import Address

MIN_TICK = -887272
MAX_TICK = 887272
TICK_SPACING = {100: 1, 500: 10, 3000: 60, 10000: 200}
"""Tick spacing by fee in millionths, as the factory has it."""

FEE_UNIT = 10**6
_Q96 = 2**96


class PricedToken(NamedTuple):
    """A token as the exchange needs it. `price` in USD with 8 decimals per whole token."""

    address: Address
    decimals: int
    price: int


class Ticks(NamedTuple):
    """A position's range, multiples of the pool's tick spacing."""

    lower: int
    upper: int


def sort_tokens(one: PricedToken, other: PricedToken) -> tuple[PricedToken, PricedToken]:
    """The two tokens in a pool's own order: by address."""
    return (one, other) if int(one.address, 16) < int(other.address, 16) else (other, one)


def sqrt_price(token0: PricedToken, token1: PricedToken, per_million: int = FEE_UNIT) -> int:
    """sqrtPriceX96 at which the pool values both tokens at their prices, rounded down.

    The pool's price is raw token1 per raw token0: (price0 / 10^decimals0) / (price1 / 10^decimals1).
    `per_million` moves the price: 1_003_000 is 0.3 % above.
    """
    numerator = token0.price * 10**token1.decimals * per_million
    denominator = token1.price * 10**token0.decimals * FEE_UNIT
    return isqrt((numerator << 192) // denominator)


def fee_band(token0: PricedToken, token1: PricedToken, width: int) -> tuple[int, int]:
    """Lowest and highest sqrtPriceX96 within `width` millionths of the tokens' price.

    Between them nobody earns anything by trading the pool back when `width` is its fee: what the swap
    gains over the outside price is less than the fee it pays.
    """
    below = FEE_UNIT * FEE_UNIT // (FEE_UNIT + width)
    return sqrt_price(token0, token1, below) + 1, sqrt_price(token0, token1, FEE_UNIT + width)


def ticks_around(sqrt_price_x96: int, fee: int, percent: int | None) -> Ticks:
    """Ticks that span `percent` of the price to both sides, or every price when it is None."""
    spacing = TICK_SPACING[fee]
    if percent is None:
        end = MAX_TICK // spacing * spacing
        return Ticks(-end, end)
    middle = 2 * log(sqrt_price_x96 / _Q96, 1.0001)
    reach = log(1 + percent / 100, 1.0001)
    lower = floor((middle - reach) / spacing) * spacing
    upper = floor((middle + reach) / spacing + 1) * spacing
    return Ticks(lower, upper)


def amounts_for_value(
    token0: PricedToken, token1: PricedToken, sqrt_price_x96: int, ticks: Ticks, usd: int
) -> tuple[int, int]:
    """Raw amounts of both tokens that a position over `ticks` worth `usd` (8 decimals) takes.

    Whitepaper 6.29, 6.30: amount0 = L (1/sqrt P - 1/sqrt Pb), amount1 = L (sqrt P - sqrt Pa).
    """
    low, high = _sqrt_at(ticks.lower), _sqrt_at(ticks.upper)
    liquidity = 1 << 128
    amount0 = (liquidity << 96) * (high - sqrt_price_x96) // high // sqrt_price_x96
    amount1 = liquidity * (sqrt_price_x96 - low) >> 96
    scale0, scale1 = 10**token0.decimals, 10**token1.decimals
    value = amount0 * token0.price * scale1 + amount1 * token1.price * scale0
    share = usd * scale0 * scale1
    return amount0 * share // value, amount1 * share // value


def _sqrt_at(tick: int) -> int:
    """Square root price at a tick, close enough to split a deposit: the pool computes the exact one."""
    return int(1.0001 ** (tick / 2) * _Q96)
