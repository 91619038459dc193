"""The database every stage writes its own tables to: SQLite by default, Postgres by URL."""

from keeper.store.database import Database, metadata
from keeper.store.lease import Lease
from keeper.store.types import BigInteger256, JsonDocument

__all__ = ["BigInteger256", "Database", "JsonDocument", "Lease", "metadata"]
