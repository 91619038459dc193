"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. A liquidation sees each market either as stored or as accrued. Let k be the smaller of the two
weights of a vToken unit in the account's pool (the comptroller's tokensToDenom, an exact integer), i the
accrued borrow index, which is never below the stored one, and p the price. A collateral leg of t vTokens
counts for floor(k' t / 1e18) with k' >= k, hence for more than k t / 1e18 - 1. A debt leg with quantity
q >= principal * 1e36 / user index counts for at most p q i / 1e54. With VAI debt V let

    N = sum over entered collateral of max(k t / 1e18 - 1, 0)     D = sum over debt of p q i / 1e54 + V

Then N / D is at most the exact ratio of any liquidation's sums, so an account with a shortfall has N < D.

The margin. Let e = 2^-53. Terms are never negative, so rounding k, t, p, q, i, their products and quotients
and adding at most 128 legs gives a relative error below 150e on either sum, except that k t / 1e18 - 1 can
cancel: there the error is below 10e * (max(k t / 1e18 - 1, 0) + 2). The exact debt of an account with a
shortfall is an integer of at least 1, so these terms add less than 128 * 20e to the fraction. Together the
computed fraction exceeds its true value by less than (150 + 150 + 10 + 2560)e < 10^-12. SCREEN_MARGIN is a
thousand times that. Accounts whose debt may be liquidated without a shortfall screen as 0.
"""

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import Book, Floats, LegColumns, Side
from keeper.protocols.venus.frame import VenusFrame
from keeper.protocols.venus.liquidity import is_free
from keeper.protocols.venus.position import Position, vai_debt
from keeper.protocols.venus.records import CORE, SCALE
from keeper.types import WAD

SCREEN_MARGIN = 1e-9


def screen(book: Book, frame: VenusFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt, NaN where a price is missing."""
    legs = book.columns()
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    debt = _sums(book, legs.account[rows], legs.quantity[rows] * _per_unit(frame)[legs.asset[rows]])
    for account in book.get(("vai_borrowers",), ()):
        row = book.row(account)
        if row is not None:
            debt[row] += float(vai_debt(Position.of(book, account), frame))
    health = np.full(len(debt), np.inf)
    np.divide(_power(book, legs, frame), debt, out=health, where=debt != 0.0)
    health[_free(book, legs, rows, frame)] = 0.0
    return health


def _per_unit(frame: VenusFrame) -> Floats:
    """USD (18 decimals) of a unit of debt quantity, by market; NaN without a price, 0 where unlisted."""
    worth = [_debt_unit(frame, number) for number in range(len(frame.markets))]
    return np.array(worth, dtype=np.float64)


def _debt_unit(frame: VenusFrame, number: int) -> float:
    market = frame.markets[number]
    if not market.listed:
        return 0.0
    if not market.price:
        return float("nan")
    return market.price / WAD * (market.accrued.state.borrow_index / SCALE)


def _power(book: Book, legs: LegColumns, frame: VenusFrame) -> Floats:
    """Less than what each account's collateral counts for."""
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.COLLATERAL) & legs.enabled)
    pools = book.groups()[legs.account[rows]]
    power = np.zeros(len(rows))
    for pool in np.unique(pools).tolist():
        weights = _lesser(frame, pool)
        mine = pools == pool
        power[mine] = legs.quantity[rows[mine]] * weights[legs.asset[rows[mine]]] - 1.0
    return _sums(book, legs.account[rows], np.maximum(power, 0.0))


def _lesser(frame: VenusFrame, pool: int) -> Floats:
    weights = frame.weights(pool)
    pairs = zip(weights.stored, weights.accrued, frame.markets, strict=True)
    lesser = [min(stored, accrued) / WAD if market.listed else 0.0 for stored, accrued, market in pairs]
    return np.array(lesser, dtype=np.float64)


def _free(book: Book, legs: LegColumns, rows: NDArray[np.intp], frame: VenusFrame) -> list[int]:
    """Rows of accounts with debt that needs no shortfall to be liquidated."""
    if not (_any_free(frame) or frame.forced_accounts):
        return []
    accounts = book.accounts()
    found = []
    for row in np.unique(legs.account[rows]).tolist():
        position = Position.of(book, accounts[row])
        if any(is_free(position, number, frame) for number in position.loans):
            found.append(row)
    return found


def _any_free(frame: VenusFrame) -> bool:
    limits = frame.pools[CORE].limits
    return any(
        market.forced or (frame.rules.deprecation and limits[market.number].factor == 0)
        for market in frame.markets
    )


def _sums(book: Book, rows: NDArray[np.int32], values: Floats) -> Floats:
    sums: Floats = np.bincount(rows, weights=values, minlength=len(book.accounts())).astype(np.float64)
    return sums
