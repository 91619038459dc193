"""Incidents (what went wrong lately) and missed liquidations (what others were first at)."""

import sqlalchemy as sa
from alembic import op

from keeper.store.types import BigInteger256

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject"),
    )
    op.create_table(
        "missed",
        sa.Column("tx_hash", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("deployment", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("debt", sa.String(), nullable=False),
        sa.Column("collateral", sa.String(), nullable=False),
        sa.Column("repaid", BigInteger256(), nullable=False),
        sa.Column("seized", BigInteger256(), nullable=False),
        sa.Column("liquidator", sa.String(), nullable=False),
        sa.Column("bonus_usd", BigInteger256(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tx_hash", "place"),
    )
    op.create_index(op.f("ix_missed_time"), "missed", ["time"], unique=False)
    op.create_index(op.f("ix_missed_why"), "missed", ["why"], unique=False)
