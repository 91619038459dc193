"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. For a leg with scaled amount q, index i, price p and unit u, let v = q*i*p/(RAY*u) be its
value without rounding, in base units (1e-8 USD). The pool rounds twice, each time against the
account: tokens by less than one token unit, worth p/u, then the value by less than one base unit.
With a = p/u + 1, a collateral leg counts for more than v - a, a debt leg for less than v + a. Let

    N = sum over collateral of LT*max(v - a, 0)        D = sum over debt of (v + a)

Then N/(10^4*D) <= exact HF + 2*10^-18; the last term is the rounding of the final division. That
fraction is what the screen computes. (Releases that round tokens half up err by less.)

The margin. Let e = 2^-53 and the exact health factor be below 1. Terms are never negative, so
rounding q, i, p, their products and quotients and adding at most 128 legs gives a relative error
below 150e on either sum, except that v - a can cancel: there the error is below 10e*(v + a), that
is 10e*max(v - a, 0) + 20e*a. A leg whose computed v - a is positive has v > p/u (given that a token
unit is worth less than 10^14 base units, a million dollars), hence at least one whole token unit, which the
pool counts for at least a - 2. So the sum of LT*a over these legs is at most the exact weighted
collateral + 2*128*10^4, and both are at most 257*10^4 times the exact debt, which is at least 1 and
at most D. Together the computed fraction exceeds its true value by less than
(150 + 150 + 10 + 20*257)e < 10^-12. SCREEN_MARGIN is a thousand times that, hence: an account
whose exact health factor is below 1 always screens below 1 + SCREEN_MARGIN. The other way the bound
is loose only for dust, where a token unit or a base unit weighs something: dust goes to the exact
computation.
"""

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.aave_v3.frame import AaveFrame
from keeper.protocols.base import Book, Floats, Side
from keeper.types import BPS, RAY

SCREEN_MARGIN = 1e-9


def screen(book: Book, frame: AaveFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a price is missing."""
    legs = book.columns()
    accounts = len(book.accounts())
    income, debt_index, price, unit = _by_reserve(frame)
    step = price / unit + 1.0
    held = legs.quantity > 0
    rows = np.flatnonzero(held & (legs.side == Side.DEBT))
    asset = legs.asset[rows]
    owed = legs.quantity[rows] * debt_index[asset] * (price / unit)[asset] + step[asset]
    debt = np.bincount(legs.account[rows], weights=owed, minlength=accounts)
    rows = np.flatnonzero(held & (legs.side == Side.COLLATERAL) & legs.enabled)
    asset, account = legs.asset[rows], legs.account[rows]
    value = legs.quantity[rows] * income[asset] * (price / unit)[asset] - step[asset]
    weighted = np.maximum(value, 0.0) * _thresholds(book, frame)[book.groups()[account], asset]
    power = np.bincount(account, weights=weighted, minlength=accounts)
    health = np.full(accounts, np.inf)
    np.divide(power, debt * BPS, out=health, where=debt != 0.0)
    return health


def _by_reserve(frame: AaveFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """Income and debt factors, price (NaN where missing) and unit, by reserve id."""
    numbers = frame.numbers
    return (
        np.array([n[0] / RAY for n in numbers]),
        np.array([n[1] / RAY for n in numbers]),
        np.array([float(n[2]) if n[2] else np.nan for n in numbers]),
        np.array([float(n[3]) for n in numbers]),
    )


def _thresholds(book: Book, frame: AaveFrame) -> NDArray[np.float64]:
    """Liquidation threshold (bps) by eMode category and reserve id, for every category in use."""
    highest = int(book.groups().max(initial=0))
    table = [frame.limits_of(category).threshold for category in range(highest + 1)]
    return np.array(table, dtype=np.float64).reshape(highest + 1, len(frame.numbers))
