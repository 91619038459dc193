"""One sale over several paths at once, so that the next unit would bring the same over each of them.

Between two ticks, and over any chain of such pools, what x brings is m x / (1 + x / k): the first unit
brings m, and depth k says how fast that falls. A path is fitted to this curve at the part it takes now,
the parts for which all curves are equally steep are known in closed form, and a few rounds settle it.
The floats only propose parts; which division is best is decided by what the pools pay for it, exactly.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import sqrt
from typing import NamedTuple

from keeper.plan.route import Path, PoolKey, Pools, keys, steps
from keeper.plan.sale import POOL_GAS, Sold, sell

LEGS = 3
"""Paths that share a sale at most."""
ROUNDS = 8
SETTLED = 1e-5
"""Parts that move by less than this share of the whole have settled: the rest is worth its square."""
FIRST = 64
"""The first fit is taken at this fraction of the whole, for every path."""


class Leg(NamedTuple):
    """A part of a sale, and what it brings."""

    path: Path
    amount_in: int
    sold: Sold


Legs = tuple[Leg, ...]


def best_division(
    paths: Sequence[Path], amount: int, pools: Pools, gas_worth: float = 0.0, hop_gas: int = 0
) -> Legs:
    """The sale of `amount` that brings most, over one to LEGS of `paths`; empty when none can take it.

    `gas_worth`: units of the token bought that a unit of gas costs; `hop_gas` comes on top for each pool.
    """
    whole = [Leg(path, amount, sold) for path in paths if (sold := sell(path, amount, pools))]

    def worth(legs: Legs) -> float:
        gas = sum(leg.sold.gas + hop_gas * len(leg.path.hops) for leg in legs)
        return sum(leg.sold.amount_out for leg in legs) - gas_worth * gas

    best: Legs = max(((leg,) for leg in whole), key=worth, default=())
    for chosen in _teams(paths, best, pools, amount, gas_worth):
        best = max(best, *_divisions(chosen, amount, pools), key=worth)
    return best


def start_rate(path: Path, pools: Pools) -> float:
    """What the first unit sold over `path` brings; 0 where a pool is not known."""
    rate = 1.0
    for key, falling in steps(path):
        pool = pools.get(key)
        if pool is None:
            return 0.0
        rate *= pool.rate(falling)
    return rate


def _teams(
    paths: Sequence[Path], best: Legs, pools: Pools, amount: int, gas_worth: float
) -> Sequence[Sequence[Path]]:
    """Sets of 2 to LEGS paths without a common pool that may bring more together than `best` alone.

    Another path helps when its first unit brings more than the last unit of the best one, by enough to
    pay for its gas.
    """
    rates = {path: start_rate(path, pools) for path in paths}
    first = best[0].path if best else max(paths, key=rates.__getitem__, default=None)
    if first is None:
        return []
    floor = best[0].sold.rate + gas_worth * POOL_GAS / amount if best else 0.0
    team, used = [first], set[PoolKey](keys(first))
    for path in sorted(paths, key=rates.__getitem__, reverse=True):
        if len(team) < LEGS and rates[path] > floor and not keys(path) & used:
            team.append(path)
            used |= keys(path)
    return [team[:size] for size in range(2, len(team) + 1)]


def _divisions(paths: Sequence[Path], amount: int, pools: Pools) -> list[Legs]:
    """What the rounds of balancing came by, priced exactly; empty where the pools cannot take it."""
    roots = [sqrt(start_rate(path, pools)) for path in paths]
    found: list[Legs] = [()]
    if amount < FIRST or not all(roots):
        return found
    parts = [amount / FIRST] * len(paths)
    depths = [float(amount)] * len(paths)
    for _ in range(ROUNDS):
        sold = [sell(path, max(int(part), 1), pools) for path, part in zip(paths, parts, strict=True)]
        depths = [
            _depth(root, part, each, depth)
            for root, part, each, depth in zip(roots, parts, sold, depths, strict=True)
        ]
        level = (amount + sum(depths)) / sum(d * root for d, root in zip(depths, roots, strict=True))
        wanted = [max(d * (root * level - 1), 0.0) for d, root in zip(depths, roots, strict=True)]
        scale = amount / sum(wanted)
        moved = max(abs(new * scale - old) for new, old in zip(wanted, parts, strict=True))
        parts = [part * scale for part in wanted]
        found.append(_exact(paths, parts, amount, pools))
        if moved < amount * SETTLED:
            break
    return found


def _depth(root: float, part: float, sold: Sold | None, last: float) -> float:
    """Depth of the curve that starts at `root` squared and is as steep as the path after `part`."""
    if sold is None:  # more than the path can take: it is less deep than it seemed
        return last / 4
    fall = root / sqrt(sold.rate) - 1
    return max(part, 1.0) / max(fall, 1e-12)


def _exact(paths: Sequence[Path], parts: Sequence[float], amount: int, pools: Pools) -> Legs:
    """The division in whole units; the largest part comes last and takes what rounding leaves."""
    order = sorted(range(len(paths)), key=parts.__getitem__)
    ends = [round(end) for end in accumulate(parts[index] for index in order)]
    ends[-1] = amount
    legs = []
    for index, start, end in zip(order, [0, *ends], ends, strict=False):
        if end > start:
            sold = sell(paths[index], end - start, pools)
            if sold is None:
                return ()
            legs.append(Leg(paths[index], end - start, sold))
    return tuple(legs)
