"""Indexes on the tables of the existing application that revision 0007 found or made.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0008"
down_revision = "0007"

INDEXES = {
    "ix_alerts_tenant_id_created_at": ("alerts", "tenant_id, created_at"),
    "ix_asset_components_tenant_id_asset_id": ("asset_components", "tenant_id, asset_id"),
    "ix_asset_failure_modes_tenant_id_asset_id": ("asset_failure_modes", "tenant_id, asset_id"),
    "ix_asset_metrics_snapshot_tenant_id_asset_id_recorded_at": (
        "asset_metrics_snapshot",
        "tenant_id, asset_id, recorded_at",
    ),
    "ix_twin_nodes_tenant_id_layout_id": ("twin_nodes", "tenant_id, layout_id"),
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5s'")
        op.execute("SET statement_timeout = 0")
        for name, (table, columns) in INDEXES.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({columns})")
            if not context.is_offline_mode() and not is_valid(name):
                op.execute(f"REINDEX INDEX CONCURRENTLY {name}")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def is_valid(name: str) -> bool:
    found = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(found, {"name": name}))
