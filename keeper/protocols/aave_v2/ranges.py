"""Which repay amounts the pool accepts for a pair.

As the request grows, neither what is repaid nor the collateral taken shrinks until the request buys the
whole collateral balance; from there on the pool caps both. Within either part each condition changes its
mind at most once, so the accepted requests form at most two runs, whose ends are found by bisection.
"""

from keeper.protocols.aave_v2.liquidation import (
    amounts,
    burns_nothing,
    burns_too_much,
    lacks_liquidity,
    pays_nothing,
    wanted,
)
from keeper.protocols.aave_v2.pair import Pair
from keeper.protocols.runs import Range, first_where, joined


def accepted(pair: Pair) -> tuple[Range, ...]:
    """Inclusive ranges of requests in debt-token units, disjoint, ascending.

    A request above the last range is refused, or the pool caps it to the range's last call.
    """
    most = pair.most
    capped = first_where(lambda request: wanted(pair, request) > pair.balance, 1, most + 1)
    runs = [_possible(pair, 1, capped - 1)]
    if capped <= most:
        # The capped repayment may be a little more than the first request that is capped, or less.
        runs.append(_possible(pair, capped, max(capped, amounts(pair, most).repay)))
    return joined(runs)


def _possible(pair: Pair, first: int, last: int) -> Range | None:
    """The part of a run that neither rounds to nothing nor asks for more than there is."""
    start = first_where(lambda request: _tangible(pair, request), first, last + 1)
    end = first_where(lambda request: _excessive(pair, request), start, last + 1) - 1
    return (start, end) if start <= end else None


def _tangible(pair: Pair, request: int) -> bool:
    taken = amounts(pair, request)
    return not (pays_nothing(pair, taken) or burns_nothing(pair, taken))


def _excessive(pair: Pair, request: int) -> bool:
    taken = amounts(pair, request)
    return lacks_liquidity(pair, taken) or burns_too_much(pair, taken)
