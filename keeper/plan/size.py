"""How much to repay: the maximum of profit over the allowed repay ranges, in few rounds of quotes.

Profit is concave in the repay amount as long as one route sells everything: the bonus is linear, price
impact convex, gas nearly constant. That bounds it between samples: a chord, extended, lies above the
curve. The search ends when the chords leave no room for a better amount, also across a gap in the
allowed amounts. A deep pool is settled by the first round: profit still rising at the largest amount
is the proof that nothing smaller pays more.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

Ranges = Sequence[tuple[int, int]]
"""Inclusive, disjoint, ascending intervals of repay amounts."""

Values = Mapping[int, int | None]
"""Profit by repay amount; None where the protocol or the pools refuse."""

TOLERANCE = 1000
"""Room for less than this fraction of the best profit ends the search."""
END_STEP = 1024
"""The slope at the end of a range is seen this fraction below it, which hides less than TOLERANCE."""
STEADY = 2
"""How many times faster than on average a profit may rise at the end: gas lets it start below zero."""
RATIO = 3
STEPS = 8
"""A wide bracket is sampled at 1/3, 1/9, ... of its top, eight times; less than that pays for no gas."""
UNIFORM = 5
NEAR = 100
"""The estimated top is sampled with two neighbours this fraction away, whose chords then close the search."""
NARROW = 2000
"""Over less than this fraction of the best amount, rounding and gas outweigh the curve."""
FLAT = 100_000
"""Profits that differ by less than this fraction are equal."""
MAX_SAMPLES = 64
"""Where values are no curve at all, the search ends here."""


class Room(NamedTuple):
    """How much more than at the best sample a concave curve may reach on one side of it.

    `gain` is None without a bound; `top` is where the bounding chords cross, if they do.
    """

    gain: Fraction | None
    top: int | None = None


def next_sizes(ranges: Ranges, values: Values) -> list[int]:
    """The repay amounts to price next; empty when the best of `values` is good enough.

    `values` holds all amounts priced so far. The first round (none yet) asks for both ends of every
    range, so these are always tried. A loss that cannot become a profit is not refined.
    """
    if not values:
        return sorted({size for low, high in ranges for size in (low, high - (high - low) // END_STEP, high)})
    if len(values) >= MAX_SAMPLES:
        return []
    best = best_size(values)
    if best is None:
        first_round = len(values) <= 3 * len(ranges)
        sizes = _falling(_inside(ranges, ranges[0][0], ranges[-1][1])) if first_round else iter(())
    elif _still_rising(ranges, values, best):
        return []
    else:
        sizes = _around(ranges, values, best)
    return sorted(set(sizes) - values.keys())


def _still_rising(ranges: Ranges, values: Values, best: int) -> bool:
    """Whether profit rises at the largest amount, and about as steadily as it did on the way there.

    Where it rises much faster at the end it is no concave curve, and proves nothing.
    """
    low, high = ranges[-1]
    before = high - (high - low) // END_STEP
    if best != high or before == high:
        return False
    rise = _slope(values, before, high)
    return rise is not None and rise * high <= STEADY * (values[high] or 0)


def best_size(values: Values) -> int | None:
    """The amount with the largest profit, the larger amount among equals; None when all are refused."""
    priced = [(value, size) for size, value in values.items() if value is not None]
    return max(priced)[1] if priced else None


def chosen_size(ranges: Ranges, values: Values) -> int | None:
    """The best amount, or the largest allowed one where that pays the same but for FLAT.

    The largest is the one that cannot go wrong: the protocol caps it, so nothing is left over as dust.
    """
    best = best_size(values)
    largest = ranges[-1][1]
    top, whole = values.get(best) if best is not None else None, values.get(largest)
    if top is None or whole is None or (top - whole) * FLAT > abs(top):
        return best
    return largest


def _around(ranges: Ranges, values: Values, best: int) -> Iterator[int]:
    """Sizes on the sides of `best` where something better may hide."""
    ascending = _apart(sorted(values), best)
    floor = max(values) // RATIO**STEPS
    bounds = [best]
    tops: list[int] = []
    for order in (ascending, ascending[::-1]):
        ahead = _at(order, order.index(best) + 1)
        if ahead is None or not _wide(ranges, max(min(ahead, best), floor), max(ahead, best)):
            continue
        room = _room(order, values, best)
        if _matters(room.gain, values[best]):
            bounds.append(max(ahead, floor))
            tops += [room.top] if room.top is not None else []
    low, high = min(bounds), max(bounds)
    inside = _inside(ranges, low, high)
    if not inside:
        return
    steep = high > RATIO * RATIO * low + RATIO
    yield from _falling(inside) if steep else _even(inside)
    tops += _parabola_tops(ascending, values, best)
    yield from (top for top in tops if any(first <= top <= last for first, last in inside))


def _apart(sizes: Sequence[int], best: int) -> list[int]:
    """`best` and the sizes around it, without those too near to the last one to tell a slope."""
    kept = [best]
    for size in sizes:
        if size > best and size - kept[-1] > best // NARROW:
            kept.append(size)
    kept.reverse()
    for size in reversed(sizes):
        if size < best and kept[-1] - size > best // NARROW:
            kept.append(size)
    return kept[::-1]


def _room(order: Sequence[int], values: Values, best: int) -> Room:
    """The room between `best` and the next size in `order`, which runs up or down.

    The chord into `best` bounds the curve from one end, the chord beyond the next size from the other.
    """
    index = order.index(best)
    ahead = order[index + 1]
    width = abs(ahead - best)
    near = _slope(values, _at(order, index - 1), best)
    far = _slope(values, _at(order, index + 2), ahead)
    top, next_value = values[best], values[ahead]
    if far is None or top is None or next_value is None:
        return Room(None if near is None else near * width)
    reach = far * width - (top - next_value)
    if near is None:
        return Room(reach)
    if near + far <= 0:
        return Room(Fraction(0))
    away = reach / (near + far)
    return Room(near * away, best + int(away) * (1 if ahead > best else -1))


def _slope(values: Values, start: int | None, end: int) -> Fraction | None:
    """Profit gained per unit of distance from `start` to `end`; None unless both are priced."""
    first, last = values.get(start) if start is not None else None, values[end]
    if start is None or first is None or last is None:
        return None
    return Fraction(last - first, abs(end - start))


def _matters(gain: Fraction | None, best: int | None) -> bool:
    assert best is not None, "the best sample has a value"
    return gain is None or (gain * TOLERANCE > abs(best) and best + gain > 0)


def _parabola_tops(ascending: Sequence[int], values: Values, best: int) -> list[int]:
    """Top of the parabola through `best` and its neighbours, with two sizes near it."""
    index = ascending.index(best)
    low, high = _at(ascending, index - 1), _at(ascending, index + 1)
    rise, fall = _slope(values, low, best), _slope(values, high, best)
    if low is None or high is None or rise is None or fall is None or rise + fall <= 0:
        return []
    top = best + int((rise * (high - best) - fall * (best - low)) / (2 * (rise + fall)))
    return [top - top // NEAR, top, top + top // NEAR]


def _falling(inside: Ranges) -> Iterator[int]:
    total = _count(inside)
    if total:
        yield from (_nth(inside, total // RATIO**step) for step in range(1, STEPS + 1))


def _even(inside: Ranges) -> Iterator[int]:
    total = _count(inside)
    yield from (_nth(inside, total * step // (UNIFORM + 1)) for step in range(1, UNIFORM + 1))


def _wide(ranges: Ranges, low: int, high: int) -> bool:
    return _count(_inside(ranges, low, high)) > high // NARROW


def _inside(ranges: Ranges, low: int, high: int) -> Ranges:
    """The allowed amounts strictly between `low` and `high`."""
    clipped = ((max(first, low + 1), min(last, high - 1)) for first, last in ranges)
    return [(first, last) for first, last in clipped if first <= last]


def _count(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _nth(ranges: Ranges, index: int) -> int:
    """The allowed amount at `index`, counted from 0 over all ranges."""
    for first, last in ranges:
        if index <= last - first:
            return first + index
        index -= last - first + 1
    raise IndexError(index)


def _at(sizes: Sequence[int], index: int) -> int | None:
    return sizes[index] if 0 <= index < len(sizes) else None
