"""One sale over several paths at once, so that the next unit would bring the same over each of them.

Between two ticks, and over any chain of such pools, what x brings is m x / (1 + x / k): the first unit
brings m, and depth k says how fast that falls. A path is fitted to this curve at the part it takes now,
the parts for which all curves are equally steep are known in closed form, and a few rounds settle it.
The floats only propose parts; which division is best is decided by what the pools pay for it, exactly.
"""

from collections.abc import Sequence
from itertools import accumulate, combinations
from math import sqrt
from typing import NamedTuple

from keeper.plan.route import Path, PoolKey, Pools, keys
from keeper.plan.sale import Sold, next_rate, sell

LEGS = 3
"""Paths that share a sale at most."""
ROUNDS = 6
SETTLED = 1e-5
"""Parts that move by less than this share of the whole have settled: the rest is worth its square."""
STRONGEST = 4
"""Paths that are considered to share for what they bring for the whole, a part, and a small part of it."""
TEAMS = 3
"""Sets of paths that are balanced exactly, out of all that the first curves make look good."""
SLACK = 1.01
"""How much more than it promises a set of paths may bring."""
SWEEPS = 2
HALVINGS = 16
FIRST = 64
"""A path that cannot take this fraction of the whole does not share; less than so many units is no sale."""
FLAT = 1e-12
"""Nothing is flatter: a pool with more liquidity than this fall over a whole sale tells has no end."""


class Leg(NamedTuple):
    """A part of a sale, and what it brings."""

    path: Path
    amount_in: int
    sold: Sold


Legs = tuple[Leg, ...]


class Curve(NamedTuple):
    """What x brings over `path` is about rate * x / (1 + x / depth); `gas` is that of its swaps."""

    path: Path
    pools: frozenset[PoolKey]
    rate: float
    depth: float
    gas: int

    def brings(self, part: float) -> float:
        return self.rate * part / (1 + part / self.depth)


def best_division(
    paths: Sequence[Path], amount: int, pools: Pools, gas_worth: float = 0.0, hop_gas: int = 0
) -> Legs:
    """The sale of `amount` that brings most, over one to LEGS of `paths`; empty when none can take it.

    `gas_worth`: units of the token bought that a unit of gas costs; `hop_gas` comes on top for each pool.
    """

    def worth(legs: Legs) -> float:
        gas = sum(leg.sold.gas + hop_gas * len(leg.path.hops) for leg in legs)
        return sum(leg.sold.amount_out for leg in legs) - gas_worth * gas

    whole = {path: sold for path in paths if (sold := sell(path, amount, pools))}
    best: Legs = max(((Leg(path, amount, sold),) for path, sold in whole.items()), key=worth, default=())
    if amount < FIRST or (best and _prize(best[0], paths, pools) <= 0):
        return best
    curves = [curve for path in paths if (curve := _curve(path, amount, whole.get(path), pools, hop_gas))]
    for team in _teams(curves, amount, gas_worth, worth(best) if best else 0.0):
        best = max(best, *_divisions(team, amount, pools), key=worth)
    return best


def _prize(leg: Leg, paths: Sequence[Path], pools: Pools) -> float:
    """The most that dividing the sale of `leg` could win, gas aside.

    That is if all of it sold for what another path's first unit brings, and not for what its last one did.
    """
    others = max((next_rate(path, pools) for path in paths if path != leg.path), default=0.0)
    return leg.amount_in * (others - next_rate(leg.path, leg.sold.after))


def _curve(path: Path, amount: int, sold: Sold | None, pools: Pools, hop_gas: int) -> Curve | None:
    """The curve through the path's first unit and its whole sale, or the largest part that it can take."""
    rate, part = next_rate(path, pools), amount
    while sold is None and rate and part > amount // FIRST:
        part //= 4
        sold = sell(path, part, pools)
    if sold is None or not rate:
        return None
    fall = rate * part / sold.amount_out - 1
    return Curve(path, keys(path), rate, part / max(fall, FLAT), sold.gas + hop_gas * len(path.hops))


def _teams(curves: Sequence[Curve], amount: int, gas_worth: float, floor: float) -> list[Sequence[Curve]]:
    """The sets of 2 to LEGS paths without a common pool that promise most, all of them more than `floor`."""
    promises: list[tuple[float, Sequence[Curve]]] = []
    apart = _strongest(curves, amount)
    for size in range(2, LEGS + 1):
        for team in combinations(apart, size):
            parts = _balanced(team, amount)
            if min(parts) <= 0 or any(one.pools & other.pools for one, other in combinations(team, 2)):
                continue
            out = sum(curve.brings(part) for curve, part in zip(team, parts, strict=True))
            promises.append((out - gas_worth * sum(curve.gas for curve in team), team))
    promises.sort(key=lambda promise: promise[0], reverse=True)
    return [team for promise, team in promises[:TEAMS] if promise * SLACK > floor]


def _strongest(curves: Sequence[Curve], amount: int) -> Sequence[Curve]:
    """The paths that bring most for the whole, and those that bring most for a part."""
    ranked = [
        sorted(curves, key=lambda curve: curve.brings(part), reverse=True)[:STRONGEST]
        for part in (amount, amount / 4, amount / 32)
    ]
    return list(dict.fromkeys(curve for curves in ranked for curve in curves))


def _balanced(team: Sequence[Curve], amount: int) -> list[float]:
    """The parts for which all curves are equally steep; below zero for one that should not take part."""
    roots = [sqrt(curve.rate) for curve in team]
    total = sum(curve.depth for curve in team)
    level = (amount + total) / sum(curve.depth * root for curve, root in zip(team, roots, strict=True))
    return [curve.depth * (root * level - 1) for curve, root in zip(team, roots, strict=True)]


def _divisions(team: Sequence[Curve], amount: int, pools: Pools) -> list[Legs]:
    """What balancing comes by, priced exactly; empty where the pools cannot take it."""
    paths = [curve.path for curve in team]
    parts = _balanced(team, amount)
    found: list[Legs] = [()]
    for _ in range(ROUNDS):
        sold = [sell(path, max(int(part), 1), pools) for path, part in zip(paths, parts, strict=True)]
        team = [_refitted(*each) for each in zip(team, parts, sold, strict=True)]
        wanted = [max(part, 0.0) for part in _balanced(team, amount)]
        scale = amount / sum(wanted)
        moved = max(abs(new * scale - old) for new, old in zip(wanted, parts, strict=True))
        parts = [part * scale for part in wanted]
        found.append(_exact(paths, parts, amount, pools))
        if moved < amount * SETTLED:
            return found
    # Where liquidity ends or jumps the curves lead nowhere; halving always does.
    for _ in range(SWEEPS):
        for one, other in combinations(range(len(paths)), 2):
            both = parts[one] + parts[other]
            parts[one] = _equal_rates(paths[one], paths[other], both, pools)
            parts[other] = both - parts[one]
        found.append(_exact(paths, parts, amount, pools))
        if len(paths) == 2:
            break
    return found


def _equal_rates(one: Path, other: Path, amount: float, pools: Pools) -> float:
    """What of `amount` goes to `one` so that both are equally steep."""
    low, high = 0.0, amount
    for _ in range(HALVINGS):
        part = (low + high) / 2
        first, second = sell(one, int(part), pools), sell(other, int(amount - part), pools)
        if _rate_after(one, first) > _rate_after(other, second):
            low = part
        else:
            high = part
    return (low + high) / 2


def _rate_after(path: Path, sold: Sold | None) -> float:
    """A path that cannot take its part is steep beyond all bounds."""
    return next_rate(path, sold.after) if sold else 0.0


def _refitted(curve: Curve, part: float, sold: Sold | None) -> Curve:
    """The curve that after `part` is as steep as the path is."""
    if sold is None:  # more than the path can take: it is less deep than it seemed
        return curve._replace(depth=curve.depth / 4)
    fall = sqrt(curve.rate / next_rate(curve.path, sold.after)) - 1
    return curve._replace(depth=max(part, 1.0) / max(fall, FLAT))


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
