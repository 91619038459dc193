"""INSERT … ON CONFLICT for both kinds of database: two processes may write the same row at once."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from keeper.store.database import Connection


def upserting(connection: Connection, table: Table) -> Any:
    """An insert into `table` that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
