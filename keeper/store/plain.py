"""Statements that SQLAlchemy puts together once, and SQLite's driver carries out.

What a send waits for is written by a handful of statements whose answers need no decoding. SQLAlchemy's own
way takes several times as long there, for its code is cold at a head: the node had the processor.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

PLAIN = {"plain": True}
"""Execution options of a statement that may be carried out so; other databases take no notice."""


class Rows(NamedTuple):
    """What a `CursorResult` offers of such an answer: values as the driver gives them."""

    found: Sequence[Any]
    rowcount: int

    def one(self) -> Any:
        [row] = self.found
        return row

    def scalar_one(self) -> Any:
        return self.one()[0]


class Value(NamedTuple):
    """A parameter in its place: its name, what it is where none is given, and how the driver wants it."""

    name: str
    default: Any
    encode: Callable[[Any], Any] | None

    def of(self, parameters: Mapping[str, Any]) -> Any:
        value = parameters.get(self.name, self.default)
        return value if self.encode is None else self.encode(value)


class PlainStatement:
    """`statement` for parameters of the names in `keys`."""

    def __init__(self, statement: Executable, keys: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(keys))  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler)
        self._sql = str(compiled)
        self._values = [
            Value(
                name,
                compiled.params.get(name),
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
            )
            for name in compiled.positiontup or ()
        ]

    def run(self, driver: sqlite3.Connection, parameters: Mapping[str, Any]) -> Rows:
        """Carry it out.

        Raises:
            DBAPIError: as SQLAlchemy would.
        """
        values = [value.of(parameters) for value in self._values]
        try:
            cursor = driver.execute(self._sql, values)
            return Rows(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._sql, values, error, sqlite3.Error) from error
