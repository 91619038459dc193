"""Statements that the driver carries out do what SQLAlchemy would do with them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from keeper.execute.store import attempts, transactions
from keeper.store import Database
from keeper.store.plain import PLAIN
from tests.execute_samples import OPERATOR, fresh_database

ROW: dict[str, Any] = {
    "key": "a",
    "chain_id": 2**62,
    "sender": OPERATOR,
    "nonce": 0,
    "state": "reserved",
    "to": OPERATOR,
    "data": b"\x00\xff",
    "gas": 1,
    "ceiling": 2**200,
    "created": 1,
    "time": 1,
    "until": None,
    "steps": [{"amount": 2**100}],
}
ATTEMPT: dict[str, Any] = {
    "number": 0,
    "hash": "0x01",
    "raw": b"\x02",
    "tip": 2**70,
    "cap": 2**71,
    "block": 1,
    "cancels": True,
    "out": False,
}
ADD = insert(transactions).returning(transactions.c.id)
MOVE = update(transactions).where(transactions.c.id == bindparam("moved"), transactions.c.nonce == 0)


async def rows(database: Database, table: Any) -> list[dict[str, Any]]:
    async with database.begin() as connection:
        return [dict(row._mapping) for row in (await connection.execute(select(table))).all()]


async def write(database: Database, *, plain: bool) -> list[dict[str, Any]]:
    """What is in the tables after an insert into each and an update."""
    options = PLAIN if plain else {}
    async with database.begin() as connection:
        number = (await connection.execute(ADD.execution_options(**options), ROW)).scalar_one()
        add = insert(attempts).execution_options(**options)
        await connection.execute(add, {**ATTEMPT, "transaction_id": number})
        move = MOVE.execution_options(**options)
        moved = await connection.execute(move, {"moved": number, "state": "signed", "succeeded": True})
        assert moved.rowcount == 1
        assert (await connection.execute(move, {"moved": number + 1, "state": "sent"})).rowcount == 0
    return [*await rows(database, transactions), *await rows(database, attempts)]


async def test_plain__inserts_and_an_update__as_sqlalchemy_writes_them(tmp_path: Path) -> None:
    found = []
    for plain in (False, True):
        (folder := tmp_path / str(plain)).mkdir()
        async with fresh_database(folder) as database:
            found.append(await write(database, plain=plain))
    assert found[0] == found[1]
    assert found[1][0].items() >= (ROW | {"state": "signed", "succeeded": True}).items()


async def test_plain__key_is_taken__integrity_error_and_nothing_is_kept(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        await add_all(database, ROW)
        with pytest.raises(IntegrityError, match="key"):
            await add_all(database, {**ROW, "key": "b", "nonce": 1}, {**ROW, "nonce": 2})
        assert [row["key"] for row in await rows(database, transactions)] == ["a"]


async def test_plain__beside_others_in_one_transaction__both_or_neither(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        with pytest.raises(RuntimeError, match="on purpose"):
            await both_then_fail(database)
        assert await rows(database, transactions) == []


async def add_all(database: Database, *new: dict[str, Any]) -> None:
    async with database.begin() as connection:
        for row in new:
            await connection.execute(ADD.execution_options(**PLAIN), row)


async def both_then_fail(database: Database) -> None:
    async with database.begin() as connection:
        await connection.execute(ADD.execution_options(**PLAIN), ROW)
        await connection.execute(insert(transactions), {**ROW, "key": "b", "nonce": 1})
        raise RuntimeError("on purpose")
