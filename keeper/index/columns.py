"""The numpy side of a book: what vectorised screens read, brought up to date when somebody looks.

Writing one element of a numpy column costs more than all else that a log changes, and a backfill
changes millions before anybody looks. So the book keeps lists, and notes which of their entries the
columns do not show yet.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import LegColumns

FIRST_CAPACITY = 1024
REMEMBERED = 10_000
"""Changes of which the rows are known: far more than a block brings."""

ASSET_BITS = 16
_ASSETS = (1 << ASSET_BITS) - 1


def split(place: Any) -> tuple[Any, Any, Any]:
    """(row, asset, side) of a leg's place, or of an array of places.

    A place is one integer, `(row << ASSET_BITS | asset) << 1 | side`.
    """
    return place >> ASSET_BITS + 1, place >> 1 & _ASSETS, place & 1


class Columns:
    """Columns with an entry per leg, one of groups with an entry per row, and the rows that changed last."""

    def __init__(self) -> None:
        self._legs = 0
        self._account = np.zeros(FIRST_CAPACITY, np.int32)
        self._asset = np.zeros(FIRST_CAPACITY, np.int32)
        self._side = np.zeros(FIRST_CAPACITY, np.int8)
        self._quantity = np.zeros(FIRST_CAPACITY, np.float64)
        self._enabled = np.zeros(FIRST_CAPACITY, np.bool_)
        self._rows = 0
        self._groups = np.zeros(FIRST_CAPACITY, np.int32)
        self._changes: deque[tuple[int, int]] = deque()  # (revision, row), ascending
        self._forgotten = 0  # revision of the latest change that is not among them

    def legs(self) -> LegColumns:
        """The columns with an entry per leg."""
        count = self._legs
        return LegColumns(
            self._account[:count],
            self._asset[:count],
            self._side[:count],
            self._quantity[:count],
            self._enabled[:count],
        )

    def legs_of(self, rows: NDArray[np.intp]) -> LegColumns:
        """As `legs`, of the accounts in `rows`; `account` is the place there."""
        places = np.full(self._rows, -1, np.int32)
        places[rows] = np.arange(len(rows), dtype=np.int32)
        found = places[self._account[: self._legs]]
        legs = np.flatnonzero(found >= 0)
        return LegColumns(
            found[legs], self._asset[legs], self._side[legs], self._quantity[legs], self._enabled[legs]
        )

    def groups(self) -> NDArray[np.int32]:
        """Group by row."""
        return self._groups[: self._rows]

    def changed(self, since: int) -> NDArray[np.intp]:
        """Rows that changed after revision `since`; all rows where that is too long ago to tell."""
        if since < self._forgotten:
            return np.arange(self._rows)
        rows = {row for _, row in takewhile(lambda change: change[0] > since, reversed(self._changes))}
        return np.array(sorted(rows), np.intp)

    def extend(self, places: Sequence[int], rows: int) -> None:
        """Add the legs at `places` that are new, and rows up to `rows`."""
        if rows > len(self._groups):
            self._groups = _grown(self._groups, rows)
        self._rows = rows
        fresh = slice(self._legs, len(places))
        if fresh.start == fresh.stop:
            return
        self._legs = len(places)
        if self._legs > len(self._account):
            self._account, self._asset = _grown(self._account, self._legs), _grown(self._asset, self._legs)
            self._side, self._quantity = _grown(self._side, self._legs), _grown(self._quantity, self._legs)
            self._enabled = _grown(self._enabled, self._legs)
        fields = split(np.array(places[fresh], np.int64))
        self._account[fresh], self._asset[fresh], self._side[fresh] = fields

    def write(
        self,
        legs: Mapping[int, int],
        quantities: Sequence[int],
        flags: Sequence[bool],
        rows: Mapping[int, int],
        groups: Sequence[int],
    ) -> None:
        """Take over quantity and flag of `legs` and the group of `rows`, given with their last revisions."""
        for leg in legs:  # as fast as numpy where they are many, and faster where they are few
            self._quantity[leg] = quantities[leg]
            self._enabled[leg] = flags[leg]
        for row in rows:
            self._groups[row] = groups[row]
        self._note(legs, rows)

    def _note(self, legs: Mapping[int, int], rows: Mapping[int, int]) -> None:
        if len(legs) + len(rows) > REMEMBERED:
            self._changes.clear()
            self._forgotten = max([*legs.values(), *rows.values()])
            return
        account = self._account
        changes = [(revision, int(account[leg])) for leg, revision in legs.items()]
        changes += [(revision, row) for row, revision in rows.items()]
        self._changes += sorted(changes)
        while len(self._changes) > REMEMBERED:
            self._forgotten, _ = self._changes.popleft()


def _grown(column: NDArray[Any], needed: int) -> NDArray[Any]:
    more = np.zeros(max(needed, 2 * len(column)) - len(column), column.dtype)
    return np.concatenate([column, more])
