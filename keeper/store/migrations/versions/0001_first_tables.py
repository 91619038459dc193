"""Tables of the first version: snapshots, transactions and their attempts, the ledger."""

import sqlalchemy as sa
from alembic import op

from keeper.store.types import BigInteger256, JsonDocument

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "ledger",
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("debt", sa.String(), nullable=False),
        sa.Column("collateral", sa.String(), nullable=False),
        sa.Column("expected", JsonDocument(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("realised", JsonDocument(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("batch", "step"),
    )
    op.create_index(op.f("ix_ledger_account"), "ledger", ["account"], unique=False)
    op.create_index(op.f("ix_ledger_outcome"), "ledger", ["outcome"], unique=False)
    op.create_index(op.f("ix_ledger_time"), "ledger", ["time"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("deployment", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("base_fee", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
        sa.Column("book", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("deployment", "block"),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("ceiling", BigInteger256(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("steps", JsonDocument(), nullable=False),
        sa.Column("mined_hash", sa.String(), nullable=True),
        sa.Column("mined_block", sa.BigInteger(), nullable=True),
        sa.Column("mined_block_hash", sa.String(), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chain_id", "sender", "nonce", name="one_transaction_per_nonce"),
        sa.UniqueConstraint("key"),
    )
    op.create_index(op.f("ix_transactions_state"), "transactions", ["state"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("transaction_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("tip", BigInteger256(), nullable=False),
        sa.Column("cap", BigInteger256(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
        ),
        sa.PrimaryKeyConstraint("transaction_id", "number"),
        sa.UniqueConstraint("hash"),
    )
