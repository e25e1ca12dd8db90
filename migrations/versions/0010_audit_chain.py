"""The audit log as a chain of hashes, one per tenant.

Rows that are there stay as they are: they belong to no chain. The serving role adds chained rows only; the
existing application connects as the owner, whom the policy does not concern.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

from optria.db.policies import guard

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for column in ("sequence bigint", "previous_hash varchar(64)", "hash varchar(64)"):
        op.execute(f"ALTER TABLE audit_logs ADD COLUMN {column}")
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_audit_heads")),
    )
    for statement in guard("audit_heads"):
        op.execute(statement)
    op.execute(
        "CREATE POLICY chained_rows ON audit_logs AS RESTRICTIVE FOR INSERT"
        " WITH CHECK (sequence IS NOT NULL AND previous_hash IS NOT NULL AND hash IS NOT NULL)"
    )
