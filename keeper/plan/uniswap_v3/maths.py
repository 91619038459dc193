"""Prices, ticks and amounts of Uniswap v3 pools in exact integers.

Prices are sqrtPriceX96: the square root of token1 per token0, times 2^96. Amounts are token units.
Formulas: whitepaper §6.2 and §6.3; the rounding is that of v3-core's TickMath, SqrtPriceMath and SwapMath.
"""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from math import log

from keeper.types import MAX_UINT256

MIN_TICK = -887272
MAX_TICK = 887272
FEE_UNIT = 10**6
"""Fees are in millionths."""

Q96 = 2**96
_Q128 = 2**128
_HALF_LOG_BASE = log(1.0001) / 2


def _powers() -> tuple[int, ...]:
    """1.0001^-(2^i / 2) as Q128.128 for i = 0..19, to the nearest: the factors TickMath multiplies."""
    with localcontext() as context:
        context.prec = 120
        root = Decimal("1.0001").sqrt()
        exact = (Decimal(_Q128) / root ** (1 << bit) for bit in range(20))
        return tuple(int(power.to_integral_value(ROUND_HALF_EVEN)) for power in exact)


_POWERS = _powers()


@lru_cache(maxsize=1 << 16)
def sqrt_price_at(tick: int) -> int:
    """Square root price at `tick`: getSqrtRatioAtTick.

    Raises:
        ValueError: no such tick.
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ValueError(f"there is no tick {tick}")
    ratio, distance = _Q128, abs(tick)
    for bit, power in enumerate(_POWERS):
        if distance >> bit & 1:
            ratio = ratio * power >> 128
    if tick > 0:
        ratio = MAX_UINT256 // ratio
    return -(-ratio >> 32)


def tick_at(sqrt_price: int) -> int:
    """The greatest tick whose price is not above `sqrt_price`: getTickAtSqrtRatio."""
    tick = int(log(sqrt_price / Q96) // _HALF_LOG_BASE)
    tick = min(max(tick, MIN_TICK), MAX_TICK)
    while tick > MIN_TICK and sqrt_price_at(tick) > sqrt_price:
        tick -= 1
    while tick < MAX_TICK and sqrt_price_at(tick + 1) <= sqrt_price:
        tick += 1
    return tick


def fall_in(low: int, high: int, liquidity: int) -> int:
    """Token0 that takes the price from `high` down to `low`, without fee, rounded up."""
    scaled = -(-(liquidity << 96) * (high - low) // high)
    return -(-scaled // low)


def fall_out(low: int, high: int, liquidity: int) -> int:
    """Token1 that a fall from `high` to `low` pays, rounded down."""
    return liquidity * (high - low) >> 96


def rise_in(low: int, high: int, liquidity: int) -> int:
    """Token1 that takes the price from `low` up to `high`, without fee, rounded up."""
    return -(-liquidity * (high - low) >> 96)


def rise_out(low: int, high: int, liquidity: int) -> int:
    """Token0 that a rise from `low` to `high` pays, rounded down."""
    return (liquidity << 96) * (high - low) // high // low


def fallen(price: int, liquidity: int, amount: int) -> int:
    """Price after `amount` of token0 (without fee) goes in, rounded up."""
    weight = liquidity << 96
    product = amount * price
    if product <= MAX_UINT256 - weight:
        return -(-weight * price // (weight + product))
    return -(-weight // (weight // price + amount))


def risen(price: int, liquidity: int, amount: int) -> int:
    """Price after `amount` of token1 (without fee) goes in, rounded down."""
    return price + (amount << 96) // liquidity


def without_fee(amount: int, fee: int) -> int:
    """What of `amount` moves the price of a pool that takes `fee`, rounded down."""
    return amount * (FEE_UNIT - fee) // FEE_UNIT


def with_fee(amount: int, fee: int) -> int:
    """What goes into the pool for `amount` to move its price, rounded up."""
    return amount - (-amount * fee // (FEE_UNIT - fee))
