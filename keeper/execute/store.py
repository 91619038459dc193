"""Transactions and attempts on disk. What the network may see is written here before it does."""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from keeper.errors import Halt
from keeper.execute.model import Attempt, Fees, Mined, Step, Transaction
from keeper.execute.states import TERMINAL, State, advance
from keeper.store import BigInteger256, Database, JsonDocument, metadata
from keeper.store.database import Connection
from keeper.types import Address, BlockRef, Call, Hash

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
    Column("mined_hash", String),
    Column("mined_block", BigInteger),
    Column("mined_block_hash", String),
    Column("succeeded", Boolean),
    UniqueConstraint("chain_id", "sender", "nonce", name="one_transaction_per_nonce"),
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
)


class TransactionStore:
    """The transactions of one key on one chain. Every method commits before it returns."""

    def __init__(self, database: Database, chain_id: int, sender: Address) -> None:
        self._database = database
        self._chain_id = chain_id
        self._sender = sender

    async def find(self, key: str) -> Transaction | None:
        """The transaction with idempotency key `key`."""
        async with self._database.begin() as connection:
            rows = await connection.execute(select(transactions).where(transactions.c.key == key))
            row = rows.one_or_none()
            return None if row is None else await _load(connection, row)

    async def open(self) -> list[Transaction]:
        """Every transaction that is not in a terminal state, by nonce."""
        wanted = (
            select(transactions).where(self._ours, transactions.c.state.not_in(TERMINAL)).order_by("nonce")
        )
        async with self._database.begin() as connection:
            return [await _load(connection, row) for row in (await connection.execute(wanted)).all()]

    async def next_nonce(self) -> int:
        """One above the highest nonce ever handed out, 0 for a new key."""
        async with self._database.begin() as connection:
            return await self._next_nonce(connection)

    async def reserve(
        self,
        key: str,
        call: Call,
        steps: tuple[Step, ...],
        *,
        gas: int,
        ceiling: int,
        head: BlockRef,
        floor: int,
    ) -> Transaction:
        """Give a new transaction the next nonce, at least `floor` (the chain's own count)."""
        async with self._database.begin() as connection:
            values: dict[str, Any] = {
                "key": key,
                "chain_id": self._chain_id,
                "sender": self._sender,
                "nonce": max(await self._next_nonce(connection), floor),
                "state": State.RESERVED,
                "to": call.to,
                "data": call.data,
                "gas": gas,
                "ceiling": ceiling,
                "created": head.number,
                "time": head.timestamp,
            }
            documents = [step.document() for step in steps]
            inserted = await connection.execute(insert(transactions).values(**values, steps=documents))
            return Transaction(id=inserted.inserted_primary_key[0], steps=steps, **values)

    async def signed(self, transaction: Transaction, attempt: Attempt) -> Transaction:
        """Keep an attempt that nobody has seen yet."""
        async with self._database.begin() as connection:
            await connection.execute(
                insert(attempts).values(
                    transaction_id=transaction.id,
                    number=attempt.number,
                    hash=attempt.hash,
                    raw=attempt.raw,
                    tip=attempt.fees.tip,
                    cap=attempt.fees.cap,
                    block=attempt.block,
                )
            )
            state = await _move(connection, transaction, State.SIGNED)
        return replace(transaction, state=state, attempts=(*transaction.attempts, attempt))

    async def sent(self, transaction: Transaction, outcome: str) -> Transaction:
        """Note the node's answer to the newest attempt."""
        *older, newest = transaction.attempts
        if transaction.state is State.SENT and newest.outcome == outcome:
            return transaction
        async with self._database.begin() as connection:
            await connection.execute(
                update(attempts)
                .where(attempts.c.transaction_id == transaction.id, attempts.c.number == newest.number)
                .values(outcome=outcome)
            )
            state = transaction.state
            if state is not State.SENT:
                state = await _move(connection, transaction, State.SENT)
        return replace(transaction, state=state, attempts=(*older, replace(newest, outcome=outcome)))

    async def moved(self, transaction: Transaction, state: State, mined: Mined | None) -> Transaction:
        """Record what the chain says: another state, and where the transaction was mined."""
        place = {
            "mined_hash": mined and mined.hash,
            "mined_block": mined and mined.block,
            "mined_block_hash": mined and mined.block_hash,
            "succeeded": mined and mined.succeeded,
        }
        async with self._database.begin() as connection:
            await _move(connection, transaction, state, **place)
        return replace(transaction, state=state, mined=mined)

    @property
    def _ours(self) -> Any:
        return (transactions.c.chain_id == self._chain_id) & (transactions.c.sender == self._sender)

    async def _next_nonce(self, connection: Connection) -> int:
        highest = await connection.scalar(select(func.max(transactions.c.nonce)).where(self._ours))
        return 0 if highest is None else highest + 1


async def _move(connection: Connection, transaction: Transaction, state: State, **place: Any) -> State:
    """Change the state, provided that it still is what we believe."""
    changed = await connection.execute(
        update(transactions)
        .where(transactions.c.id == transaction.id, transactions.c.state == transaction.state)
        .values(state=advance(transaction.state, state), **place)
    )
    if changed.rowcount != 1:
        raise Halt(f"another process changed transaction {transaction.id}: two keepers share one key")
    return state


async def _load(connection: Connection, row: Row[Any]) -> Transaction:
    wanted = select(attempts).where(attempts.c.transaction_id == row.id).order_by("number")
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
                each.number, Hash(each.hash), each.raw, Fees(each.tip, each.cap), each.block, each.outcome
            )
            for each in await connection.execute(wanted)
        ),
        mined=None
        if row.mined_hash is None
        else Mined(Hash(row.mined_hash), row.mined_block, Hash(row.mined_block_hash), row.succeeded),
    )
