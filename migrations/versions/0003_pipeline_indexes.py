"""Keys and indexes on the existing tables, built without stopping those who write to them.

Uniqueness only on what every old row satisfies: new nullable columns, and pairs with the primary key.
A build that was cut off leaves an invalid index behind, which the next run rebuilds.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0003"
down_revision = "0002"

KEYS = (
    ("uq_sites_tenant_id_id", "sites", "tenant_id, id"),
    ("uq_users_tenant_id_id", "users", "tenant_id, id"),
    ("uq_assets_tenant_id_id", "assets", "tenant_id, id"),
    ("uq_notifications_idempotency_key", "notifications", "idempotency_key"),
    ("uq_notifications_tenant_id_id", "notifications", "tenant_id, id"),
    ("uq_blackbox_events_idempotency_key", "blackbox_events", "idempotency_key"),
    ("uq_blackbox_incidents_tenant_id_id", "blackbox_incidents", "tenant_id, id"),
    ("uq_external_signal_mappings_tenant_id_id", "external_signal_mappings", "tenant_id, id"),
    ("uq_work_orders_idempotency_key", "work_orders", "idempotency_key"),
    ("uq_work_orders_tenant_id_id", "work_orders", "tenant_id, id"),
    ("uq_blackbox_incident_events_idempotency_key", "blackbox_incident_events", "idempotency_key"),
)

INDEXES = (
    ("ix_audit_logs_tenant_id_created_at", "audit_logs", "tenant_id, created_at", "", False),
    (
        "ix_notifications_tenant_id_user_id_created_at",
        "notifications",
        "tenant_id, user_id, created_at",
        "",
        False,
    ),
    (
        "ix_asset_ai_scores_tenant_id_asset_id_computed_at",
        "asset_ai_scores",
        "tenant_id, asset_id, computed_at",
        "",
        False,
    ),
    (
        "ix_blackbox_events_tenant_id_asset_id_event_time",
        "blackbox_events",
        "tenant_id, asset_id, event_time",
        "",
        False,
    ),
    ("ix_blackbox_events_tenant_id_event_time", "blackbox_events", "tenant_id, event_time", "", False),
    (
        "ix_blackbox_incidents_next_pass",
        "blackbox_incidents",
        "next_pass_at",
        "next_pass_at IS NOT NULL",
        False,
    ),
    (
        "uq_blackbox_incidents_open_episode",
        "blackbox_incidents",
        "tenant_id, dedup_key",
        "dedup_key IS NOT NULL",
        True,
    ),
    (
        "ix_blackbox_incidents_tenant_id_root_asset_id_start_time",
        "blackbox_incidents",
        "tenant_id, root_asset_id, start_time",
        "",
        False,
    ),
    ("ix_blackbox_incidents_tenant_id_start_time", "blackbox_incidents", "tenant_id, start_time", "", False),
    ("ix_work_orders_tenant_id_asset_id", "work_orders", "tenant_id, asset_id", "", False),
    ("ix_work_orders_tenant_id_incident_id", "work_orders", "tenant_id, incident_id", "", False),
    ("ix_work_orders_tenant_id_status", "work_orders", "tenant_id, status", "", False),
    ("ix_blackbox_incident_events_incident_id", "blackbox_incident_events", "incident_id", "", False),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5s'")
        op.execute("SET statement_timeout = 0")
        for name, table, columns, where, unique in INDEXES:
            build(name, table, columns, where, unique)
        for name, table, columns in KEYS:
            build(name, table, columns, "", True)
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for name, table, _ in KEYS:
        if not has_constraint(name):
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")


def build(name: str, table: str, columns: str, where: str, unique: bool) -> None:
    kind = "UNIQUE INDEX" if unique else "INDEX"
    condition = f" WHERE {where}" if where else ""
    op.execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} ON {table} ({columns}){condition}")
    if not context.is_offline_mode() and not is_valid(name):
        op.execute(f"REINDEX INDEX CONCURRENTLY {name}")


def is_valid(name: str) -> bool:
    found = sa.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
    return bool(op.get_bind().scalar(found, {"name": name}))


def has_constraint(name: str) -> bool:
    if context.is_offline_mode():
        return False
    found = sa.text("SELECT 1 FROM pg_constraint WHERE conname = :name AND contype = 'u'")
    return op.get_bind().scalar(found, {"name": name}) is not None
