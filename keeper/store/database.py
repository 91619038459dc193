"""Opening the database and bringing its schema up to date."""

import asyncio
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import URL, MetaData, StaticPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from keeper.errors import ConfigError
from keeper.store.inline import InlineEngine

metadata = MetaData()
"""Every stage registers its tables here; migrations create them."""

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+asyncpg"}
MIGRATIONS = Path(__file__).parent / "migrations"


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
        except (DBAPIError, sqlite3.Error, OSError) as error:
            await engine.dispose()
            where = parsed.render_as_string(hide_password=True)
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise ConfigError(
                f"store.url: cannot open {where}: {cause}; check the path and its permissions"
            ) from None
        return cls(engine)

    def begin(self) -> Any:
        """One transaction, committed when the block ends well: `async with db.begin() as connection`."""
        return self.engine.begin()

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
        return create_async_engine(url)
    engine = create_engine(url, poolclass=StaticPool)
    event.listen(engine, "connect", _prepare_sqlite)
    return InlineEngine(engine)


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(connection: Any) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


Connection = AsyncConnection
