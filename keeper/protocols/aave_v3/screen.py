"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. For a leg with scaled amount q, index i, price p and unit u, let v = q*i*p/(RAY*u) be its
value without rounding, in base units (1e-8 USD). The pool rounds twice, each time against the
account: tokens by less than one token unit, worth p/u, then the value by less than one base unit.
With a = p/u + 1, a collateral leg counts for more than v - a, a debt leg for less than v + a. Let

    N = sum over collateral of LT*max(v - a, 0)        D = sum over debt of (v + a)

Then N/(10^4*D) <= exact HF + 2*10^-18; the last term is the rounding of the final division. That
fraction is what the screen computes. Releases up to v3.4 err by less on tokens, but they cut the
average threshold to whole basis points and round its product with the collateral: there LT is taken
one basis point lower and N by half a base unit, which is at most what that can cost.

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

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.base import Book, Floats, LegColumns, Side
from keeper.protocols.scaled import Factors
from keeper.types import BPS, RAY

SCREEN_MARGIN = 1e-9


class Crowd(NamedTuple):
    """Accounts to screen: their legs, and the eMode category of each."""

    legs: LegColumns
    groups: NDArray[np.int32]

    @classmethod
    def of(cls, book: Book) -> Self:
        """All of a book."""
        return cls(book.columns(), book.groups())


def screen_v3_0(book: Book, frame: AaveFrame) -> Floats:
    """As `screen_v3_5`, up to v3.4."""
    crowd = Crowd.of(book)
    power = _less_power(crowd, frame)
    debt = _debt(crowd, frame)
    for account in book.get(("borrowers_at_stable_rates",), ()):
        row = book.row(account)
        numbers = frame.limits_of(book.group(account)).numbers
        for loan in book.get(("loans", account)) if row is not None else ():
            _, _, price, unit = numbers[loan.reserve]
            debt[row] += (balance(loan, frame) + 1) * price / unit + 1 if price else np.nan
    return _ratio(power, debt)


def screen_v3_5(book: Book, frame: AaveFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a price is missing."""
    crowd = Crowd.of(book)
    return _ratio(_power(crowd, frame, lower=0.0), _debt(crowd, frame))


def screen_of(book: Book, rows: NDArray[np.intp], frame: AaveFrame) -> Floats:
    """A lower bound in every release, for the accounts in `rows` alone; holds where there are `factors`."""
    crowd = Crowd(book.columns_of(rows), book.groups()[rows])
    return _ratio(_less_power(crowd, frame), _debt(crowd, frame))


def factors(book: Book, frame: AaveFrame) -> Factors | None:
    """What the screen multiplies quantities with; see `keeper.protocols.scaled`.

    None where debt grows at rates of its own, has a price by eMode, is discounted, or where the pool's own
    word is all there is.
    """
    special = (
        not frame.rules.computed
        or bool(book.get(("borrowers_at_stable_rates",), ()))
        or any(limits.debt_price for limits in frame.limits.values())
        or any(reserve is not None and reserve.discounted for reserve in frame.reserves)
    )
    if special:
        return None
    fixed = tuple((group, limits.threshold) for group, limits in frame.limits.items())
    unit = tuple(price / unit for _, _, price, unit in frame.numbers)
    collateral = tuple(n[0] / RAY * worth for n, worth in zip(frame.numbers, unit, strict=True))
    debt = tuple(n[1] / RAY * worth for n, worth in zip(frame.numbers, unit, strict=True))
    return Factors(collateral, debt, unit, fixed)


def _ratio(power: Floats, debt: Floats) -> Floats:
    health = np.full(len(debt), np.inf)
    np.divide(power, debt * BPS, out=health, where=debt != 0.0)
    return health


def _debt(crowd: Crowd, frame: AaveFrame) -> Floats:
    """More than what each account owes, in base units."""
    legs = crowd.legs
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    index = np.array([n[1] / RAY for n in frame.numbers])
    worth = _worth(crowd, frame, rows)
    owed = legs.quantity[rows] * index[legs.asset[rows]] * worth + (worth + 1.0)
    return _sums(crowd, rows, owed)


def _less_power(crowd: Crowd, frame: AaveFrame) -> Floats:
    """As `_power`, where the average threshold is cut to whole basis points."""
    return np.maximum(_power(crowd, frame, lower=1.0) - BPS / 2, 0.0)


def _power(crowd: Crowd, frame: AaveFrame, lower: float) -> Floats:
    """Less than each account's collateral weighted by threshold less `lower`, in base units times bps."""
    legs = crowd.legs
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.COLLATERAL) & legs.enabled)
    income = np.array([n[0] / RAY for n in frame.numbers])
    worth = _worth(crowd, frame, rows)
    asset, account = legs.asset[rows], legs.account[rows]
    value = legs.quantity[rows] * income[asset] * worth - (worth + 1.0)
    thresholds = np.maximum(_thresholds(crowd, frame) - lower, 0.0)
    weighted = np.maximum(value, 0.0) * thresholds[crowd.groups[account], asset]
    return _sums(crowd, rows, weighted)


def _sums(crowd: Crowd, rows: NDArray[np.intp], values: Floats) -> Floats:
    """Sums of `values`, which belong to the legs in `rows`, by account."""
    accounts = crowd.legs.account[rows]
    return np.bincount(accounts, weights=values, minlength=len(crowd.groups)).astype(np.float64)


def _worth(crowd: Crowd, frame: AaveFrame, rows: NDArray[np.intp]) -> Floats:
    """Base units per token unit of the legs in `rows`, NaN where a price is missing."""
    legs, groups = crowd
    asset = legs.asset[rows]
    if any(limits.debt_price for limits in frame.limits.values()):
        table = [frame.limits_of(group).numbers for group in range(int(groups.max(initial=0)) + 1)]
        by_group = np.array([[n[2] / n[3] if n[2] else np.nan for n in numbers] for numbers in table])
        worth: Floats = by_group.reshape(len(table), -1)[groups[legs.account[rows]], asset]
    else:
        worth = np.array([n[2] / n[3] if n[2] else np.nan for n in frame.numbers])[asset]
    return worth


def _thresholds(crowd: Crowd, frame: AaveFrame) -> Floats:
    """Liquidation threshold (bps) by eMode category and reserve id, for every category in use."""
    highest = int(crowd.groups.max(initial=0))
    table = [frame.limits_of(category).threshold for category in range(highest + 1)]
    return np.array(table, dtype=np.float64).reshape(highest + 1, len(frame.numbers))
