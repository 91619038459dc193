"""SQLite on the event loop's own thread.

A short write takes a fraction of a millisecond, most of it the fsync that a send has to wait for anyway.
A thread for it would add a dozen hand-overs to every transaction, ten times what they carry.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable

from keeper.store.plain import PlainStatement, Rows

T = TypeVar("T")

SOME = 150
"""Rows after which the log is worth emptying: a few hundred of the thousand pages at which SQLite itself does
it, within whichever commit that is.
"""


class InlineConnection:
    """What the stages use of an `AsyncConnection`, carried out at once."""

    def __init__(self, connection: Connection, plain: dict[Any, PlainStatement]) -> None:
        self._connection = connection
        self._plain = plain

    @property
    def dialect(self) -> Dialect:
        """What kind of database it is."""
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any] | Rows:
        if parameters and statement.get_execution_options().get("plain"):
            return self._prepared(statement, parameters).run(_driver(self._connection), parameters)
        return self._begun().execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        return self._begun().scalar(statement, parameters)

    async def run_sync(self, work: Callable[..., T], *args: Any) -> T:
        """Call `work` with SQLAlchemy's own connection."""
        return work(self._begun(), *args)

    def _begun(self) -> Connection:
        """SQLAlchemy's connection, in a transaction by its own lights too."""
        if not self._connection.in_transaction():
            self._connection.begin()
        return self._connection

    def _prepared(self, statement: Executable, parameters: Mapping[str, Any]) -> PlainStatement:
        key = statement, tuple(parameters)
        found = self._plain.get(key)
        if found is None:
            found = self._plain[key] = PlainStatement(statement, key[1], self.dialect)
        return found


class InlineEngine:
    """What `Database` uses of an `AsyncEngine`, over a blocking `engine`.

    One transaction at a time: a second one that waited for SQLite's lock would block the very loop that
    the first needs to get on.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None  # SQLite has one writer: one is kept, and kept open
        self._turn = asyncio.Lock()
        self._emptied = 0  # rows written until the log was emptied last
        self._owner: asyncio.Task[Any] | None = None
        self._plain: dict[Any, PlainStatement] = {}

    @asynccontextmanager
    async def begin(self, *, lax: bool = False) -> AsyncIterator[InlineConnection]:
        """One transaction, committed when the block ends well; see `Database.begin`.

        Raises:
            RuntimeError: the task is in a transaction already; to wait for it would be for ever.
        """
        task = asyncio.current_task()
        if self._owner is not None and self._owner is task:
            raise RuntimeError("a transaction of the store cannot be opened within another one")
        async with self._turn:
            self._owner = task
            try:
                connection = self._open()
                with _waiting(connection, lax=lax), _transaction(connection):
                    yield InlineConnection(connection, self._plain)
            finally:
                self._owner = None

    async def rest(self) -> None:
        """Empty the write-ahead log into the database if there is much in it, now that nobody waits."""
        async with self._turn:
            driver = _driver(self._open())
            if driver.total_changes - self._emptied >= SOME:
                driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._emptied = driver.total_changes

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    async def dispose(self) -> None:
        """Close all connections."""
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Commit what the block writes, by either way, when it ends well; else roll it back."""
    try:
        yield
        if connection.in_transaction():
            connection.commit()
        else:
            _driver(connection).commit()
    except BaseException:
        connection.rollback()
        _driver(connection).rollback()
        raise


@contextmanager
def _waiting(connection: Connection, *, lax: bool) -> Iterator[None]:
    """Commits within the block wait for the disk, unless they are `lax`.

    A later commit that waits takes all that was written before to the disk with it.
    """
    if not lax:
        yield
        return
    driver = _driver(connection)
    driver.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        driver.execute("PRAGMA synchronous=FULL")


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
