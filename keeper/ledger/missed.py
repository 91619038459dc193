"""Liquidations that others made, and why they were not ours."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Column, String, Table, select

from keeper.store import BigInteger256, Database, metadata
from keeper.store.upsert import upserting
from keeper.types import Address, Hash

missed = Table(
    "missed",
    metadata,
    Column("tx_hash", String, primary_key=True),
    Column("place", BigInteger, primary_key=True),
    Column("time", BigInteger, nullable=False, index=True),
    Column("block", BigInteger, nullable=False),
    Column("deployment", String, nullable=False),
    Column("account", String, nullable=False),
    Column("debt", String, nullable=False),
    Column("collateral", String, nullable=False),
    Column("repaid", BigInteger256, nullable=False),
    Column("seized", BigInteger256, nullable=False),
    Column("liquidator", String, nullable=False),
    Column("bonus_usd", BigInteger256, nullable=False),
    Column("why", String, nullable=False, index=True),
    Column("detail", String, nullable=False),
)


class Why(StrEnum):
    """Why another liquidator was first."""

    NOT_TRACKED = "not_tracked"  # the account was not in the book
    SAME_BLOCK = "same_block"  # it became liquidatable and was liquidated between two heads
    LATE = "late"  # a plan stood, and nothing was sent in time
    OUTBID = "outbid"  # ours was on its way
    REJECTED = "rejected"  # the keeper had decided against it


@dataclass(frozen=True, slots=True)
class Missed:
    """One liquidation by another, number `place` of its transaction.

    Amounts in token units, `bonus_usd` (8 decimals) at the oracle's prices.
    """

    tx_hash: Hash
    place: int
    time: int
    block: int
    deployment: str
    account: Address
    debt: Address
    collateral: Address
    repaid: int
    seized: int
    liquidator: Address
    bonus_usd: int
    why: Why
    detail: str


class MissLedger:
    """The record of liquidations that others made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, found: Sequence[Missed]) -> list[Missed]:
        """Append; the ones that are new. Another process may come upon the same ones at the same time."""
        if not found:
            return []
        news = []
        async with self._database.begin() as connection:
            for each in found:
                values = asdict(each) | {"why": each.why.value}
                new = upserting(connection, missed).values(values).on_conflict_do_nothing()
                if (await connection.execute(new)).rowcount:
                    news.append(each)
        return news

    async def entries(self, limit: int | None = None) -> list[Missed]:
        """Newest first, at most `limit`."""
        wanted = select(missed).order_by(missed.c.block.desc(), missed.c.place.desc()).limit(limit)
        async with self._database.begin() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        return [Missed(**{**row, "why": Why(row["why"])}) for row in rows]
