"""The tables of the pipeline: configuration of the plant, analyses, history, rota, deliveries, sessions.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "carbon_factors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("energy_type", sa.String(length=50), nullable=False),
        sa.Column("factor_kg_per_kwh", sa.Numeric(precision=10, scale=5), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carbon_factors")),
    )
    op.create_table(
        "clock_drifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("drift_s", sa.Double(), nullable=False),
        sa.Column("time_zone", sa.String(length=50), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_drifts")),
        sa.UniqueConstraint("tenant_id", "source", name=op.f("uq_clock_drifts_tenant_id_source")),
    )
    op.create_table(
        "detector_checkpoints",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", JSONB(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_detector_checkpoints")),
    )
    op.create_table(
        "detector_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("metric", sa.String(length=100), nullable=True),
        sa.Column("detector", sa.String(length=100), nullable=False),
        sa.Column("parameters", JSONB(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detector_settings")),
    )
    op.create_table(
        "downtime_references",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=100), nullable=False),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("hours", sa.Numeric(precision=8, scale=2), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_downtime_references")),
    )
    op.create_index(
        op.f("ix_downtime_references_tenant_id_cause"),
        "downtime_references",
        ["tenant_id", "cause"],
        unique=False,
    )
    op.create_table(
        "history_chunks",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("t0", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dt", ARRAY(sa.Integer()), nullable=False),
        sa.Column("value", ARRAY(sa.Double()), nullable=False),
        sa.Column("quality", ARRAY(sa.SmallInteger()), nullable=False),
        sa.PrimaryKeyConstraint("tag_id", "t0", name=op.f("pk_history_chunks")),
        postgresql_partition_by="RANGE (t0)",
    )
    op.create_table(
        "incident_windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("before_minutes", sa.Double(), nullable=False),
        sa.Column("after_minutes", sa.Double(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_windows")),
        sa.UniqueConstraint(
            "tenant_id",
            "asset_type",
            name=op.f("uq_incident_windows_tenant_id_asset_type"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "counters",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_counters_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_counters")),
    )
    op.create_table(
        "work_order_policies",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("min_probability", sa.Double(), nullable=False),
        sa.Column("initial_status", sa.String(length=20), nullable=False),
        sa.Column("watchers", ARRAY(sa.INTEGER()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_work_order_policies_tenant_id_tenants")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_work_order_policies")),
    )
    op.create_table(
        "on_call_shifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_on_call_shifts_tenant_id_user_id_users"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_shifts")),
    )
    op.create_index(
        op.f("ix_on_call_shifts_tenant_id_starts_at"),
        "on_call_shifts",
        ["tenant_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "last_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_user_sessions_tenant_id_tenants")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_user_sessions_token_sha256")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "asset_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_asset_id", sa.Integer(), nullable=False),
        sa.Column("target_asset_id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "source_asset_id"],
            ["assets.tenant_id", "assets.id"],
            name=op.f("fk_asset_links_tenant_id_source_asset_id_assets"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "target_asset_id"],
            ["assets.tenant_id", "assets.id"],
            name=op.f("fk_asset_links_tenant_id_target_asset_id_assets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_links")),
        sa.UniqueConstraint(
            "tenant_id",
            "source_asset_id",
            "target_asset_id",
            name=op.f("uq_asset_links_tenant_id_source_asset_id_target_asset_id"),
        ),
    )
    op.create_table(
        "cost_references",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("cost_per_hour", sa.Numeric(precision=15, scale=2), nullable=False),
        sa.Column("currency", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"],
            ["assets.tenant_id", "assets.id"],
            name=op.f("fk_cost_references_tenant_id_asset_id_assets"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"],
            ["sites.tenant_id", "sites.id"],
            name=op.f("fk_cost_references_tenant_id_site_id_sites"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_references")),
    )
    op.create_table(
        "machine_specs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("spec", JSONB(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"],
            ["assets.tenant_id", "assets.id"],
            name=op.f("fk_machine_specs_tenant_id_asset_id_assets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_specs")),
    )
    op.create_table(
        "notification_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notification_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notifications.tenant_id", "notifications.id"],
            name=op.f("fk_notification_deliveries_tenant_id_notification_id_notifications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_deliveries")),
        sa.UniqueConstraint(
            "tenant_id",
            "notification_id",
            "channel",
            name=op.f("uq_notification_deliveries_tenant_id_notification_id_channel"),
        ),
    )
    op.create_table(
        "thresholds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("metric", sa.String(length=100), nullable=False),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("limit_value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(length=50), nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"],
            ["assets.tenant_id", "assets.id"],
            name=op.f("fk_thresholds_tenant_id_asset_id_assets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thresholds")),
    )
    op.create_index(
        op.f("ix_thresholds_tenant_id_metric"), "thresholds", ["tenant_id", "metric"], unique=False
    )
    op.create_table(
        "incident_analyses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("analysis", JSONB(), nullable=False),
        sa.Column("requested_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "incident_id"],
            ["blackbox_incidents.tenant_id", "blackbox_incidents.id"],
            name=op.f("fk_incident_analyses_tenant_id_incident_id_blackbox_incidents"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_analyses")),
        sa.UniqueConstraint(
            "tenant_id",
            "incident_id",
            "revision",
            name=op.f("uq_incident_analyses_tenant_id_incident_id_revision"),
        ),
    )
    op.create_table(
        "work_order_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_sensitive", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_work_order_history_tenant_id_work_order_id_work_orders"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order_history")),
    )
    op.create_index(
        op.f("ix_work_order_history_tenant_id_work_order_id"),
        "work_order_history",
        ["tenant_id", "work_order_id"],
        unique=False,
    )
