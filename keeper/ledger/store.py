"""The ledger on disk: every entry once, however often it is reported."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Integer, Row, String, Table, insert, select, update

from keeper.ledger.model import Expected, LedgerEntry, Outcome, Realised
from keeper.store import Database, JsonDocument, metadata
from keeper.store.lease import Fence, unfenced
from keeper.types import Address, Mode

ledger = Table(
    "ledger",
    metadata,
    Column("batch", String, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("mode", String, nullable=False),
    Column("time", BigInteger, nullable=False, index=True),
    Column("block", BigInteger, nullable=False),
    Column("deployment", String, nullable=False),
    Column("account", String, nullable=False, index=True),
    Column("debt", String, nullable=False),
    Column("collateral", String, nullable=False),
    Column("expected", JsonDocument, nullable=False),
    Column("outcome", String, nullable=False, index=True),
    Column("realised", JsonDocument),
    Column("reason", String, nullable=False),
)


class Ledger:
    """The record of every liquidation that was tried.

    `fence` is called first in every transaction that writes, and raises Fenced when another process has
    the key: what this one knows of its transactions may be out of date then. See Lease.fence.
    """

    def __init__(self, database: Database, fence: Fence = unfenced) -> None:
        self._database = database
        self._fence = fence

    async def record(self, entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
        """Append new entries and bring known ones (same batch and step) up to date.

        Returns the entries whose outcome is news: the rest repeats what was recorded before.
        """
        news = []
        async with self._database.begin() as connection:
            await self._fence(connection)
            for entry in entries:
                values = asdict(entry)
                same = (ledger.c.batch == entry.batch) & (ledger.c.step == entry.step)
                known = (await connection.execute(select(ledger.c.outcome).where(same))).scalar()
                change = insert(ledger) if known is None else update(ledger).where(same)
                await connection.execute(change.values(values))
                if known != entry.outcome:
                    news.append(entry)
        return news

    async def entries(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        outcomes: Collection[Outcome] = (),
        limit: int | None = None,
    ) -> list[LedgerEntry]:
        """Entries newest first.

        Args:
            since: decided at this time (seconds) or later.
            until: decided before this time.
            outcomes: only these; empty means all.
            limit: at most so many.
        """
        query = select(ledger).order_by(ledger.c.time.desc(), ledger.c.batch, ledger.c.step).limit(limit)
        if since is not None:
            query = query.where(ledger.c.time >= since)
        if until is not None:
            query = query.where(ledger.c.time < until)
        if outcomes:
            query = query.where(ledger.c.outcome.in_(outcomes))
        async with self._database.begin() as connection:
            return [_load(row) for row in (await connection.execute(query)).all()]

    async def spent(self, since: int) -> "Spent":
        """What liquidations decided at `since` (seconds) or later cost."""
        realised = [entry.realised for entry in await self.entries(since=since) if entry.realised]
        return Spent(
            loss_usd=-sum(min(each.net_usd, 0) for each in realised),
            gas_usd=sum(each.gas_usd for each in realised),
        )


class Spent(NamedTuple):
    """USD with 8 decimals."""

    loss_usd: int
    gas_usd: int


def _load(row: Row[Any]) -> LedgerEntry:
    return LedgerEntry(
        batch=row.batch,
        step=row.step,
        mode=Mode(row.mode),
        time=row.time,
        block=row.block,
        deployment=row.deployment,
        account=Address(row.account),
        debt=Address(row.debt),
        collateral=Address(row.collateral),
        expected=Expected(**row.expected),
        outcome=Outcome(row.outcome),
        realised=None if row.realised is None else Realised(**row.realised),
        reason=row.reason,
    )
