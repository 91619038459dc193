"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. For a collateral leg of amount q at price p and scale s, with factor f <= 1, let v = q*p*f/s be
its weighted value without rounding. The contract rounds twice, each time by less than one unit (1e-8), so
that it counts for more than v - 2 and never for less than 0. A debt of principal d with index i at price b
and scale t counts for at most D = d*i*b/(1e15*t). Let

    N = sum over collateral of max(v - 2, 0)

Then N/D is at most what the contract's own integers give, weighted collateral C over debt E: N <= C, E <= D.
An account can be absorbed exactly when C < E, and then N/D < 1. That fraction is what the screen computes.

The margin. Let e = 2^-53. Terms are never negative, so rounding the at most 8 factors of a term and adding
at most 24 terms gives a relative error below 40e on either sum, except that v - 2 can cancel: there the
error is below 10e*v <= 10e*max(v - 2, 0) + 20e. Over 24 legs the last term is at most 480e. Where C < E, E is
at least 1, hence D is, and the computed fraction exceeds its true value by less than (40 + 40 + 10 + 480)e
< 10^-13. SCREEN_MARGIN is ten thousand times that.
"""

import numpy as np

from keeper.protocols.base import Book, Floats, Side
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.math import INDEX_SCALE
from keeper.protocols.comet.records import BASE
from keeper.protocols.comet.storefront import goods
from keeper.types import WAD

SCREEN_MARGIN = 1e-9


def screen(book: Book, frame: CometFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a price is missing.

    The comet's own row is 0 while the storefront sells something.
    """
    power, debt = _power(book, frame), _debt(book, frame)
    health = np.full(len(debt), np.inf)
    np.divide(power, debt, out=health, where=debt != 0.0)
    row = book.row(frame.comet)
    if row is not None and goods(frame):
        health[row] = 0.0
    return health


def _debt(book: Book, frame: CometFrame) -> Floats:
    legs = book.columns()
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    worth = frame.indexes.borrow / INDEX_SCALE * frame.price / frame.terms.scale if frame.price else np.nan
    owed = legs.quantity[rows] * worth
    return np.bincount(legs.account[rows], weights=owed, minlength=len(book.accounts())).astype(np.float64)


def _power(book: Book, frame: CometFrame) -> Floats:
    legs = book.columns()
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.COLLATERAL) & (legs.asset != BASE))
    weights = np.zeros(int(legs.asset.max(initial=0)) + 1)  # 0 for assets that the comet does not list
    for asset in frame.assets:
        if asset.number < len(weights):
            factor = asset.terms.liquidate_factor / WAD
            weights[asset.number] = asset.price / asset.terms.scale * factor if asset.price else np.nan
    value = np.maximum(legs.quantity[rows] * weights[legs.asset[rows]] - 2.0, 0.0)
    return np.bincount(legs.account[rows], weights=value, minlength=len(book.accounts())).astype(np.float64)
