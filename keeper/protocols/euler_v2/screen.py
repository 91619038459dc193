"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. A quote is a chain of steps x -> floor(x * s). Followed without rounding, shares q give
v = q * s1 * s2 ..., and every step's rounding takes less than one unit off, which the steps after it
scale: the exact result is above v - a with a = s2*s3*... + s3*... + ... + 1. The last step of a
collateral is its LTV. A debt of q (2^-31 assets) with interest is less than q*g/2^31 + 1 assets, where
g is the accumulator's growth since it was written; quotes of it round down. Let

    N = sum over enabled collaterals of max(v - a, 0)        D = (q*g/2^31 + 1) * s1 * s2 ...

Then N <= collateral value and liability value <= D exactly, so that N/D <= 1 for every account in
violation (collateral <= liability). That fraction is what the screen computes, with v taken smaller, and
a and D larger, by one part in 10^10.

The margin. Let e = 2^-53. Each of v, a, D is a product and sum of at most 20 positive numbers, each
rounded once (Python divides integers correctly rounded), so it has a relative error below 60e < 10^-14,
which the 10^-10 covers: the computed terms are at most max(v - a, 0), but for the rounding of one
subtraction and of a sum of at most 64 terms, which is below 70e relative. So the computed fraction of an
account in violation is below 1 + 10^-13, and SCREEN_MARGIN is ten thousand times that. The other way the
bound is loose by a part in 10^9 or for dust: both go to the exact computation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import Book, Floats, LegColumns, Side
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.math import total_assets
from keeper.protocols.euler_v2.names import OWED_UNIT, SCALE, VIRTUAL_DEPOSIT
from keeper.protocols.euler_v2.records import Hop, Scale

SCREEN_MARGIN = 1e-9
_SLACK = 1e-10


class Line(NamedTuple):
    """A quote as a straight line: what a unit is worth, and the most that rounding takes off the result."""

    slope: float
    loss: float


_UNQUOTED = Line(np.nan, np.nan)
_WORTHLESS = Line(0.0, 0.0)


def screen(book: Book, frame: EulerFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a quote is missing."""
    legs = book.columns()
    groups = book.groups()
    debt = _debt(book, frame, legs, groups)
    power = _power(frame, legs, groups, debt)
    health = np.full(len(debt), np.inf)
    np.divide(power, debt, out=health, where=debt != 0.0)
    return health


def _debt(book: Book, frame: EulerFrame, legs: LegColumns, groups: NDArray[np.int32]) -> Floats:
    """More than what each account owes to its controller, in the unit of account."""
    debt = np.zeros(len(book.accounts()))
    accounts = book.accounts()
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    for row, number, owed in zip(
        legs.account[rows].tolist(), legs.asset[rows].tolist(), legs.quantity[rows].tolist(), strict=True
    ):
        if groups.item(row) != number + 1:
            continue
        growth = frame.vault(number).status.accumulator / book.get(("since", number, accounts[row]))
        slope = _line(frame, number, number).slope
        debt[row] = (owed * growth / OWED_UNIT + 1.0) * slope * (1.0 + _SLACK)
    return debt


def _power(frame: EulerFrame, legs: LegColumns, groups: NDArray[np.int32], debt: Floats) -> Floats:
    """Less than the collateral value of each account that owes, in its controller's unit of account."""
    chosen = (legs.quantity > 0) & (legs.side == Side.COLLATERAL) & legs.enabled & (debt[legs.account] != 0.0)
    rows = np.flatnonzero(chosen)
    account, asset = legs.account[rows], legs.asset[rows]
    pairs = groups[account].astype(np.int64) << 16 | asset
    unique, places = np.unique(pairs, return_inverse=True)
    lines = [_collateral_line(frame, (pair >> 16) - 1, pair & 0xFFFF) for pair in unique.tolist()]
    table = np.array(lines, dtype=np.float64).reshape(len(lines), 2)[places]
    value = legs.quantity[rows] * table[:, 0] * (1.0 - _SLACK) - table[:, 1] * (1.0 + _SLACK)
    value = np.maximum(value, 0.0)
    sums: Floats = np.bincount(account, weights=value, minlength=len(debt)).astype(np.float64)
    return sums


def _collateral_line(frame: EulerFrame, controller: int, number: int) -> Line:
    ltv = frame.ltvs(controller).get(number, 0)
    if not ltv:
        return _WORTHLESS
    slope, loss = _line(frame, controller, number)
    return Line(slope * ltv / SCALE, loss * ltv / SCALE + 1.0)


def _line(frame: EulerFrame, controller: int, number: int) -> Line:
    steps = frame.steps(controller, number)
    if steps is None:
        return _UNQUOTED
    slope, loss = 1.0, 0.0
    for step in steps:
        factor = _factor(frame, step)
        slope, loss = slope * factor, loss * factor + 1.0
    return Line(slope, loss)


def _factor(frame: EulerFrame, step: Hop | Scale) -> float:
    if isinstance(step, Scale):
        return step.num / step.den
    status = frame.vault(step.vault).status
    return (total_assets(status) + VIRTUAL_DEPOSIT) / (status.shares + VIRTUAL_DEPOSIT)
