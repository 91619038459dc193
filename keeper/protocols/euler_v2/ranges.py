"""Which amounts of debt a liquidator may take over, so that it works out as planned."""

from collections.abc import Callable

from keeper.protocols.base import Refusal
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.health import exact_debt
from keeper.protocols.euler_v2.liquidation import Bounds, liquidate
from keeper.protocols.euler_v2.names import OWED_UNIT, SHIFT

Range = tuple[int, int]

_SHRINKING = 100_000
"""A limit that shrinks with interest is left by this part: two minutes of 250 % a year."""


def accepted(bounds: Bounds, frame: EulerFrame) -> tuple[Range, ...]:
    """Inclusive ranges of repay amounts in debt-token units, disjoint, ascending.

    Left out are amounts whose shares redeem to nothing or to more than the collateral's vault can pay,
    and the one that the vault would round up to the whole debt.
    """
    most = bounds.repay - (bounds.repay // _SHRINKING if bounds.shrinks else 0)
    if most < 1:
        return ()
    first = _first(lambda request: not _gives_nothing(bounds, request, frame), 1, most + 1)
    last = _first(lambda request: _gives_too_much(bounds, request, frame), first, most + 1) - 1
    if first > last or isinstance(liquidate(bounds, last, frame), Refusal):
        return ()
    whole = exact_debt(bounds.position, frame)
    rounded = whole >> SHIFT
    if not whole % OWED_UNIT or not first <= rounded <= last:
        return ((first, last),)
    around = ((first, rounded - 1), (rounded + 1, last))
    return tuple((low, high) for low, high in around if low <= high)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first of low..high-1 from which `holds` on, `high` if none: shares grow with the amount."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _gives_nothing(bounds: Bounds, request: int, frame: EulerFrame) -> bool:
    outcome = liquidate(bounds, request, frame)
    return outcome.code == "E_ZeroAssets" if isinstance(outcome, Refusal) else not outcome.redeemed


def _gives_too_much(bounds: Bounds, request: int, frame: EulerFrame) -> bool:
    outcome = liquidate(bounds, request, frame)
    return isinstance(outcome, Refusal) and outcome.code == "E_InsufficientCash"
