"""How long each attempt took."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "latencies",
        sa.Column("tx_hash", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.Float(), nullable=False),
        sa.Column("signed", sa.Float(), nullable=False),
        sa.Column("sent", sa.Float(), nullable=True),
        sa.Column("mined", sa.Float(), nullable=True),
        sa.Column("blocks", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tx_hash"),
    )
    op.create_index(op.f("ix_latencies_batch"), "latencies", ["batch"], unique=False)
