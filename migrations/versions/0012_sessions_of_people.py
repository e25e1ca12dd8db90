"""A session is of a person of its own tenant, so that no tenant can make one for somebody else's people.

Revision ID: 0012
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(
        "CREATE POLICY own_people ON user_sessions AS RESTRICTIVE USING (true) WITH CHECK ("
        "EXISTS (SELECT 1 FROM users AS target WHERE target.id = user_sessions.user_id"
        " AND target.tenant_id IS NOT DISTINCT FROM user_sessions.tenant_id))"
    )
