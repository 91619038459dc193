"""Opening the database and bringing its schema up to date."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alembic import command
from alembic.config import Config as AlembicConfig
from asyncpg import PostgresError  # what happens while connecting is not wrapped by SQLAlchemy
from sqlalchemy import URL, MetaData, StaticPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from keeper.errors import ConfigError, StoreLost
from keeper.store.inline import InlineEngine

metadata = MetaData()
"""Every stage registers its tables here; migrations create them."""

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+asyncpg"}
MIGRATIONS = Path(__file__).parent / "migrations"

SERVER_DEADLINE = 5.0
"""Seconds for one answer of a database server, and for connecting to it."""

SERVER_IDLE = 2.0
"""Seconds that a transaction may lie idle before the server ends it: a process that hangs in the middle of
one would keep its locks, and with them the lease, from those that go on."""

MIGRATING = 0x6B656570
"""Key of the lock under which one process at a time migrates a Postgres."""

PASSING = ("08", "25P03", "40", "53", "55P03", "57")
"""SQLSTATE of what passes: connection lost, idle for too long, rolled back in favour of another, out of
resources, a lock not to be had, going down."""


class Database:
    """An open database. Use as an async context manager; `begin()` yields one transaction."""

    def __init__(self, engine: AsyncEngine | InlineEngine) -> None:
        self.engine = engine

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to `url` ("sqlite:///keeper.db", "postgresql://…") and migrate it to this version.

        Raises:
            ConfigError: unknown kind of database, or it cannot be opened.
        """
        try:
            parsed = make_url(url)
            driver = DRIVERS[parsed.get_backend_name()]
        except (ArgumentError, KeyError):
            raise ConfigError(
                f"store.url: {url.split('://', maxsplit=1)[0]!r} is not a known kind of database; "
                'use "sqlite:///keeper.db" or "postgresql://user@host/name"'
            ) from None
        engine = _engine(parsed.set(drivername=driver))
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_migrate)
        except (DBAPIError, PostgresError, sqlite3.Error, OSError) as error:
            await engine.dispose()
            where = parsed.render_as_string(hide_password=True)
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise ConfigError(
                f"store.url: cannot open {where}: {cause}; check the path and its permissions"
            ) from None
        return cls(engine)

    @asynccontextmanager
    async def begin(self, *, lax: bool = False) -> AsyncIterator[Any]:
        """One transaction, committed when the block ends well: `async with db.begin() as connection`.

        Args:
            lax: a power cut may undo it, a crash of the process may not. A server's own settings go first.

        Raises:
            StoreLost: the server did not answer, or could not carry it out just now.
        """
        try:
            async with self._transaction(lax=lax) as connection:
                yield connection
        except (DBAPIError, PostgresError, OSError) as error:
            if not _passes(error):
                raise
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise StoreLost(f"the database did not answer: {cause or type(cause).__name__}") from error

    def _transaction(self, *, lax: bool) -> AbstractAsyncContextManager[Any]:
        if isinstance(self.engine, InlineEngine):
            return self.engine.begin(lax=lax)
        return self.engine.begin()

    async def rest(self) -> None:
        """What the database has to do for itself now and then, best when nobody waits for it."""
        if isinstance(self.engine, InlineEngine):
            await self.engine.rest()

    async def close(self) -> None:
        await asyncio.shield(self.engine.dispose())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _engine(url: URL) -> AsyncEngine | InlineEngine:
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, connect_args=_server_arguments(), pool_pre_ping=True)
    engine = create_engine(url, poolclass=StaticPool)
    event.listen(engine, "connect", _prepare_sqlite)
    return InlineEngine(engine)


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _server_arguments() -> dict[str, Any]:
    idle = {"idle_in_transaction_session_timeout": str(round(SERVER_IDLE * 1000))}
    return {"timeout": SERVER_DEADLINE, "command_timeout": SERVER_DEADLINE, "server_settings": idle}


def _passes(error: DBAPIError | PostgresError | OSError) -> bool:
    """Whether another try may go well: a server's troubles do, a file's do not."""
    if isinstance(error, OSError):  # TimeoutError is one
        return True
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    said = error.orig if isinstance(error, DBAPIError) else error
    return lost or str(getattr(said, "sqlstate", None) or "").startswith(PASSING)


def _migrate(connection: Any) -> None:
    if connection.dialect.name == "postgresql":  # two processes may start at once
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


Connection = AsyncConnection
