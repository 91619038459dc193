"""What went wrong lately, kept across restarts: `keeper doctor` shows it."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, select

from keeper.store import Database, metadata
from keeper.store.upsert import upserting

KEPT = 7 * 24 * 3600
"""Seconds after which an incident that did not come again is forgotten."""

incidents = Table(
    "incidents",
    metadata,
    Column("kind", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("times", Integer, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("detail", String, nullable=False),
)


class Kind(StrEnum):
    """What can go wrong without ending the daemon."""

    NODE_STATE = "node_state"
    FAILOVER = "failover"
    LOG_GAP = "log_gap"
    DISAGREEMENT = "disagreement"
    SUBSCRIPTION_LOST = "subscription_lost"
    THROTTLED = "throttled"
    REORG = "reorg"
    DRIFT = "drift"
    DOUBT = "doubt"
    DEFERRED = "deferred"
    HALTED = "halted"
    SEND_CONFLICT = "send_conflict"
    TRANSACTION = "transaction"
    RELAY = "relay"
    TAKEOVER = "takeover"
    HINT = "hint"


class Incident(NamedTuple):
    """How often something happened to a node or a deployment; `first` and `last` in Unix seconds."""

    kind: Kind
    subject: str
    times: int
    first: int
    last: int
    detail: str


class Incidents:
    """Counts incidents in memory and adds them to the store when told to: it is called on hot paths."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._fresh: dict[tuple[Kind, str], Incident] = {}

    def note(self, kind: Kind, subject: str, detail: str = "") -> None:
        """Something of `kind` happened to `subject`, a host or a deployment."""
        now = int(self._now())
        known = self._fresh.get((kind, subject)) or Incident(kind, subject, 0, now, now, detail)
        self._fresh[kind, subject] = known._replace(times=known.times + 1, last=now, detail=detail)

    async def save(self) -> None:
        """Add what was noted since the last time to what is stored; forget what is old."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, {}
        async with self._database.begin() as connection:
            for _, each in sorted(fresh.items()):  # in one order, or two processes wait for each other
                new = upserting(connection, incidents).values(each._asdict() | {"kind": each.kind.value})
                more = {
                    "times": incidents.c.times + new.excluded.times,
                    "last": new.excluded.last,
                    "detail": new.excluded.detail,
                }
                key = [incidents.c.kind, incidents.c.subject]
                await connection.execute(new.on_conflict_do_update(index_elements=key, set_=more))
            old = incidents.c.last < int(self._now()) - KEPT
            await connection.execute(delete(incidents).where(old))


async def recent(database: Database, since: int) -> list[Incident]:
    """Incidents that happened after `since` (Unix seconds), the latest first."""
    wanted = select(incidents).where(incidents.c.last > since).order_by(incidents.c.last.desc())
    async with database.begin() as connection:
        rows = (await connection.execute(wanted)).all()
    return [Incident(Kind(row.kind), row.subject, row.times, row.first, row.last, row.detail) for row in rows]
