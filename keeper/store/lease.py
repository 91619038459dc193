"""Who may sign with a key: one process at a time, for a short time, by the database's clock.

Every change of the holder raises the token. A write that carries an older one is refused in its own
transaction, so a process that slept through its time cannot add to what its successor has read.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, String, Table, bindparam, select, update

from keeper.errors import Fenced
from keeper.store.database import Connection, Database, metadata
from keeper.store.now import DatabaseNow
from keeper.store.plain import PLAIN
from keeper.store.upsert import upserting
from keeper.types import Address

leases = Table(
    "leases",
    metadata,
    Column("chain_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sender", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("renewed", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)


_ROW = (leases.c.chain_id == bindparam("chain")) & (leases.c.sender == bindparam("key"))
_MINE = update(leases).where(_ROW, leases.c.token == bindparam("term"))
_RENEWED = _MINE.values(renewed=DatabaseNow(), expires=DatabaseNow() + bindparam("lasts"))
_RENEW = _RENEWED.execution_options(**PLAIN)

Fence = Callable[[Connection], Awaitable[None]]
"""Called first in every transaction that writes; raises Fenced when this process may not; see Lease.fence."""


async def unfenced(connection: Connection) -> None:
    """Where no other process can have the key."""
    del connection


class LeaseState(NamedTuple):
    """A lease as the database has it: the last holder, seconds since it was renewed and until it ends."""

    holder: str
    token: int
    age: float
    left: float


class Lease:
    """One process's hand on the lease of the key `sender` on one chain.

    Args:
        database: shared with the other processes.
        chain_id: the chain.
        sender: the key's address.
        holder: how this process is called.
        seconds: how long the lease lasts without being renewed.
    """

    def __init__(
        self, database: Database, chain_id: int, sender: Address, holder: str, seconds: float
    ) -> None:
        self._database = database
        self._chain_id = chain_id
        self._sender = sender
        self._holder = holder
        self._milliseconds = round(seconds * 1000)
        self.token: int | None = None
        """The token of our term, None while another process holds the lease, or nobody."""

    async def take(self, *, seize: bool = False) -> bool:
        """Begin a term if the lease is free or ran out; with `seize` also if it is another's.

        Raises:
            StoreLost: the database did not answer.
        """
        free = leases.c.expires <= DatabaseNow()
        wanted = (
            update(leases)
            .where(self._row, *(() if seize else (free,)))
            .values(holder=self._holder, token=leases.c.token + 1, **self._times())
            .returning(leases.c.token)
        )
        async with self._database.begin() as connection:
            await connection.execute(
                upserting(connection, leases)
                .values(
                    chain_id=self._chain_id, sender=self._sender, holder="", token=0, renewed=0, expires=0
                )
                .on_conflict_do_nothing()
            )
            token = (await connection.execute(wanted)).scalar()
        self.token = token
        return token is not None

    async def renew(self) -> bool:
        """Hold on to it for another while; False: the term is over.

        Raises:
            StoreLost: the database did not answer.
        """
        try:
            async with self._database.begin(lax=True) as connection:
                await self.fence(connection)
        except Fenced:
            return False
        return True

    async def fence(self, connection: Connection) -> None:
        """Renew within the caller's transaction, which must not be committed when this raises.

        The row stays locked until then: whoever takes the lease over reads all that was written before.

        Raises:
            Fenced: the term is over.
        """
        token = self.token
        if token is not None:
            renewed = await connection.execute(
                _RENEW,
                {"chain": self._chain_id, "key": self._sender, "term": token, "lasts": self._milliseconds},
            )
            if renewed.rowcount == 1:
                return
            if self.token == token:
                self.token = None
        raise Fenced(f"another process has taken over the key {self._sender}, or may do so now")

    async def release(self) -> None:
        """End the term: anybody may take the lease at once.

        Raises:
            StoreLost: the database did not answer; then the lease runs out by itself.
        """
        token, self.token = self.token, None
        if token is not None:
            ended = update(leases).where(self._row, leases.c.token == token).values(expires=DatabaseNow())
            async with self._database.begin() as connection:
                await connection.execute(ended)

    async def state(self) -> LeaseState | None:
        """The lease as it is, None if nobody ever took it.

        Raises:
            StoreLost: the database did not answer.
        """
        return await lease_state(self._database, self._chain_id, self._sender)

    @property
    def _row(self) -> Any:
        return (leases.c.chain_id == self._chain_id) & (leases.c.sender == self._sender)

    def _times(self) -> dict[str, Any]:
        return {"renewed": DatabaseNow(), "expires": DatabaseNow() + self._milliseconds}


async def lease_state(database: Database, chain_id: int, sender: Address) -> LeaseState | None:
    """The lease of a key, None if nobody ever took it."""
    row = (leases.c.chain_id == chain_id) & (leases.c.sender == sender)
    wanted = select(leases, DatabaseNow().label("now")).where(row)
    async with database.begin() as connection:
        found = (await connection.execute(wanted)).one_or_none()
    if found is None:
        return None
    return LeaseState(
        found.holder, found.token, (found.now - found.renewed) / 1000, (found.expires - found.now) / 1000
    )
