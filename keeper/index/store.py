"""Snapshots of books in the database."""

import asyncio
import zlib

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text, delete, select

from keeper.index.snapshot import Snapshot
from keeper.store import Database, metadata
from keeper.store.upsert import upserting
from keeper.types import BlockRef, Hash

snapshots = Table(
    "snapshots",
    metadata,
    Column("deployment", Text, primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("base_fee", BigInteger, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    Column("book", LargeBinary, nullable=False),
)


class SnapshotStore:
    """Saves and loads the books of one deployment."""

    def __init__(self, database: Database, deployment: str) -> None:
        self._database = database
        self._deployment = deployment

    async def save(self, snapshot: Snapshot, finalized: int) -> None:
        """Store `snapshot`, keep the newest finalized one, drop what is older than that.

        Two processes may share the snapshots: a book is what the chain says, whoever wrote it down.
        """
        block = snapshot.block
        checksum = await asyncio.to_thread(zlib.crc32, snapshot.book)
        mine = snapshots.c.deployment == self._deployment
        async with self._database.begin() as connection:
            await connection.execute(delete(snapshots).where(mine, snapshots.c.block > block.number))
            values = {
                "hash": block.hash,
                "parent": block.parent,
                "timestamp": block.timestamp,
                "base_fee": block.base_fee,
                "checksum": checksum,
                "book": snapshot.book,
            }
            await connection.execute(
                upserting(connection, snapshots)
                .values(deployment=self._deployment, block=block.number, **values)
                .on_conflict_do_update(
                    index_elements=[snapshots.c.deployment, snapshots.c.block], set_=values
                )
            )
            safe = select(snapshots.c.block).where(mine, snapshots.c.block <= finalized)
            newest_safe = (
                await connection.execute(safe.order_by(snapshots.c.block.desc()).limit(1))
            ).scalar()
            if newest_safe is not None:
                await connection.execute(delete(snapshots).where(mine, snapshots.c.block < newest_safe))

    async def load(self, up_to: int) -> list[Snapshot]:
        """Intact snapshots at or below block `up_to`, newest first."""
        mine = snapshots.c.deployment == self._deployment
        query = select(snapshots).where(mine, snapshots.c.block <= up_to)
        async with self._database.begin() as connection:
            rows = (await connection.execute(query.order_by(snapshots.c.block.desc()))).all()
        return [
            Snapshot(
                BlockRef(row.block, Hash(row.hash), Hash(row.parent), row.timestamp, row.base_fee), row.book
            )
            for row in rows
            if zlib.crc32(row.book) == row.checksum
        ]
