"""A place in a chain of the audit log is taken once, and found by an index.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0011"
down_revision = "0010"

NAME = "uq_audit_logs_tenant_id_sequence"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5s'")
        op.execute("SET statement_timeout = 0")
        op.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME} ON audit_logs (tenant_id, sequence)"
        )
        if not context.is_offline_mode() and not is_valid():
            op.execute(f"REINDEX INDEX CONCURRENTLY {NAME}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def is_valid() -> bool:
    found = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(found, {"name": NAME}))
