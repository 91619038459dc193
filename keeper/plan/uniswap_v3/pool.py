"""A Uniswap v3 pool as a value: what any amount sold into it returns, exactly and without the chain.

A swap is the step it starts in, a search in the sums of its direction, and the step it ends in.
"""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from keeper.plan.uniswap_v3.depth import Depth
from keeper.plan.uniswap_v3.maths import (
    FEE_UNIT,
    Q96,
    fall_in,
    fall_out,
    fallen,
    rise_in,
    rise_out,
    risen,
    tick_at,
    with_fee,
    without_fee,
)


class Swap(NamedTuple):
    """A swap before it happens: what it pays, how many initialised ticks it crosses, the pool after it."""

    amount_out: int
    crossed: int
    after: "Pool"


class Pool(NamedTuple):
    """A pool at one block, or after swaps. `at` is its tick, None where the price alone tells it.

    It does not on the edge of a tick: there the direction of the last swap counts.
    """

    sqrt_price: int
    at: int | None
    liquidity: int
    depth: Depth

    @property
    def tick(self) -> int:
        """Where the contract says that the pool stands."""
        return tick_at(self.sqrt_price) if self.at is None else self.at

    def rate(self, falling: bool) -> float:
        """Units that the next unit sold returns; `falling`: token0 is sold."""
        price = (self.sqrt_price / Q96) ** 2
        return (price if falling else 1 / price) * (1 - self.depth.fee / FEE_UNIT)

    def swap(self, falling: bool, amount: int) -> Swap | None:
        """Sell `amount` of token0 (`falling`) or token1; None where the end lies beyond the window."""
        price, _, active, depth = self
        ladder, tick = depth.down if falling else depth.up, self.tick
        keys = ladder.keys
        step = bisect_left(keys, -tick) if falling else bisect_right(keys, tick)
        if step == len(keys):
            return None
        bound = ladder.prices[step]
        needed = fall_in(bound, price, active) if falling else rise_in(price, bound, active)
        rest = amount - with_fee(needed, depth.fee)
        if rest < 0:
            return self._end(falling, amount, 0, 0)
        out = fall_out(bound, price, active) if falling else rise_out(price, bound, active)
        spent = ladder.paid[step] + rest
        last = bisect_right(ladder.paid, spent) - 1
        if last + 1 == len(keys):
            return None
        out += ladder.received[last] - ladder.received[step]
        crossed = ladder.crossed[last] - (ladder.crossed[step - 1] if step else 0)
        # The contract stands on the lower side of a tick that it fell upon.
        tick = -keys[last] - 1 if falling else keys[last]
        there = Pool(ladder.prices[last], tick, ladder.liquidity[last], depth)
        return there._end(falling, spent - ladder.paid[last], out, crossed)

    def _end(self, falling: bool, rest: int, out: int, crossed: int) -> Swap:
        """The last step, which stops between two ticks: `rest` is less than it could take."""
        price, at, active, depth = self
        moving = without_fee(rest, depth.fee)
        if not moving:
            return Swap(out, crossed, self)
        if falling:
            end = fallen(price, active, moving)
            out += fall_out(end, price, active)
        else:
            end = risen(price, active, moving)
            out += rise_out(price, end, active)
        return Swap(out, crossed, Pool(end, at if end == price else None, active, depth))
