"""Recordings of incidents are sealed once their window is over.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from optria.db.policies import guard

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.create_table(
        "incident_seals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_seals")),
        sa.UniqueConstraint("tenant_id", "incident_id", name=op.f("uq_incident_seals_tenant_id_incident_id")),
        sa.UniqueConstraint("tenant_id", "sequence", name=op.f("uq_incident_seals_tenant_id_sequence")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "incident_id"],
            ["blackbox_incidents.tenant_id", "blackbox_incidents.id"],
            name=op.f("fk_incident_seals_tenant_id_incident_id_blackbox_incidents"),
        ),
    )
    for statement in guard("incident_seals"):
        op.execute(statement)
