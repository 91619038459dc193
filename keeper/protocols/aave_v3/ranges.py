"""Which repay amounts the pool accepts for a pair.

As the request grows, the collateral taken never shrinks, so each of the pool's conditions changes
its mind at most once, and the accepted requests form few runs: partial liquidations that leave
enough on both sides, requests that take the whole collateral balance, and the one that repays the
whole debt. The ends of a run are found by bisection over the pool's own conditions.
"""

from collections.abc import Callable, Iterable

from keeper.protocols.aave_v3.liquidation import (
    amounts,
    burns_nothing,
    lacks_liquidity,
    pays_nothing,
    wanted,
)
from keeper.protocols.aave_v3.model import Pair

Range = tuple[int, int]


def accepted(pair: Pair) -> tuple[Range, ...]:
    """Inclusive ranges of requests in debt-token units, disjoint, ascending.

    A request above the last range is refused, or the pool caps it to the range's last call.
    """
    most, balance = pair.most, pair.balance
    whole = _first(lambda request: wanted(pair, request) >= balance, 1, most + 1)
    runs = [_partial(pair, min(whole - 1, most, pair.owed - 1))]
    if whole <= most:
        capped = _first(lambda request: wanted(pair, request) > balance, whole, most)
        # The capped request may repay less than those before it, so it is judged by itself.
        runs += [_possible(pair, whole, capped - 1), _possible(pair, capped, capped)]
    elif most == pair.owed:
        runs.append(_possible(pair, most, most))
    return _joined(run for run in runs if run)


def _partial(pair: Pair, last: int) -> Range | None:
    """Requests up to `last` that leave enough debt and enough collateral."""
    dusty = _first(lambda request: pair.rules.leaves_dust(pair, amounts(pair, request)), 1, last + 1)
    return _possible(pair, 1, dusty - 1)


def _possible(pair: Pair, first: int, last: int) -> Range | None:
    """The part of a run that neither rounds to nothing nor asks for more than the reserve holds."""
    start = _first(lambda request: _tangible(pair, request), first, last + 1)
    end = _first(lambda request: lacks_liquidity(pair, amounts(pair, request)), start, last + 1) - 1
    return (start, end) if start <= end else None


def _tangible(pair: Pair, request: int) -> bool:
    taken = amounts(pair, request)
    return not (pays_nothing(pair, taken) or burns_nothing(pair, taken))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
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


def _joined(runs: Iterable[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for start, end in runs:
        if joined and joined[-1][1] + 1 == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)
