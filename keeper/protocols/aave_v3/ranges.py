"""Which repay amounts the pool accepts for a pair.

As the request grows, the collateral taken never shrinks, so each of the pool's conditions changes
its mind at most once, and the accepted requests form few runs: partial liquidations that leave
enough on both sides, requests that take the whole collateral balance, and the one that repays the
whole debt. The ends of a run are found by bisection over the pool's own conditions.
"""

from keeper.protocols.aave_v3.leftovers import LEAST_LEFT
from keeper.protocols.aave_v3.liquidation import (
    amounts,
    burns_nothing,
    lacks_liquidity,
    pays_nothing,
    wanted,
)
from keeper.protocols.aave_v3.model import Pair
from keeper.protocols.runs import Range, first_where, joined
from keeper.types import BPS


def accepted(pair: Pair) -> tuple[Range, ...]:
    """Inclusive ranges of requests in debt-token units, disjoint, ascending.

    A request above the last range is refused, or the pool caps it to the range's last call.
    """
    most, balance = pair.most, pair.balance
    whole = first_where(
        lambda request: wanted(pair, request) >= balance, 1, most + 1, near=_buying(pair, balance)
    )
    runs = [_partial(pair, min(whole - 1, most, pair.owed - 1))]
    if whole <= most:
        capped = first_where(lambda request: wanted(pair, request) > balance, whole, most)
        # The capped request may repay less than those before it, so it is judged by itself.
        runs += [_possible(pair, whole, capped - 1), _possible(pair, capped, capped)]
    elif most == pair.owed:
        runs.append(_possible(pair, most, most))
    return joined(runs)


def _partial(pair: Pair, last: int) -> Range | None:
    """Requests up to `last` that leave enough debt and enough collateral."""
    debt, collateral = pair.debt, pair.collateral
    owed = pair.owed - (LEAST_LEFT - 1) * debt.unit // debt.price
    balance = pair.balance - (LEAST_LEFT * collateral.unit - 1) // collateral.price
    dusty = first_where(
        lambda request: pair.rules.leaves_dust(pair, amounts(pair, request)),
        1,
        last + 1,
        near=min(owed, _buying(pair, balance)),
    )
    return _possible(pair, 1, dusty - 1)


def _buying(pair: Pair, amount: int) -> int:
    """The first request that buys `amount` of the collateral."""
    debt, collateral = pair.debt, pair.collateral
    worth = -(-(amount * BPS - BPS // 2) // pair.bonus)
    worth += pair.rules.bonus_mul(worth, pair.bonus) < amount  # where the bonus is not rounded half up
    return -(-worth * collateral.price * debt.unit // (debt.price * collateral.unit))


def _possible(pair: Pair, first: int, last: int) -> Range | None:
    """The part of a run that neither rounds to nothing nor asks for more than the reserve holds."""
    start = first_where(lambda request: _tangible(pair, request), first, last + 1)
    end = first_where(lambda request: lacks_liquidity(pair, amounts(pair, request)), start, last + 1) - 1
    return (start, end) if start <= end else None


def _tangible(pair: Pair, request: int) -> bool:
    taken = amounts(pair, request)
    return not (pays_nothing(pair, taken) or burns_nothing(pair, taken))
