"""The numpy side of a book: what vectorised screens read, brought up to date when somebody looks.

Writing one element of a numpy column costs more than all else that a log changes, and a backfill
changes millions before anybody looks. So the book keeps lists, and notes which of their entries the
columns do not show yet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import LegColumns

FIRST_CAPACITY = 1024
ASSET_BITS = 16
_ASSETS = (1 << ASSET_BITS) - 1


def split(place: Any) -> tuple[Any, Any, Any]:
    """(row, asset, side) of a leg's place, or of an array of places.

    A place is one integer, `(row << ASSET_BITS | asset) << 1 | side`.
    """
    return place >> ASSET_BITS + 1, place >> 1 & _ASSETS, place & 1


class Columns:
    """Columns with an entry per leg, and two with an entry per row: groups and last changes."""

    def __init__(self) -> None:
        self._legs = 0
        self._account = np.zeros(FIRST_CAPACITY, np.int32)
        self._asset = np.zeros(FIRST_CAPACITY, np.int32)
        self._side = np.zeros(FIRST_CAPACITY, np.int8)
        self._quantity = np.zeros(FIRST_CAPACITY, np.float64)
        self._enabled = np.zeros(FIRST_CAPACITY, np.bool_)
        self._rows = 0
        self._groups = np.zeros(FIRST_CAPACITY, np.int32)
        self._revisions = np.zeros(FIRST_CAPACITY, np.int64)

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

    def groups(self) -> NDArray[np.int32]:
        """Group by row."""
        return self._groups[: self._rows]

    def changed(self, since: int) -> NDArray[np.intp]:
        """Rows that changed after revision `since`."""
        return np.flatnonzero(self._revisions[: self._rows] > since)

    def extend(self, places: Sequence[int], rows: int) -> None:
        """Add the legs at `places` that are new, and rows up to `rows`."""
        if rows > len(self._groups):
            self._groups, self._revisions = _grown(self._groups, rows), _grown(self._revisions, rows)
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

    def write_legs(
        self, revisions: Mapping[int, int], quantities: Sequence[int], flags: Sequence[bool]
    ) -> None:
        """Take over quantity and flag of the legs in `revisions`, which changed last at these revisions."""
        count = len(revisions)
        legs = np.fromiter(revisions, np.intp, count)
        self._quantity[legs] = np.fromiter((quantities[leg] for leg in revisions), np.float64, count)
        self._enabled[legs] = np.fromiter((flags[leg] for leg in revisions), np.bool_, count)
        latest = np.fromiter(revisions.values(), np.int64, count)
        np.maximum.at(self._revisions, self._account[legs], latest)

    def write_groups(self, revisions: Mapping[int, int], groups: Sequence[int]) -> None:
        """Take over the group of the rows in `revisions`, which changed last at these revisions."""
        count = len(revisions)
        rows = np.fromiter(revisions, np.intp, count)
        self._groups[rows] = np.fromiter((groups[row] for row in revisions), np.int32, count)
        self._revisions[rows] = np.fromiter(revisions.values(), np.int64, count)


def _grown(column: NDArray[Any], needed: int) -> NDArray[Any]:
    more = np.zeros(max(needed, 2 * len(column)) - len(column), column.dtype)
    return np.concatenate([column, more])
