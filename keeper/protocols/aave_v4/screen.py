"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. A collateral leg of s shares is worth floor(s*A/S) token units at a hub with A assets and S
shares, times the value p of one unit. With v = s*A/S*p that is more than v - p, so the leg counts for

    c = max(v - p*(1 + 10^-9), 0)

times its collateral factor. Debt is not rounded by the spoke: (d*i + premium)*p/RAY as it stands. The
quotient of both sums, with factors in bps and hence divided by 10^4, is at most the exact health factor
before its last rounding, which takes less than 10^-18.

The margin. Let e = 2^-53. Terms are never negative: every c, and the premium of an account, which is
taken with exact integers because its two parts may cancel. Rounding s, A, S, p, d, i, their products and
quotients and adding at most 128 legs gives a relative error below 150e on either sum, except that v and
p may cancel in c: there the error is below 10e*(v + p). A leg whose computed c is positive has
v > p*(1 + 10^-9)*(1 - 10e) > p, hence at least one whole token unit; it is worth exactly at least
max(p, v - p) >= v/2, so that error is below 40e of its exact value. Together the computed quotient
exceeds the true one by a factor below 1 + 400e < 1 + 10^-12. SCREEN_MARGIN is a thousand times that: an
account whose exact health factor is below 1 always screens below 1 + SCREEN_MARGIN. The other way the
bound is loose only where one token unit weighs something.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.records import Terms
from keeper.protocols.base import Book, Floats, Side
from keeper.types import BPS, RAY

SCREEN_MARGIN = 1e-9

_SLACK = 1 + 1e-9
_DOLLAR = 10**26


def screen(book: Book, frame: SpokeFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a price is missing."""
    legs = book.columns()
    debts = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    owing = np.zeros(len(book.accounts()), np.bool_)
    owing[legs.account[debts]] = True
    backing = np.flatnonzero(
        (legs.quantity > 0) & (legs.side == Side.COLLATERAL) & legs.enabled & owing[legs.account]
    )
    debt = _sums(book, debts, _debts(book, frame, debts))
    power = _sums(book, backing, _powers(book, frame, backing))
    health = np.full(len(debt), np.inf)
    np.divide(power, debt * BPS, out=health, where=owing)
    return health


def _debts(book: Book, frame: SpokeFrame, rows: NDArray[np.intp]) -> Floats:
    """What the accounts owe in each of these legs, in dollars."""
    legs = book.columns()
    reserves = legs.asset[rows]
    indexes = {number: reserve.index for number, reserve in frame.reserves.items()}
    premiums = [
        (terms.premium_shares * indexes.get(reserve, 0) - terms.premium_offset) / RAY
        for terms, reserve in zip(_terms(book, rows), reserves.tolist(), strict=True)
    ]
    owed = legs.quantity[rows] * _column(book, frame, "index")[reserves] + np.array(premiums)
    debts: Floats = owed * _column(book, frame, "price")[reserves]
    return debts


def _powers(book: Book, frame: SpokeFrame, rows: NDArray[np.intp]) -> Floats:
    """Less than what these legs support, in dollars times bps."""
    legs = book.columns()
    reserves = legs.asset[rows]
    price = _column(book, frame, "price")[reserves]
    value = legs.quantity[rows] * _column(book, frame, "rate")[reserves] * price
    configs = {number: reserve.configs for number, reserve in frame.reserves.items()}
    factors = [
        known[terms.key].factor if terms.key < len(known := configs.get(reserve, ())) else 0
        for terms, reserve in zip(_terms(book, rows), reserves.tolist(), strict=True)
    ]
    powers: Floats = np.maximum(value - price * _SLACK, 0.0) * np.array(factors, dtype=np.float64)
    return powers


def _terms(book: Book, rows: NDArray[np.intp]) -> Iterator[Terms]:
    """The accounts' terms in each of these legs."""
    legs, accounts, none = book.columns(), book.accounts(), Terms()
    for row, reserve in zip(legs.account[rows].tolist(), legs.asset[rows].tolist(), strict=True):
        yield book.get(("terms", accounts[row], reserve), none)


def _column(book: Book, frame: SpokeFrame, name: str) -> Floats:
    """A number of every reserve by id; NaN where the reserve is not known or has no price."""
    column = np.full(int(book.columns().asset.max(initial=-1)) + 1, np.nan)
    for number, reserve in frame.reserves.items():
        if number < len(column) and reserve.price:
            assets, shares = reserve.rate
            column[number] = {
                "index": reserve.index / RAY,
                "rate": assets / shares,
                "price": reserve.unit_value / _DOLLAR,
            }[name]
    return column


def _sums(book: Book, rows: NDArray[np.intp], values: Floats) -> Floats:
    accounts = book.columns().account[rows]
    sums: Floats = np.bincount(accounts, weights=values, minlength=len(book.accounts())).astype(np.float64)
    return sums
