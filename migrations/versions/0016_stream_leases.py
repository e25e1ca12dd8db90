"""Who runs which stream, and checkpoints that are sealed, numbered and know their position.

The code before this one goes on: it writes checkpoints without a seal, which the new code refuses and learns
anew from the stored history.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

from optria.db.policies import guard

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for column in (
        "epoch bigint NOT NULL DEFAULT 0",
        "position bigint NOT NULL DEFAULT 0",
        "generation bigint NOT NULL DEFAULT 0",
        "seal varchar(100)",
    ):
        op.execute(f"ALTER TABLE detector_checkpoints ADD COLUMN {column}")
    op.create_table(
        "stream_leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stream_leases")),
    )
    op.create_table(
        "checkpoint_heads",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_checkpoint_heads")),
    )
    for statement in guard("checkpoint_heads"):
        op.execute(statement)
