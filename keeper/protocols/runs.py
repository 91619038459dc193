"""Runs of whole numbers that satisfy a condition, found by bisection over exact arithmetic."""

from collections.abc import Callable, Iterable

Range = tuple[int, int]
"""Both ends included."""


def first_where(holds: Callable[[int], bool], low: int, high: int, near: int = 0) -> int:
    """The first of low..high-1 from which `holds` on, `high` if none (also when the span is empty).

    Most conditions hold everywhere or nowhere, which two looks tell; else it is searched around `near`, in
    steps that grow, and at the start of the span where that lies outside.
    """
    if low >= high or not holds(high - 1):
        return high
    if holds(low):
        return low
    first, last, step = low + 1, high - 1, 2
    if first < near < last and holds(near):
        last = near
        while last - step >= first and holds(last - step):
            last, step = last - step, step * step
        first = max(last - step + 1, first)
    else:
        first = near + 1 if first < near < last else first
        while first + step < last and not holds(first + step):
            first, step = first + step + 1, step * step
        last = min(first + step, last)
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
