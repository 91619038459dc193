"""Runs of whole numbers that satisfy a condition, found by bisection over exact arithmetic."""

from collections.abc import Callable, Iterable

Range = tuple[int, int]
"""Both ends included."""


def first_where(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first of low..high-1 from which `holds` on, `high` if none (also when the span is empty)."""
    if low >= high or not holds(high - 1):
        return high  # most conditions hold everywhere or nowhere: two looks spare a bisection
    if holds(low):
        return low
    low, high = low + 1, high - 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


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
