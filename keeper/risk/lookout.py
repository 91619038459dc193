"""Who may have fallen below 1 since everybody was looked at, without looking at everybody again.

The bound. Let HF = N / D be an account's screened health factor then (see `Scaled`), and let between then
and now every factor and unit change by a ratio of at least c and at most d, c <= 1 <= d. For a collateral leg
with v = q * factor, u = unit and ratios r of the one and s of the other, the value now is at least

    r * v - s * u - 1 >= c * (v - u - 1) - (1 - c) - max(s - r, 0) * u

where the last term is 0 unless indexes fell, as they do when the next block is expected earlier than before.
A debt leg is now at most d * (v + u + 1). Let e be 1 - c and the largest of the last terms together; then,
with at most LEGS roundings of one base unit,

    HF now >= (c * N - LEGS * e) / (d * D) = (c * HF - e * LEGS / D) / d

so whoever has c * HF - e * LEGS / D >= d * (1 + margin) is above 1 now. With c and 1 - e at least 1/2 that is
everybody whose HF - LEGS / D, by which accounts are sorted beforehand, is at least d * (1 + margin) / c; the
others are looked at one by one. Accounts whose legs changed are judged anew in any case.

The bound takes everybody to hold what fell most and to owe what rose most. Where that leaves many, because
one price jumped up and another down, they are screened: they alone, not everybody.
"""

from collections.abc import Iterator
from operator import truediv
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import Book, Floats, Market, Side
from keeper.protocols.scaled import LEGS, Factors, Scaled

ROUNDING = 1e-11
"""More than what float64 makes of the bound, relative."""

STEEPEST = 0.5
"""The lowest c and the highest e for which accounts are sorted the right way."""

FEW = 100
"""So many suspects cost no more to judge exactly than a screen of them does."""

SHARE = 0.25
"""Of all accounts: a screen of more costs as much as one of everybody."""


class Base(NamedTuple):
    """Everybody's health factor at one revision of a book; `dust` is LEGS / D by row.

    `order` are the rows by `floor`, health less dust; those that nobody could judge come first.
    """

    book: Book
    revision: int
    factors: Factors
    health: Floats
    dust: Floats
    order: NDArray[np.intp]
    floor: Floats


class Moved(NamedTuple):
    """c, d and e of the bound."""

    falls: float
    grows: float
    slack: float


class Lookout:
    """Keeps what everybody's health factor was, and says who may be below 1 now."""

    def __init__(self) -> None:
        self._base: Base | None = None

    def suspects(self, market: Market, frame: Any) -> NDArray[np.intp] | None:
        """Rows among which is everybody below 1 at `frame`; None where only a full screen can tell."""
        base = self._base
        if base is None or base.book is not market.book or not isinstance(market, Scaled):
            return None
        factors = market.factors(frame)
        if factors is None:
            return None
        moved = _moved(base.factors, factors)
        if moved is None:
            return None
        falls, grows, slack = moved
        least = (1 + market.screen_margin) * (1 + ROUNDING) * grows
        near = base.order[: np.searchsorted(base.floor, least / falls)]
        if len(near) > FEW:
            safe = falls * base.health[near] - slack * base.dust[near] >= least  # NaN is not
            near = near[~safe]
        rows = np.array(sorted({*near.tolist(), *market.book.changed(base.revision).tolist()}), np.intp)
        if len(rows) <= FEW:
            return rows
        if len(rows) > max(FEW, SHARE * len(base.health)):
            return None
        return rows[~(market.screen_of(rows, frame) >= 1 + market.screen_margin)]

    def rest(self, market: Market, frame: Any) -> None:
        """Look at everybody, as at `frame`: done when nothing waits for it, the next answer comes sooner."""
        factors = market.factors(frame) if isinstance(market, Scaled) else None
        if factors is None:
            self._base = None
            return
        base = self._base
        revision = market.book.revision
        current = base is not None and base.book is market.book and base.revision == revision
        if base is not None and current and base.factors == factors:
            return  # prices that moved are worth a new look, however little
        health, dust = market.screen(frame), _dust(market.book, factors)
        floor = np.where(np.isnan(health), -np.inf, health - dust)
        order = np.argsort(floor)
        self._base = Base(market.book, revision, factors, health, dust, order, floor[order])


def _moved(then: Factors, now: Factors) -> Moved | None:
    """From `then` to `now`; None where the bound does not hold, or says nothing."""
    if then.fixed != now.fixed or len(then.unit) != len(now.unit):
        return None
    falls = grows = 1.0
    worst = 0.0
    for before, after in zip(_by_asset(then), _by_asset(now), strict=True):
        if not any(before) and not any(after):
            continue
        if not all(before) or not all(after):
            return None  # what had no price has one now, or the other way round; or an index is 0
        ratios = collateral, _, unit = tuple(map(truediv, after, before))
        falls, grows = min(falls, *ratios), max(grows, *ratios)
        worst = max(worst, (unit * (1 + ROUNDING) - collateral) * before[2])
    slack = 1 - falls + worst
    return Moved(falls, grows, slack) if falls >= STEEPEST >= slack else None


def _by_asset(factors: Factors) -> Iterator[tuple[float, float, float]]:
    return zip(factors.collateral, factors.debt, factors.unit, strict=True)


def _dust(book: Book, factors: Factors) -> Floats:
    """LEGS / D for everybody, or more."""
    legs = book.columns()
    rows = np.flatnonzero((legs.quantity > 0) & (legs.side == Side.DEBT))
    owed = legs.quantity[rows] * np.array(factors.debt)[legs.asset[rows]]
    sums = np.bincount(legs.account[rows], weights=owed, minlength=len(book.accounts()))
    dust: Floats = LEGS / np.maximum(sums, 1.0)
    return dust
