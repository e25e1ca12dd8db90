"""What an administrator keeps: rotas, proposals of limits and costs, the rest of the plant tables.

The tables of the existing application are made where it has not made them; its own stay as they are.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

from optria.db.policies import guard

revision = "0007"
down_revision = "0006"

ADDED = {
    "thresholds": ("proposed_by int", "replaces_id int", "reason text", "ended_at timestamptz"),
    "cost_references": (
        "approved_by int",
        "created_at timestamptz NOT NULL DEFAULT now()",
        "proposed_by int",
        "replaces_id int",
        "reason text",
        "ended_at timestamptz",
    ),
    "work_order_policies": ("min_severity varchar(20) NOT NULL DEFAULT 'MAJOR'",),
}

V1_TABLES = {
    "alerts": """
        id serial, tenant_id int NOT NULL, asset_id int, component_id int, alert_type varchar(50) NOT NULL,
        severity varchar(20) NOT NULL, title varchar(255) NOT NULL, title_ar varchar(255), description text,
        status varchar(20), acknowledged_by int, acknowledged_at timestamptz, resolved_at timestamptz,
        extra_data jsonb, created_at timestamptz""",
    "asset_components": """
        id serial, tenant_id int NOT NULL, asset_id int NOT NULL, parent_component_id int,
        code varchar(100) NOT NULL, name varchar(255) NOT NULL, name_ar varchar(255),
        component_type varchar(100), criticality varchar(20), is_active bool, extra_data jsonb,
        created_at timestamptz, updated_at timestamptz""",
    "asset_failure_modes": """
        id serial, tenant_id int NOT NULL, asset_id int NOT NULL, component_id int,
        code varchar(100) NOT NULL, name varchar(255) NOT NULL, name_ar varchar(255), description text,
        failure_effect text, severity int, occurrence int, detection int, mitigation_action text,
        is_active bool, created_at timestamptz, updated_at timestamptz""",
    "asset_metrics_snapshot": """
        id serial, tenant_id int NOT NULL, asset_id int NOT NULL, component_id int,
        metric_name varchar(100) NOT NULL, metric_value numeric(20, 6), unit varchar(50),
        quality varchar(20), recorded_at timestamptz NOT NULL, source varchar(100), created_at timestamptz""",
    "twin_nodes": """
        id serial, tenant_id int NOT NULL, layout_id int NOT NULL, asset_id int,
        node_type varchar(50) NOT NULL, label varchar(255), position_x int, position_y int, width int,
        height int, rotation int, icon varchar(100), color varchar(20), style jsonb, parent_node_id int,
        data_bindings jsonb, z_index int, is_visible bool, created_at timestamptz, updated_at timestamptz""",
}
REFERENCES = {
    "alerts": {"asset_id": "assets"},
    "asset_components": {"asset_id": "assets"},
    "asset_failure_modes": {"asset_id": "assets"},
    "asset_metrics_snapshot": {"asset_id": "assets"},
    "twin_nodes": {"layout_id": "twin_layouts", "asset_id": "assets"},
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    for table, columns in ADDED.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    for table in V1_TABLES:
        make_where_missing(table)
    make_rotas()
    make_request_keys()
    for table in (*V1_TABLES, "on_call_rotations", "on_call_members", "request_keys"):
        for statement in guard(table, REFERENCES.get(table)):
            op.execute(statement)


def make_where_missing(table: str) -> None:
    """A table of the existing application as that would have made it, with the keys of our names."""
    pairs = {"tenant_id": "tenants", **REFERENCES[table]}
    keys = ", ".join(
        f"CONSTRAINT fk_{table}_{column}_{target} FOREIGN KEY ({column}) REFERENCES {target} (id)"
        for column, target in pairs.items()
    )
    op.execute(
        f"CREATE TABLE IF NOT EXISTS {table} ("
        f"{V1_TABLES[table].strip()}, CONSTRAINT pk_{table} PRIMARY KEY (id), {keys})"
    )


def make_rotas() -> None:
    op.create_table(
        "on_call_rotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(length=50), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("handover_at", sa.Time(), nullable=False),
        sa.Column("shift_days", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_rotations")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_on_call_rotations_tenant_id_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "site_id"],
            ["sites.tenant_id", "sites.id"],
            name=op.f("fk_on_call_rotations_tenant_id_site_id_sites"),
        ),
    )
    op.create_table(
        "on_call_members",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rotation_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_members")),
        sa.UniqueConstraint("rotation_id", "position", name=op.f("uq_on_call_members_rotation_id_position")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "rotation_id"],
            ["on_call_rotations.tenant_id", "on_call_rotations.id"],
            name=op.f("fk_on_call_members_tenant_id_rotation_id_on_call_rotations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["users.tenant_id", "users.id"],
            name=op.f("fk_on_call_members_tenant_id_user_id_users"),
        ),
    )
    op.create_index(
        op.f("ix_on_call_members_tenant_id_rotation_id"),
        "on_call_members",
        ["tenant_id", "rotation_id"],
        unique=False,
    )


def make_request_keys() -> None:
    op.create_table(
        "request_keys",
        sa.Column("tenant_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "key", name=op.f("pk_request_keys")),
    )
