"""What finished work teaches: confirmed causes beside what was said, and how sure the analysis may be.

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from optria.db.policies import guard

revision = "0013"
down_revision = "0012"

ADDED = {
    "blackbox_incidents": ("recurrence_of uuid",),
    "work_orders": ("not_effective_count int NOT NULL DEFAULT 0",),
    "work_order_policies": (
        "verification_hours double precision NOT NULL DEFAULT 24",
        "rebaseline_when_closed boolean NOT NULL DEFAULT true",
    ),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table, columns in ADDED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    make_confirmations()
    make_calibrations()
    for statement in guard("cause_confirmations", {"asset_id": "assets"}):
        op.execute(statement)
    for statement in guard("cause_calibrations"):
        op.execute(statement)


def make_confirmations() -> None:
    op.create_table(
        "cause_confirmations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Integer(), nullable=True),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("asset_type", sa.String(length=100), nullable=True),
        sa.Column("cause", sa.String(length=100), nullable=True),
        sa.Column("is_fault", sa.Boolean(), nullable=False),
        sa.Column("is_effective", sa.Boolean(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("downtime_hours", sa.Numeric(precision=8, scale=2), nullable=True),
        sa.Column("labour_hours", sa.Numeric(precision=8, scale=2), nullable=True),
        sa.Column("ordered_said", JSONB(), nullable=True),
        sa.Column("final_said", JSONB(), nullable=True),
        sa.Column("lead_s", sa.Double(), nullable=True),
        sa.Column("lead_until", sa.String(length=20), nullable=True),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Integer(), nullable=True),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cause_confirmations")),
        sa.UniqueConstraint("tenant_id", "subject", name=op.f("uq_cause_confirmations_tenant_id_subject")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "incident_id"],
            ["blackbox_incidents.tenant_id", "blackbox_incidents.id"],
            name=op.f("fk_cause_confirmations_tenant_id_incident_id_blackbox_incidents"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_cause_confirmations_tenant_id_work_order_id_work_orders"),
        ),
    )
    op.create_index(
        op.f("ix_cause_confirmations_tenant_id_confirmed_at"),
        "cause_confirmations",
        ["tenant_id", "confirmed_at"],
    )


def make_calibrations() -> None:
    op.create_table(
        "cause_calibrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("factor", sa.Double(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("log_loss_before", sa.Double(), nullable=True),
        sa.Column("log_loss_after", sa.Double(), nullable=True),
        sa.Column("fitted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cause_calibrations")),
    )
    op.create_index(
        op.f("ix_cause_calibrations_tenant_id_fitted_at"), "cause_calibrations", ["tenant_id", "fitted_at"]
    )
