"""Row-level security: a role that is not the owner sees and writes the rows of one tenant.

The tenant is `app.tenant_id`, set for one transaction; `app.scope` = 'platform' sees all. Enabled, not
forced: the existing application connects as the owner and goes on as before. A foreign key is checked
without row-level security, so the checks on writing also ask that what a row of the old tables points to
belongs to the same tenant (the new tables have keys of tenant and id).

A table at a time, each in its own transaction: nobody waits behind locks that wait for another table.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import context, op

revision = "0005"
down_revision = "0004"

PLATFORM = "(SELECT current_setting('app.scope', true)) = 'platform'"
TENANT = "nullif(current_setting('app.tenant_id', true), '')::int"


def bound(of_all: str) -> str:
    """The tenant, or for the platform the end of all numbers: a range, because an index serves no OR."""
    scope = "current_setting('app.scope', true)"
    return f"(SELECT CASE WHEN {scope} = 'platform' THEN {of_all} ELSE {TENANT} END)"


OWNED = (
    "asset_ai_scores",
    "asset_links",
    "assets",
    "audit_logs",
    "blackbox_events",
    "blackbox_incident_events",
    "blackbox_incidents",
    "carbon_factors",
    "clock_drifts",
    "cost_references",
    "counters",
    "detector_checkpoints",
    "detector_settings",
    "downtime_references",
    "external_signal_mappings",
    "history_chunks",
    "incident_analyses",
    "incident_windows",
    "integration_action_logs",
    "machine_specs",
    "notification_deliveries",
    "notifications",
    "on_call_shifts",
    "sites",
    "tenant_cost_models",
    "tenant_integrations",
    "thresholds",
    "twin_layouts",
    "user_sessions",
    "users",
    "work_order_history",
    "work_order_policies",
    "work_orders",
)

OWNED_OR_NOBODYS = ("audit_logs", "blackbox_rca_rules", "user_sessions", "users")
"""A row without a tenant is the platform's."""

REFERENCES = {
    "asset_ai_scores": {"asset_id": "assets"},
    "assets": {"site_id": "sites"},
    "blackbox_events": {"asset_id": "assets", "site_id": "sites"},
    "blackbox_incident_events": {"incident_id": "blackbox_incidents", "event_id": "blackbox_events"},
    "blackbox_incidents": {"root_asset_id": "assets", "site_id": "sites", "assigned_to": "users"},
    "external_signal_mappings": {"integration_id": "tenant_integrations", "asset_id": "assets"},
    "integration_action_logs": {"integration_id": "tenant_integrations"},
    "notifications": {"user_id": "users"},
    "twin_layouts": {"site_id": "sites"},
    "work_orders": {"asset_id": "assets", "assigned_to": "users"},
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '5s'")
        op.execute("SET statement_timeout = '60s'")
        for table in OWNED:
            guard(table, "tenant_id", REFERENCES.get(table, {}))
        guard("tenants", "id", {})
        guard("blackbox_rca_rules", "tenant_id", {})
        policy("system_rules", "blackbox_rca_rules", "FOR SELECT USING (tenant_id IS NULL)")
        op.execute("RESET lock_timeout")
        op.execute("RESET statement_timeout")


def guard(table: str, column: str, references: dict[str, str]) -> None:
    """Its own tenant's rows only, and on writing, references into the same tenant only."""
    visible = f"{column} >= {bound('-2147483647')} AND {column} <= {bound('2147483647')}"
    if table in OWNED_OR_NOBODYS:
        visible = f"({visible}) OR ({column} IS NULL AND {PLATFORM})"
    same_tenant = "".join(
        f" AND ({table}.{name} IS NULL OR EXISTS (SELECT 1 FROM {target} AS target"  # noqa: S608
        f" WHERE target.id = {table}.{name} AND target.tenant_id = {table}.tenant_id))"
        for name, target in references.items()
    )
    policy("tenant_rows", table, f"USING ({visible}) WITH CHECK (({visible}){same_tenant})")


def policy(name: str, table: str, rule: str) -> None:
    """Made unless a try that was cut off has made it already."""
    if has_policy(name, table):
        return
    op.execute(
        f"DO $do$ BEGIN ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f" CREATE POLICY {name} ON {table} {rule}; END $do$"
    )


def has_policy(name: str, table: str) -> bool:
    if context.is_offline_mode():
        return False
    found = sa.text("SELECT 1 FROM pg_policies WHERE policyname = :name AND tablename = :table")
    return op.get_bind().scalar(found, {"name": name, "table": table}) is not None
