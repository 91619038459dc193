"""Selling an amount over one path, or over several at once, on pools that are known exactly."""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.plan.route import Path, PoolKey, Pools, steps
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.plan.uniswap_v3.pool import Pool


class Sold(NamedTuple):
    """What a path pays for an amount, and the pools after it. `gas` is that of its swaps."""

    amount_out: int
    gas: int
    after: Mapping[PoolKey, Pool]


def sell(path: Path, amount: int, pools: Pools) -> Sold | None:
    """Sell `amount` over `path`; None where a pool is not known, or not far enough, or pays nothing."""
    crossed = 0
    after: dict[PoolKey, Pool] = {}
    for key, falling in steps(path):
        pool = pools.get(key)
        swap = pool and pool.swap(falling, amount)
        if not swap:
            return None
        amount, after[key] = swap.amount_out, swap.after
        crossed += swap.crossed
    return Sold(amount, swap_gas(len(after), crossed), after) if amount else None


def next_rate(path: Path, pools: Pools) -> float:
    """What the next unit sold over `path` brings; 0 where a pool is not known."""
    rate = 1.0
    for key, falling in steps(path):
        pool = pools.get(key)
        if pool is None:
            return 0.0
        rate *= pool.rate(falling)
    return rate
