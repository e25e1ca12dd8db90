"""Alarms are shelved, assets are in maintenance, and what comes too often is folded.

The existing application goes on: every new column is empty or has a default, and it sees folded rows as the
rows that they are.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER

from optria.db.policies import guard

revision = "0018"
down_revision = "0017"

ADDED = {
    "blackbox_events": ("alike varchar(32)", "folded_into uuid", "suppressed_by varchar(50)"),
    "notifications": ("folded_into uuid",),
    "notification_preferences": ("handover_digest boolean NOT NULL DEFAULT false",),
    "thresholds": (
        "dead_band_percent double precision",
        "on_delay_s double precision",
        "off_delay_s double precision",
    ),
    "work_order_policies": ("longest_shelving_hours double precision NOT NULL DEFAULT 24",),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table, columns in ADDED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    make_shelvings()
    make_windows()
    for statement in guard("alarm_shelvings"):
        op.execute(statement)
    for statement in guard("maintenance_windows"):
        op.execute(statement)


def make_shelvings() -> None:
    op.create_table(
        "alarm_shelvings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("mapping_id", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("includes_critical", sa.Boolean(), nullable=False),
        sa.Column("shelved_by", sa.Integer(), nullable=False),
        sa.Column("shelved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_shelvings")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "asset_id"],
            ["assets.tenant_id", "assets.id"],
            ondelete="CASCADE",
            name=op.f("fk_alarm_shelvings_tenant_id_asset_id_assets"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "mapping_id"],
            ["external_signal_mappings.tenant_id", "external_signal_mappings.id"],
            ondelete="CASCADE",
            name=op.f("fk_alarm_shelvings_tenant_id_mapping_id_external_signal_mappings"),
        ),
    )
    op.create_index(
        op.f("ix_alarm_shelvings_tenant_id_asset_id"), "alarm_shelvings", ["tenant_id", "asset_id"]
    )
    op.create_index(
        "ix_alarm_shelvings_not_returned",
        "alarm_shelvings",
        ["until"],
        postgresql_where=sa.text("returned_at IS NULL"),
    )


def make_windows() -> None:
    op.create_table(
        "maintenance_windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("asset_ids", ARRAY(INTEGER()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("learn_anew", sa.Boolean(), nullable=False),
        sa.Column("planned_by", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_windows")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"],
            ["sites.tenant_id", "sites.id"],
            ondelete="CASCADE",
            name=op.f("fk_maintenance_windows_tenant_id_site_id_sites"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_maintenance_windows_tenant_id_work_order_id_work_orders"),
        ),
    )
    op.create_index(
        op.f("ix_maintenance_windows_tenant_id_ends_at"), "maintenance_windows", ["tenant_id", "ends_at"]
    )
    op.create_index(
        "ix_maintenance_windows_not_returned",
        "maintenance_windows",
        ["ends_at"],
        postgresql_where=sa.text("returned_at IS NULL"),
    )
