"""Columns that the pipeline adds to the existing tables: nullable, or with a default.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.add_column(
        "sites", sa.Column("time_zone", sa.String(length=50), server_default="Asia/Riyadh", nullable=True)
    )
    op.add_column("notifications", sa.Column("idempotency_key", sa.String(length=255), nullable=True))
    op.add_column("blackbox_events", sa.Column("idempotency_key", sa.String(length=255), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("dedup_key", sa.String(length=255), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("anchor", JSONB(), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("window_start", sa.DateTime(timezone=True), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("window_end", sa.DateTime(timezone=True), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("next_pass_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "blackbox_incidents", sa.Column("attempts", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("blackbox_incidents", sa.Column("last_error", sa.Text(), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("anchored_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("analysed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "blackbox_incidents", sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("blackbox_incidents", sa.Column("acknowledged_by", sa.Integer(), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("root_cause_codes", JSONB(), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("pattern", JSONB(), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("confirmed_cause", sa.String(length=100), nullable=True))
    op.add_column("blackbox_incidents", sa.Column("resolution", sa.Text(), nullable=True))
    op.add_column(
        "blackbox_incidents", sa.Column("downtime_hours", sa.Numeric(precision=8, scale=2), nullable=True)
    )
    op.add_column(
        "blackbox_incidents", sa.Column("occurrences", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column("external_signal_mappings", sa.Column("range_low", sa.Double(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("range_high", sa.Double(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("normal_low", sa.Double(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("normal_high", sa.Double(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("decimals", sa.SmallInteger(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("scan_s", sa.Double(), nullable=True))
    op.add_column("external_signal_mappings", sa.Column("description", sa.String(length=255), nullable=True))
    op.add_column("work_orders", sa.Column("idempotency_key", sa.String(length=255), nullable=True))
    op.add_column("work_orders", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("work_orders", sa.Column("checklist", JSONB(), nullable=True))
    op.add_column("work_orders", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_orders", sa.Column("failure_note", sa.Text(), nullable=True))
    op.add_column("work_orders", sa.Column("actual_cause", sa.String(length=100), nullable=True))
    op.add_column("work_orders", sa.Column("downtime_hours", sa.Numeric(precision=8, scale=2), nullable=True))
    op.add_column(
        "blackbox_incident_events", sa.Column("idempotency_key", sa.String(length=255), nullable=True)
    )
