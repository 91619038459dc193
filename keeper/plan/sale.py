"""Selling an amount over one path, or over several at once, on pools that are known exactly."""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.plan.route import Path, PoolKey, Pools, steps
from keeper.plan.uniswap_v3.pool import Pool

POOL_GAS = 92_000
"""Gas of a swap in one pool that crosses no initialised tick, as QuoterV2 measures it on the devnet."""
TICK_GAS = 46_000
"""Gas of each initialised tick that it crosses."""


class Sold(NamedTuple):
    """What a path pays for an amount, and the pools after it.

    `rate` is what the next unit would bring; `gas` is that of its swaps.
    """

    amount_out: int
    gas: int
    rate: float
    after: Mapping[PoolKey, Pool]


def swap_gas(pools: int, crossed: int) -> int:
    """Gas of swaps in so many pools that cross so many initialised ticks together."""
    return POOL_GAS * pools + TICK_GAS * crossed


def sell(path: Path, amount: int, pools: Pools) -> Sold | None:
    """Sell `amount` over `path`; None where a pool is not known, or not far enough, or pays nothing."""
    crossed, rate = 0, 1.0
    after: dict[PoolKey, Pool] = {}
    for key, falling in steps(path):
        pool = pools.get(key)
        swap = pool and pool.swap(falling, amount)
        if not swap:
            return None
        amount, after[key] = swap.amount_out, swap.after
        crossed += swap.crossed
        rate *= swap.after.rate(falling)
    return Sold(amount, swap_gas(len(after), crossed), rate, after) if amount else None
