"""The columnar position book of one market.

Exact raw integers live in a list, everything a screen needs beside them in numpy columns of the
same order, so that one pass over the columns judges every account and a single account is still
read without scanning. Each change can be journalled, block by block, and undone.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.index.journal import Journal
from keeper.protocols.base import LegColumns, Side
from keeper.types import Address

Key = tuple[str | int, ...]

FIRST_CAPACITY = 1024
_ASSET_BITS = 16


class ColumnarBook:
    """Implements `keeper.protocols.base.Book`; see there for the meaning of each method."""

    def __init__(self) -> None:
        self.journal = Journal()
        self._rows: dict[Address, int] = {}
        self._accounts: list[Address] = []
        self._legs_of: list[list[tuple[int, int]]] = []  # per row: (asset and side, leg), sorted
        self._leg_at: dict[int, int] = {}
        self._exact: list[int] = []
        self._flags: list[bool] = []  # `_enabled` once more: reading one element of a numpy column is slow
        self._records: dict[Key, Any] = {}
        self._revision = 0
        self._revisions = np.zeros(FIRST_CAPACITY, np.int64)  # by row: the revision of its last change
        self._groups = np.zeros(FIRST_CAPACITY, np.int32)
        self._account = np.zeros(FIRST_CAPACITY, np.int32)
        self._asset = np.zeros(FIRST_CAPACITY, np.int32)
        self._side = np.zeros(FIRST_CAPACITY, np.int8)
        self._quantity = np.zeros(FIRST_CAPACITY, np.float64)
        self._enabled = np.zeros(FIRST_CAPACITY, np.bool_)

    def accounts(self) -> Sequence[Address]:
        return self._accounts

    def row(self, account: Address) -> int | None:
        return self._rows.get(account)

    def quantity(self, account: Address, asset: int, side: Side) -> int:
        leg = self._find(account, asset, side)
        return 0 if leg is None else self._exact[leg]

    def set_quantity(self, account: Address, asset: int, side: Side, quantity: int) -> None:
        leg = self._leg(account, asset, side)
        self.journal.note(self._restore_quantity, leg, self._exact[leg])
        self._restore_quantity(leg, quantity)

    def enabled(self, account: Address, asset: int) -> bool:
        leg = self._find(account, asset, Side.COLLATERAL)
        return leg is not None and self._flags[leg]

    def set_enabled(self, account: Address, asset: int, enabled: bool) -> None:
        leg = self._leg(account, asset, Side.COLLATERAL)
        self.journal.note(self._restore_enabled, leg, self._flags[leg])
        self._restore_enabled(leg, enabled)

    def group(self, account: Address) -> int:
        row = self._rows.get(account)
        return 0 if row is None else self._groups.item(row)

    def set_group(self, account: Address, group: int) -> None:
        row = self._row(account)
        self.journal.note(self._restore_group, row, self._groups.item(row))
        self._groups[row] = group

    def groups(self) -> NDArray[np.int32]:
        return self._groups[: len(self._accounts)]

    def legs(self, account: Address) -> Sequence[tuple[int, Side, int, bool]]:
        row = self._rows.get(account)
        if row is None:
            return ()
        exact, flags = self._exact, self._flags
        return [
            (place >> 1, _SIDES[place & 1], exact[leg], flags[leg])
            for place, leg in self._legs_of[row]
            if exact[leg]
        ]

    def columns(self) -> LegColumns:
        count = len(self._exact)
        return LegColumns(
            self._account[:count],
            self._asset[:count],
            self._side[:count],
            self._quantity[:count],
            self._enabled[:count],
        )

    @property
    def revision(self) -> int:
        return self._revision

    def changed(self, since: int) -> NDArray[np.intp]:
        return np.flatnonzero(self._revisions[: len(self._accounts)] > since)

    def get(self, key: Key, default: Any = None) -> Any:
        return self._records.get(key, default)

    def put(self, key: Key, value: Any) -> None:
        self.journal.note(self._restore_record, key, self._records.get(key, _ABSENT))
        self._records[key] = value

    def items(self, kind: str) -> Iterable[tuple[Key, Any]]:
        return [(key, value) for key, value in self._records.items() if key[0] == kind]

    def records(self) -> Iterable[tuple[Key, Any]]:
        """Every record, in the order first put."""
        return self._records.items()

    def exact_legs(self) -> Iterator[tuple[int, int, int, int, bool]]:
        """(row, asset, side, exact quantity, enabled) of every leg, in column order."""
        for leg, quantity in enumerate(self._exact):
            yield (
                int(self._account[leg]),
                int(self._asset[leg]),
                int(self._side[leg]),
                quantity,
                self._flags[leg],
            )

    def _find(self, account: Address, asset: int, side: Side) -> int | None:
        row = self._rows.get(account)
        return None if row is None else self._leg_at.get(_place(row, asset, side))

    def _row(self, account: Address) -> int:
        row = self._rows.get(account)
        if row is None:
            row = len(self._accounts)
            if row == len(self._groups):
                self._groups, self._revisions = _grown(self._groups), _grown(self._revisions)
            self._rows[account] = row
            self._accounts.append(account)
            self._legs_of.append([])
        return row

    def _leg(self, account: Address, asset: int, side: Side) -> int:
        row = self._row(account)
        place = _place(row, asset, side)
        leg = self._leg_at.get(place)
        if leg is None:
            leg = self._add_leg(row, asset, side)
            self._leg_at[place] = leg
        return leg

    def _add_leg(self, row: int, asset: int, side: Side) -> int:
        leg = len(self._exact)
        if leg == len(self._quantity):
            self._account, self._asset = _grown(self._account), _grown(self._asset)
            self._side, self._quantity = _grown(self._side), _grown(self._quantity)
            self._enabled = _grown(self._enabled)
        self._exact.append(0)
        self._account[leg], self._asset[leg], self._side[leg] = row, asset, side
        self._flags.append(side is Side.DEBT)
        self._enabled[leg] = side is Side.DEBT
        insort(self._legs_of[row], (asset << 1 | side, leg))
        return leg

    def _restore_quantity(self, leg: int, quantity: int) -> None:
        self._exact[leg] = quantity
        self._quantity[leg] = quantity
        self._touch(self._account[leg])

    def _restore_enabled(self, leg: int, enabled: bool) -> None:
        self._flags[leg] = enabled
        self._enabled[leg] = enabled
        self._touch(self._account[leg])

    def _restore_group(self, row: int, group: int) -> None:
        self._groups[row] = group
        self._touch(row)

    def _touch(self, row: int | np.int32) -> None:
        self._revision += 1
        self._revisions[row] = self._revision

    def _restore_record(self, key: Key, value: Any) -> None:
        if value is _ABSENT:
            del self._records[key]
        else:
            self._records[key] = value


_ABSENT = object()
_SIDES = (Side.COLLATERAL, Side.DEBT)


def _place(row: int, asset: int, side: Side) -> int:
    return (row << _ASSET_BITS | asset) << 1 | side


def _grown(column: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([column, np.zeros_like(column)])
