"""Runs of whole numbers that satisfy a condition, found by bisection over exact arithmetic."""

from collections.abc import Callable, Iterable

Range = tuple[int, int]
"""Both ends included."""


def first_where(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first of low..high-1 from which `holds` on, `high` if none (also when the span is empty).

    Most conditions hold everywhere, nowhere, or but for a few at the start: these are looked at first.
    """
    if low >= high or not holds(high - 1):
        return high
    if holds(low):
        return low
    first, last, step = low + 1, high - 1, 2
    while low + step < last and not holds(low + step):
        first, step = low + step + 1, step * step
    last = min(low + step, last)
    while first < last:
        middle = (first + last) // 2
        if holds(middle):
            last = middle
        else:
            first = middle + 1
    return last


def joined(runs: Iterable[Range | None]) -> tuple[Range, ...]:
    """Ascending runs, with neighbours that touch made one; None stands for an empty run."""
    found: list[Range] = []
    for run in runs:
        if run is None:
            continue
        if found and found[-1][1] + 1 == run[0]:
            found[-1] = found[-1][0], run[1]
        else:
            found.append(run)
    return tuple(found)
