"""Causal rules have drafts and a history: every step of a rule is kept as it was written.

The existing application goes on reading and writing the rules; the new columns have defaults. A row of the
history is added and never changed: the serving role may not (optria.db.roles).

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from optria.db.policies import guard

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for column in ("version int NOT NULL DEFAULT 0", "draft jsonb"):
        op.execute(f"ALTER TABLE blackbox_rca_rules ADD COLUMN {column}")
    op.create_table(
        "rca_rule_revisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deed", sa.String(length=20), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("proof", JSONB(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["blackbox_rca_rules.id"],
            ondelete="CASCADE",
            name=op.f("fk_rca_rule_revisions_rule_id_blackbox_rca_rules"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rca_rule_revisions")),
        sa.UniqueConstraint(
            "tenant_id", "rule_id", "version", name=op.f("uq_rca_rule_revisions_tenant_id_rule_id_version")
        ),
    )
    for statement in guard("rca_rule_revisions", {"rule_id": "blackbox_rca_rules"}):
        op.execute(statement)
