"""Transactions and attempts on disk. What the network may see is written here before it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    bindparam,
    false,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from keeper.errors import Halt
from keeper.execute.model import NO_NONCE, Attempt, Fees, Mined, Step, Transaction
from keeper.execute.states import TERMINAL, State, advance
from keeper.store import BigInteger256, Database, JsonDocument, metadata
from keeper.store.database import Connection
from keeper.store.lease import Fence, unfenced
from keeper.store.plain import PLAIN
from keeper.types import Address, BlockRef, Call, Hash

GIVEN_UP = (State.QUEUED, State.DROPPED, State.LOST)
"""States in which a nonce is not, or no longer, a transaction's own."""

transactions = Table(
    "transactions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("sender", String, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("to", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("ceiling", BigInteger256, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("steps", JsonDocument, nullable=False),
    Column("until", BigInteger),
    Column("mined_hash", String),
    Column("mined_block", BigInteger),
    Column("mined_block_hash", String),
    Column("succeeded", Boolean),
)

Index(
    "one_transaction_per_nonce",
    transactions.c.chain_id,
    transactions.c.sender,
    transactions.c.nonce,
    unique=True,
    sqlite_where=transactions.c.state.not_in(GIVEN_UP),
    postgresql_where=transactions.c.state.not_in(GIVEN_UP),
)

attempts = Table(
    "attempts",
    metadata,
    Column("transaction_id", ForeignKey("transactions.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", String, nullable=False, unique=True),
    Column("raw", LargeBinary, nullable=False),
    Column("tip", BigInteger256, nullable=False),
    Column("cap", BigInteger256, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("outcome", String),
    Column("cancels", Boolean, nullable=False, server_default=false()),
    Column("until", BigInteger),
    Column("out", Boolean, nullable=False, server_default=false()),
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody wants sent. `key` identifies it; the rest as in Transaction, decided on `head`."""

    key: str
    call: Call
    steps: tuple[Step, ...]
    gas: int
    ceiling: int
    head: BlockRef
    until: int | None = None


_ATTEMPT = ("number", "hash", "raw", "block", "outcome", "cancels", "until", "out")

# Statements are put together once: that takes several times as long as to carry one out.
_OURS = (transactions.c.chain_id == bindparam("chain")) & (transactions.c.sender == bindparam("owner"))
_ALIKE = transactions.alias()
_FIND = select(transactions).where(transactions.c.key == bindparam("wanted"))
_OPEN = select(transactions).where(_OURS, transactions.c.state.not_in(TERMINAL)).order_by("nonce")
_HIGHEST = select(func.max(transactions.c.nonce)).where(_OURS)
_OWNED = select(transactions.c.nonce).where(
    _OURS,
    transactions.c.nonce.between(bindparam("first"), bindparam("last")),
    transactions.c.state.not_in(GIVEN_UP),
)
_GIVEN_BACK = select(func.min(_ALIKE.c.nonce)).where(
    _ALIKE.c.chain_id == bindparam("chain"),
    _ALIKE.c.sender == bindparam("owner"),
    _ALIKE.c.state == State.DROPPED,
    _ALIKE.c.nonce >= bindparam("floor"),
    _ALIKE.c.nonce.not_in(select(transactions.c.nonce).where(_OURS, transactions.c.state != State.DROPPED)),
)
_FREE = select(_GIVEN_BACK.scalar_subquery(), _HIGHEST.scalar_subquery()).execution_options(**PLAIN)
_ADD = insert(transactions).returning(transactions.c.id).execution_options(**PLAIN)
_MOVE = (
    update(transactions)
    .where(transactions.c.id == bindparam("moved"), transactions.c.state == bindparam("believed"))
    .execution_options(**PLAIN)
)
_ADD_ATTEMPT = insert(attempts).execution_options(**PLAIN)
_TELL = (
    update(attempts)
    .where(attempts.c.transaction_id == bindparam("told"), attempts.c.number == bindparam("newest"))
    .execution_options(**PLAIN)
)
_ATTEMPTS = select(attempts).where(attempts.c.transaction_id == bindparam("made")).order_by("number")


class _Noted(NamedTuple):
    """A change that is not on disk yet: what the state is there, and the columns to be written."""

    believed: State
    values: dict[str, Any]


class TransactionStore:
    """The transactions of one key on one chain. Every method but `noted` commits before it returns.

    All that write raise Fenced, and write nothing, once `fence` says that another process has the key;
    and StoreLost when nobody knows whether the database took it.
    """

    def __init__(self, database: Database, chain_id: int, sender: Address, fence: Fence = unfenced) -> None:
        self._database = database
        self._chain_id = chain_id
        self._sender = sender
        self._fence = fence
        self._owner = {"chain": chain_id, "owner": sender}
        self._noted: dict[int, _Noted] = {}

    async def require_lease(self) -> None:
        """Make sure that this process may still send.

        Raises:
            Fenced: another one has the key.
        """
        async with self._writing(lax=True):
            pass

    async def find(self, key: str) -> Transaction | None:
        """The transaction with idempotency key `key`."""
        async with self._database.begin() as connection:
            row = (await connection.execute(_FIND, {"wanted": key})).one_or_none()
            return None if row is None else await _load(connection, row)

    async def open(self) -> list[Transaction]:
        """Every transaction that is not in a terminal state, by nonce; what was only noted is forgotten."""
        self._noted.clear()
        async with self._database.begin() as connection:
            rows = (await connection.execute(_OPEN, self._owner)).all()
            return [await _load(connection, row) for row in rows]

    async def next_nonce(self) -> int:
        """One above the highest nonce ever handed out, 0 for a new key."""
        async with self._database.begin() as connection:
            return _after(await connection.scalar(_HIGHEST, self._owner))

    async def owned(self, first: int, last: int) -> frozenset[int]:
        """Nonces in first..last that belong to a transaction, however it ended."""
        wanted = {**self._owner, "first": first, "last": last}
        async with self._database.begin() as connection:
            return frozenset((await connection.execute(_OWNED, wanted)).scalars())

    async def queue(self, intent: Intent) -> Transaction:
        """Keep what has to wait for a place."""
        async with self._writing() as connection:
            return await self._insert(connection, intent, State.QUEUED, NO_NONCE)

    async def reserve(self, intent: Intent, floor: int, *, at: int | None = None) -> Transaction | None:
        """Give a new transaction the next nonce, at least `floor` (the chain's own count); or nonce `at`.

        None where a transaction has the intent's key already. The nonce has to outlive this process, not the
        power: nothing is sent before `signed` is on the disk, and with it all that was written earlier.
        """
        try:
            async with self._writing(lax=True) as connection:
                nonce = await self._free_nonce(connection, floor) if at is None else at
                return await self._insert(connection, intent, State.RESERVED, nonce)
        except IntegrityError:
            if await self.find(intent.key) is None:
                raise
            return None

    async def admit(self, transaction: Transaction, floor: int) -> Transaction:
        """Give a queued transaction the next nonce."""
        async with self._writing() as connection:
            nonce = await self._free_nonce(connection, floor)
            state = await self._move(connection, transaction, State.RESERVED, nonce=nonce)
        return replace(transaction, state=state, nonce=nonce)

    async def signed(self, transaction: Transaction, attempt: Attempt) -> Transaction:
        """Keep an attempt that nobody has seen yet."""
        async with self._writing() as connection:
            values = {name: getattr(attempt, name) for name in _ATTEMPT} | attempt.fees._asdict()
            await connection.execute(_ADD_ATTEMPT, {"transaction_id": transaction.id, **values})
            state = State.CANCELLING if attempt.cancels else State.SIGNED
            if transaction.state is not state:
                await self._move(connection, transaction, state)
        return replace(transaction, state=state, attempts=(*transaction.attempts, attempt))

    async def sent(self, transaction: Transaction, outcome: str, *, out: bool) -> Transaction:
        """Note the answer to the newest attempt, and whether it may be `out` there now.

        A power cut may take it: without an answer an attempt is presumed out.
        """
        *older, newest = transaction.attempts
        told = replace(newest, outcome=outcome, out=newest.out or out)
        state = State.SENT if transaction.state is State.SIGNED else transaction.state
        if state is transaction.state and told == newest:
            return transaction
        async with self._writing(lax=True) as connection:
            await _tell(connection, transaction, newest, outcome=told.outcome, out=told.out)
            if state is not transaction.state:
                await self._move(connection, transaction, state)
        return replace(transaction, state=state, attempts=(*older, told))

    async def published(self, transaction: Transaction, attempt: Attempt) -> Transaction:
        """Note that `attempt`, and those to come, are private no longer."""
        async with self._database.begin() as connection:
            await _tell(connection, transaction, attempt, until=None)
            await self._move(connection, transaction, transaction.state, until=None)
        known = tuple(
            replace(each, until=None) if each.number == attempt.number else each
            for each in transaction.attempts
        )
        return replace(transaction, until=None, attempts=known)

    async def dropped(self, transaction: Transaction) -> Transaction:
        """Record that it is given up; its nonce, if it had one, is free from now on."""
        async with self._writing() as connection:
            await self._move(connection, transaction, State.DROPPED)
        return replace(transaction, state=State.DROPPED)

    def noted(self, transaction: Transaction, state: State, mined: Mined | None) -> Transaction:
        """What the chain says: another state perhaps, and where the transaction was mined.

        It is on disk after `write_up`, or the next write to the transaction. Until then a crash loses
        nothing: the chain says it again.
        """
        place = {
            "mined_hash": mined and mined.hash,
            "mined_block": mined and mined.block,
            "mined_block_hash": mined and mined.block_hash,
            "succeeded": mined and mined.succeeded,
        }
        before = self._noted.get(transaction.id, _Noted(transaction.state, {}))
        following = _following(transaction, state)
        self._noted[transaction.id] = _Noted(before.believed, {**before.values, **place, "state": following})
        return replace(transaction, state=state, mined=mined)

    async def write_up(self) -> None:
        """Write what was noted."""
        if not self._noted:
            return
        async with self._writing() as connection:
            for number, noted in self._noted.items():
                await _change(connection, number, noted)
        self._noted.clear()

    @asynccontextmanager
    async def _writing(self, *, lax: bool = False) -> AsyncIterator[Connection]:
        async with self._database.begin(lax=lax) as connection:
            await self._fence(connection)
            yield connection

    async def _free_nonce(self, connection: Connection, floor: int) -> int:
        """The lowest nonce that was given back, else the next one (T3, T26).

        Only DROPPED transactions give theirs back: no bytes with it can be mined any more.
        """
        wanted = {**self._owner, "floor": floor}
        given_back, highest = (await connection.execute(_FREE, wanted)).one()
        return max(_after(highest), floor) if given_back is None else int(given_back)

    async def _insert(self, connection: Connection, intent: Intent, state: State, nonce: int) -> Transaction:
        values: dict[str, Any] = {
            "key": intent.key,
            "chain_id": self._chain_id,
            "sender": self._sender,
            "nonce": nonce,
            "state": state,
            "to": intent.call.to,
            "data": intent.call.data,
            "gas": intent.gas,
            "ceiling": intent.ceiling,
            "created": intent.head.number,
            "time": intent.head.timestamp,
            "until": intent.until,
        }
        documents = [step.document() for step in intent.steps]
        number = (await connection.execute(_ADD, {**values, "steps": documents})).scalar_one()
        return Transaction(id=number, steps=intent.steps, **values)

    async def _move(
        self, connection: Connection, transaction: Transaction, state: State, **values: Any
    ) -> State:
        """Change the state, and with it what was noted."""
        noted = self._noted.pop(transaction.id, _Noted(transaction.state, {}))
        following = _following(transaction, state)
        await _change(
            connection,
            transaction.id,
            _Noted(noted.believed, {**noted.values, **values, "state": following}),
        )
        return following


def _after(highest: int | None) -> int:
    return 0 if highest is None else highest + 1


def _following(transaction: Transaction, state: State) -> State:
    return state if state is transaction.state else advance(transaction.state, state)


async def _change(connection: Connection, number: int, change: _Noted) -> None:
    """Write to transaction `number`, provided that its state still is what we believe."""
    where = {"moved": number, "believed": change.believed}
    if (await connection.execute(_MOVE, where | change.values)).rowcount != 1:
        raise Halt(f"another process changed transaction {number}: two keepers share one key")


async def _tell(connection: Connection, transaction: Transaction, attempt: Attempt, **values: Any) -> None:
    """Write to one attempt."""
    await connection.execute(_TELL, {"told": transaction.id, "newest": attempt.number, **values})


async def _load(connection: Connection, row: Row[Any]) -> Transaction:
    return Transaction(
        id=row.id,
        key=row.key,
        chain_id=row.chain_id,
        sender=Address(row.sender),
        nonce=row.nonce,
        state=State(row.state),
        to=Address(row.to),
        data=row.data,
        gas=row.gas,
        ceiling=row.ceiling,
        created=row.created,
        time=row.time,
        steps=tuple(Step(**document) for document in row.steps),
        attempts=tuple(
            Attempt(
                number=each.number,
                hash=Hash(each.hash),
                raw=each.raw,
                fees=Fees(each.tip, each.cap),
                block=each.block,
                outcome=each.outcome,
                cancels=each.cancels,
                until=each.until,
                out=each.out,
            )
            for each in await connection.execute(_ATTEMPTS, {"made": row.id})
        ),
        mined=None
        if row.mined_hash is None
        else Mined(Hash(row.mined_hash), row.mined_block, Hash(row.mined_block_hash), row.succeeded),
        until=row.until,
    )
