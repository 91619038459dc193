"""Which amounts of debt a liquidator may take over, so that it works out as planned."""

from keeper.protocols.base import Refusal
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.health import exact_debt
from keeper.protocols.euler_v2.liquidation import Bounds, assess, liquidate
from keeper.protocols.euler_v2.names import OWED_UNIT, SHIFT
from keeper.protocols.runs import Range, first_where
from keeper.types import RAY

WINDOW = 120
"""Seconds before and after the frame's time in which a planned amount must still be accepted."""


def accepted(bounds: Bounds, frame: EulerFrame) -> tuple[Range, ...]:
    """Inclusive ranges of repay amounts in debt-token units, disjoint, ascending.

    The vault takes nothing above its limit, which moves with time: more debt makes it larger where the debt
    is the limit, worse health makes it smaller where the collateral is. So planned amounts keep below what
    it was WINDOW ago and will be within WINDOW. Left out are also amounts whose shares redeem to nothing or
    to more than the collateral's vault can pay, and the one that would be rounded up to the whole debt.
    """
    most = min(bounds.repay, _later(bounds, frame)) - _grown(bounds, frame)
    if most < 1:
        return ()
    first = first_where(lambda request: not _gives_nothing(bounds, request, frame), 1, most + 1)
    last = first_where(lambda request: _gives_too_much(bounds, request, frame), first, most + 1) - 1
    if first > last or isinstance(liquidate(bounds, last, frame), Refusal):
        return ()
    whole = exact_debt(bounds.position, frame)
    rounded = whole >> SHIFT
    if not whole % OWED_UNIT or not first <= rounded <= last:
        return ((first, last),)
    around = ((first, rounded - 1), (rounded + 1, last))
    return tuple((low, high) for low, high in around if low <= high)


def _grown(bounds: Bounds, frame: EulerFrame) -> int:
    """How much of the limit may be interest of one WINDOW, with two units for what is rounded."""
    numbers = {bounds.position.controller, *(number for number, _ in bounds.position.collaterals)}
    rate = sum(frame.vault(number).status.rate for number in numbers if frame.vault(number).vault.asset)
    return bounds.repay * rate * WINDOW // RAY + 2 if rate else 0


def _later(bounds: Bounds, frame: EulerFrame) -> int:
    """The limit after WINDOW, if nothing happens but interest and ramps."""
    later = assess(bounds.position, bounds.collateral, frame.ahead(WINDOW))
    return bounds.repay if isinstance(later, Refusal) else later.repay


def _gives_nothing(bounds: Bounds, request: int, frame: EulerFrame) -> bool:
    outcome = liquidate(bounds, request, frame)
    return outcome.code == "E_ZeroAssets" if isinstance(outcome, Refusal) else not outcome.redeemed


def _gives_too_much(bounds: Bounds, request: int, frame: EulerFrame) -> bool:
    outcome = liquidate(bounds, request, frame)
    return isinstance(outcome, Refusal) and outcome.code == "E_InsufficientCash"
