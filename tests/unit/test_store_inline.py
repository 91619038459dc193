"""SQLite on the loop's thread: one transaction at a time, whole or not at all, safe on disk."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from keeper.ops.incidents import incidents
from keeper.store import Database
from keeper.store.inline import SOME
from tests.execute_samples import fresh_database

ROW = {"kind": "k", "times": 1, "first": 1, "last": 1, "detail": ""}


async def count(database: Database) -> int:
    async with database.begin() as connection:
        return int(await connection.scalar(select(func.count()).select_from(incidents)))


def log_size(folder: Path) -> int:
    [log] = folder.glob("*-wal")
    return log.stat().st_size


async def write(database: Database, subject: str) -> None:
    async with database.begin(lax=True) as connection:
        await connection.execute(insert(incidents).values(**ROW, subject=subject))


async def fail(database: Database, *, lax: bool = False) -> None:
    async with database.begin(lax=lax) as connection:
        await connection.execute(insert(incidents).values(**ROW, subject="a"))
        raise RuntimeError("on purpose")


async def test_begin__body_raises__nothing_is_kept(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        with pytest.raises(RuntimeError, match="on purpose"):
            await fail(database)
        assert await count(database) == 0


async def test_begin__second_task_while_the_first_pauses__waits_for_it(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        told: list[str] = []

        async def write(subject: str) -> None:
            async with database.begin() as connection:
                told.append(f"{subject} begins")
                await connection.execute(insert(incidents).values(**ROW, subject=subject))
                await asyncio.sleep(0.01)
                told.append(f"{subject} ends")

        await asyncio.gather(write("a"), write("b"))
        assert told == ["a begins", "a ends", "b begins", "b ends"]
        assert await count(database) == 2


async def test_open__sqlite__writes_ahead_and_waits_for_the_disk(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database, database.begin() as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA synchronous")) == 2, "FULL"


async def test_begin__lax__does_not_wait_for_the_disk_and_the_next_one_does(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        async with database.begin(lax=True) as connection:
            assert await connection.scalar(text("PRAGMA synchronous")) == 1, "NORMAL"
            await connection.execute(insert(incidents).values(**ROW, subject="b"))
        with pytest.raises(RuntimeError, match="on purpose"):
            await fail(database, lax=True)
        async with database.begin() as connection:
            assert await connection.scalar(text("PRAGMA synchronous")) == 2, "FULL"
        assert await count(database) == 1


async def test_begin__committed__another_connection_sees_it_at_once(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as first:
        async with first.begin() as connection:
            await connection.execute(insert(incidents).values(**ROW, subject="a"))
        async with await Database.open(f"sqlite:///{tmp_path / 'keeper.db'}") as second:
            assert await count(second) == 1


async def test_begin__within_another_of_the_same_task__is_refused_at_once(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database, database.begin():
        with pytest.raises(RuntimeError, match="within another"):
            await count(database)


async def test_rest__much_was_written__empties_the_log_and_nothing_is_lost(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        await database.rest()
        for number in range(SOME):
            await write(database, str(number))
        before = log_size(tmp_path)
        await database.rest()
        await write(database, "first in the empty log")
        assert log_size(tmp_path) == before, "it is begun anew, not continued"
        assert await count(database) == SOME + 1
