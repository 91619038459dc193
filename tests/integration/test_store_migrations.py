"""The migrations create exactly the tables the code uses, on a real SQLite file."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import keeper.execute.store
import keeper.index.store
import keeper.ledger.latency
import keeper.ledger.missed
import keeper.ledger.store
import keeper.ops.incidents
from keeper.errors import ConfigError
from keeper.store import Database, metadata

TABLES = (
    keeper.index.store.snapshots,
    keeper.execute.store.transactions,
    keeper.ledger.latency.latencies,
    keeper.ledger.missed.missed,
    keeper.ledger.store.ledger,
    keeper.ops.incidents.incidents,
)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations__on_an_empty_file__create_the_tables_of_the_code(tmp_path: Path) -> None:
    assert all(table.metadata is metadata for table in TABLES)
    url = f"sqlite:///{tmp_path / 'keeper.db'}"
    async with await Database.open(url) as database, database.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_open__when_opened_again__keeps_what_is_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'keeper.db'}"
    snapshots = keeper.index.store.snapshots
    row = {"deployment": "a", "block": 1, "hash": "0x1", "parent": "0x0", "timestamp": 1, "base_fee": 1}
    async with await Database.open(url) as database, database.begin() as connection:
        await connection.execute(snapshots.insert().values(**row, checksum=2**32 - 1, book=b"x"))
    async with await Database.open(url) as database, database.begin() as connection:
        found = (await connection.execute(snapshots.select())).one()
        assert (found.deployment, found.checksum, found.book) == ("a", 2**32 - 1, b"x")


@pytest.mark.parametrize("url", ["mysql://x/y", "not a url"])
async def test_open__an_unknown_kind_of_database__is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        await Database.open(url)


async def test_open__in_a_folder_that_does_not_exist__says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open"):
        await Database.open(f"sqlite:///{tmp_path / 'no' / 'keeper.db'}")


async def test_open__a_file_that_is_no_database__says_so(tmp_path: Path) -> None:
    file = tmp_path / "keeper.db"
    file.write_text("these are my notes of last week, and no database\n" * 50)
    with pytest.raises(ConfigError, match="not a database"):
        await Database.open(f"sqlite:///{file}")
