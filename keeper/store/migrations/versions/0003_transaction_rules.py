"""What the transaction manager remembers of no-ops, private routes and queued transactions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

GIVEN_UP = ("queued", "dropped", "lost")


def upgrade() -> None:
    with op.batch_alter_table("transactions") as table:
        table.drop_constraint("one_transaction_per_nonce", type_="unique")
        table.add_column(sa.Column("until", sa.BigInteger(), nullable=True))
    kept = sa.column("state").not_in([sa.literal_column(f"'{state}'") for state in GIVEN_UP])
    op.create_index(
        "one_transaction_per_nonce",
        "transactions",
        ["chain_id", "sender", "nonce"],
        unique=True,
        sqlite_where=kept,
        postgresql_where=kept,
    )
    op.add_column("attempts", sa.Column("cancels", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("attempts", sa.Column("until", sa.BigInteger(), nullable=True))
    op.add_column("attempts", sa.Column("out", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Whether an older attempt ever left is not known any more: it counts as if it had.
    op.execute("UPDATE attempts SET out = outcome IS NOT NULL")
