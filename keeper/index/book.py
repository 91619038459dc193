"""The position book of one market.

Exact raw integers live in lists, everything a screen needs besides in numpy columns of the same order
(`keeper.index.columns`), so that one pass over the columns judges every account and a single account
is still read without scanning. Each change can be journalled, block by block, and undone.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keeper.index.columns import ASSET_BITS, Columns, split
from keeper.index.journal import Journal
from keeper.protocols.base import LegColumns, Side
from keeper.types import Address

Key = tuple[str | int, ...]


class State(NamedTuple):
    """What a book held at one moment: accounts and groups by row, places, quantities and flags by leg."""

    accounts: list[Address]
    groups: list[int]
    columns: tuple[list[int], list[int], list[bool]]
    records: list[tuple[Key, Any]]

    def legs(self) -> Iterator[tuple[int, int, int, int, bool]]:
        """(row, asset, side, exact quantity, enabled) of every leg, in column order."""
        for place, quantity, enabled in zip(*self.columns, strict=True):
            row, asset, side = split(place)
            yield row, asset, side, quantity, enabled


class ColumnarBook:
    """Implements `keeper.protocols.base.Book`; see there for the meaning of each method.

    Every log passes through here, so the steps of a change are written out where calls would double
    its cost.
    """

    get: Callable[..., Any]

    def __init__(self) -> None:
        self.journal = Journal()
        self._rows: dict[Address, int] = {}
        self._accounts: list[Address] = []
        self._groups: list[int] = []  # by row
        self._legs_of: list[list[tuple[int, int]]] = []  # by row: (asset and side, leg), sorted
        self._leg_at: dict[int, int] = {}
        self._places: list[int] = []  # by leg, as the two that follow
        self._exact: list[int] = []
        self._flags: list[bool] = []
        self._records: dict[Key, Any] = {}
        self.get = self._records.get  # the dict's own: a call less, several times a log
        self._revision = 0
        self._columns = Columns()
        self._stale_legs: dict[int, int] = {}  # those the columns do not show: revision of the last change
        self._stale_rows: dict[int, int] = {}

    def accounts(self) -> Sequence[Address]:
        return self._accounts

    def row(self, account: Address) -> int | None:
        return self._rows.get(account)

    def quantity(self, account: Address, asset: int, side: Side) -> int:
        row = self._rows.get(account)
        leg = None if row is None else self._leg_at.get((row << ASSET_BITS | asset) << 1 | side)
        return 0 if leg is None else self._exact[leg]

    def set_quantity(self, account: Address, asset: int, side: Side, quantity: int) -> None:
        row = self._rows.get(account)
        leg = None if row is None else self._leg_at.get((row << ASSET_BITS | asset) << 1 | side)
        if leg is None:
            leg = self._new_leg(account, asset, side)
        changes = self.journal.changes
        if changes is not None:
            changes.append((self._restore_quantity, leg, self._exact[leg]))
        self._exact[leg] = quantity
        self._revision = self._stale_legs[leg] = self._revision + 1

    def enabled(self, account: Address, asset: int) -> bool:
        row = self._rows.get(account)
        leg = None if row is None else self._leg_at.get((row << ASSET_BITS | asset) << 1 | _COLLATERAL)
        return leg is not None and self._flags[leg]

    def set_enabled(self, account: Address, asset: int, enabled: bool) -> None:
        row = self._rows.get(account)
        leg = None if row is None else self._leg_at.get((row << ASSET_BITS | asset) << 1 | _COLLATERAL)
        if leg is None:
            leg = self._new_leg(account, asset, _COLLATERAL)
        changes = self.journal.changes
        if changes is not None:
            changes.append((self._restore_enabled, leg, self._flags[leg]))
        self._flags[leg] = enabled
        self._revision = self._stale_legs[leg] = self._revision + 1

    def group(self, account: Address) -> int:
        row = self._rows.get(account)
        return 0 if row is None else self._groups[row]

    def set_group(self, account: Address, group: int) -> None:
        row = self._row(account)
        changes = self.journal.changes
        if changes is not None:
            changes.append((self._restore_group, row, self._groups[row]))
        self._restore_group(row, group)

    def groups(self) -> NDArray[np.int32]:
        return self._fresh().groups()

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
        return self._fresh().legs()

    def columns_of(self, rows: NDArray[np.intp]) -> LegColumns:
        return self._fresh().legs_of(rows)

    @property
    def revision(self) -> int:
        return self._revision

    def changed(self, since: int) -> NDArray[np.intp]:
        return self._fresh().changed(since)

    def put(self, key: Key, value: Any) -> None:
        changes = self.journal.changes
        if changes is not None:
            changes.append((self._restore_record, key, self._records.get(key, _ABSENT)))
        self._records[key] = value

    def items(self, kind: str) -> Iterable[tuple[Key, Any]]:
        return [(key, value) for key, value in self._records.items() if key[0] == kind]

    def records(self) -> Iterable[tuple[Key, Any]]:
        """Every record, in the order first put."""
        return self._records.items()

    def state(self) -> "State":
        """Everything there is to save, as it is now."""
        legs = list(self._places), list(self._exact), list(self._flags)
        return State(list(self._accounts), list(self._groups), legs, list(self._records.items()))

    def _new_leg(self, account: Address, asset: int, side: Side) -> int:
        row = self._row(account)
        place = (row << ASSET_BITS | asset) << 1 | side
        leg = self._leg_at[place] = len(self._places)
        self._places.append(place)
        self._exact.append(0)
        self._flags.append(side is Side.DEBT)
        insort(self._legs_of[row], (asset << 1 | side, leg))
        return leg

    def _row(self, account: Address) -> int:
        row = self._rows.get(account)
        if row is None:
            row = self._rows[account] = len(self._accounts)
            self._accounts.append(account)
            self._groups.append(0)
            self._legs_of.append([])
        return row

    def _restore_quantity(self, leg: int, quantity: int) -> None:
        self._exact[leg] = quantity
        self._revision = self._stale_legs[leg] = self._revision + 1

    def _restore_enabled(self, leg: int, enabled: bool) -> None:
        self._flags[leg] = enabled
        self._revision = self._stale_legs[leg] = self._revision + 1

    def _restore_group(self, row: int, group: int) -> None:
        self._groups[row] = group
        self._revision = self._stale_rows[row] = self._revision + 1

    def _restore_record(self, key: Key, value: Any) -> None:
        if value is _ABSENT:
            del self._records[key]
        else:
            self._records[key] = value

    def _fresh(self) -> Columns:
        """The columns, brought up to date."""
        self._columns.extend(self._places, len(self._accounts))
        if self._stale_legs or self._stale_rows:
            self._columns.write(self._stale_legs, self._exact, self._flags, self._stale_rows, self._groups)
            self._stale_legs.clear()
            self._stale_rows.clear()
        return self._columns


_ABSENT = object()
_SIDES = (Side.COLLATERAL, Side.DEBT)
_COLLATERAL = Side.COLLATERAL
