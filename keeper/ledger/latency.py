"""Latencies of attempts on disk, and what they look like together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, delete, insert, select

from keeper.execute.latency import Latency
from keeper.store import Database, metadata

latencies = Table(
    "latencies",
    metadata,
    Column("tx_hash", String, primary_key=True),
    Column("batch", String, nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("decided", Float, nullable=False),
    Column("signed", Float, nullable=False),
    Column("sent", Float),
    Column("mined", Float),
    Column("blocks", BigInteger),
)

STAGES = ("decided", "signed", "sent", "mined", "blocks")
"""Numbers of a Latency that are worth a percentile; all but the last in milliseconds."""


class Spread(NamedTuple):
    """Percentiles of one stage over the `size` attempts that got so far."""

    size: int
    p50: float
    p99: float


class Latencies:
    """The record of how long attempts took. Written after the sends that it tells of, never before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, found: Sequence[Latency]) -> None:
        """Add attempts, or bring them up to date."""
        if not found:
            return
        async with self._database.begin() as connection:
            known = latencies.c.tx_hash.in_([each.tx_hash for each in found])
            await connection.execute(delete(latencies).where(known))
            await connection.execute(insert(latencies), [asdict(each) for each in found])

    async def by_batch(self, batches: Iterable[str]) -> dict[str, list[Latency]]:
        """The attempts of each transaction, first to last."""
        wanted = set(batches)
        query = select(latencies).order_by(latencies.c.batch, latencies.c.number)
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
        found: dict[str, list[Latency]] = {}
        for row in rows:
            if row["batch"] in wanted:
                found.setdefault(row["batch"], []).append(Latency(**row))
        return found


def spreads(found: Iterable[Latency]) -> Mapping[str, Spread]:
    """Percentiles of every stage that any attempt reached; of transactions' first attempts only.

    A replacement is late because the first attempt was not taken, which says nothing of our own speed.
    """
    first = [each for each in found if each.number == 0]
    columns = {stage: sorted(filter(_known, (getattr(each, stage) for each in first))) for stage in STAGES}
    return {
        stage: Spread(len(values), percentile(values, 50), percentile(values, 99))
        for stage, values in columns.items()
        if values
    }


def percentile(ascending: Sequence[float], percent: int) -> float:
    """The smallest of the values that at least `percent` of 100 do not exceed (nearest rank)."""
    return ascending[max(-(-len(ascending) * percent // 100) - 1, 0)]


def _known(value: float | None) -> bool:
    return value is not None
