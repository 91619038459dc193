"""Which repay amounts the spoke accepts for a pair.

As the offer grows, what it buys never shrinks, until a dust rule or the end of the collateral takes the
decision out of the liquidator's hands: from then on the call takes all of the debt or all of the
collateral, and costs what that costs. So the accepted amounts are one run of partial liquidations and at
most two single amounts behind it. The ends of the run are found by bisection over the contracts' own rules.
"""

from collections.abc import Callable, Iterable

from keeper.protocols.aave_v4.amounts import amounts
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.pair import Pair

Range = tuple[int, int]

EVERYTHING = 2**255
"""An offer that no debt reaches (aave.md §6.5)."""


def accepted(pair: Pair) -> tuple[Range, ...]:
    """Inclusive ranges of offers in debt-token units, disjoint, ascending.

    An offer above the last range is capped by the spoke to the range's last amount.
    """
    whole = amounts(pair, EVERYTHING)
    if not whole.forced:
        run = _possible(pair, whole.pay)
        return (run,) if run else ()
    first = _first(lambda offer: amounts(pair, offer).forced, 1, EVERYTHING)
    runs = [_possible(pair, first - 1)]
    # Rounding may force an offer only a unit above what it then costs.
    forced = {max(first, amounts(pair, first).pay), max(first, whole.pay)}
    runs += [(offer, offer) for offer in sorted(forced) if _settles(pair, offer)]
    return _joined(run for run in runs if run)


def _possible(pair: Pair, last: int) -> Range | None:
    """The offers up to `last` that neither round to nothing nor want more than the hub holds."""
    start = _first(lambda offer: _pays_out(pair, offer) > 0, 1, last + 1)
    liquidity = pair.collateral.asset.liquidity
    end = _first(lambda offer: _pays_out(pair, offer) > liquidity, start, last + 1) - 1
    if start > end:
        return None
    # How much premium a hub grants the spoke may forbid the small offers or the large ones.
    if not _settles(pair, end):
        end = _first(lambda offer: not _settles(pair, offer), start, end + 1) - 1
    else:
        start = _first(lambda offer: _settles(pair, offer), start, end + 1)
    return (start, end) if start <= end else None


def _pays_out(pair: Pair, offer: int) -> int:
    return pair.collateral.worth(amounts(pair, offer).given)


def _settles(pair: Pair, offer: int) -> bool:
    return isinstance(liquidate(pair, offer), Outcome)


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
