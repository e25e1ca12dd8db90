"""The two roles: an owner who migrates, and ``optria_app`` who serves under row-level security."""

import asyncpg
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from optria.core.errors import ConfigurationError
from optria.db.tables import TABLES
from optria.db.url import first_cause

APP_ROLE = "optria_app"
APPEND_ONLY = frozenset({"audit_logs", "incident_seals", "rca_rule_revisions"})
KEPT = frozenset({"audit_heads"})
"""Changed, never deleted."""
READ_ONLY = frozenset({"alembic_version"})
ROLE_SETTINGS = {"idle_in_transaction_session_timeout": "30s"}
"""A half-open worker gives its locks back after this long."""


def app_url(owner_url: str, password: str, role: str = APP_ROLE) -> str:
    """The owner's URL with the serving role in place of the owner."""
    return make_url(owner_url).set(username=role, password=password).render_as_string(hide_password=False)


async def ensure_role(connection: AsyncConnection, role: str, password: str | None) -> None:
    """Make the serving role if the server does not have it; an existing one is left as it is.

    Raises:
        ConfigurationError: when it is missing and the owner may not make it, or no password is known.
    """
    if await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return
    advice = (
        f"Make it by hand (CREATE ROLE {role} LOGIN PASSWORD '…') and set OPTRIA_APP_DATABASE_URL to its URL."
    )
    if password is None:
        raise ConfigurationError(f"The serving role {role} does not exist. {advice}")
    try:
        name = connection.dialect.identifier_preparer.quote(role)
        literal = "'" + password.replace("'", "''") + "'"
        await connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD {literal}")
        for setting, value in ROLE_SETTINGS.items():
            await connection.exec_driver_sql(f"ALTER ROLE {name} SET {setting} = '{value}'")
    except DBAPIError as error:
        if not isinstance(first_cause(error), asyncpg.InsufficientPrivilegeError):
            raise
        raise ConfigurationError(f"The owner may not make the serving role {role}. {advice}") from error


async def grant(connection: AsyncConnection, role: str) -> None:
    """Give the serving role what it needs on our tables, and nothing on anybody else's.

    No default privileges: an existing application's own tables carry no row-level security.
    """
    name = connection.dialect.identifier_preparer.quote(role)
    writable = sorted(set(TABLES) - APPEND_ONLY - KEPT)
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(writable)} TO {name}",
        f"GRANT SELECT, INSERT ON {', '.join(sorted(APPEND_ONLY))} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE ON {', '.join(sorted(KEPT))} TO {name}",
        f"GRANT SELECT ON {', '.join(sorted(READ_ONLY))} TO {name}",
        f"GRANT EXECUTE ON FUNCTION optria_ensure_history_partitions(date, int) TO {name}",
        f"GRANT EXECUTE ON FUNCTION optria_retire_history_day(date) TO {name}",
    ):
        await connection.exec_driver_sql(statement)
    for sequence in await _sequences(connection):
        await connection.exec_driver_sql(f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {name}")


async def refuse_bypass(connection: AsyncConnection) -> None:
    """Refuse to serve with a role that row-level security does not hold.

    Raises:
        ConfigurationError: when the connected role is a superuser, has BYPASSRLS, or owns one of our tables.
    """
    row = (await connection.execute(BYPASS, {"tables": sorted(TABLES)})).one()
    reasons = [reason for reason, holds in zip(REASONS, row[1:], strict=True) if holds]
    if reasons:
        raise ConfigurationError(
            f"The database role {row[0]} {' and '.join(reasons)}, so tenants would not be kept apart. "
            f"Serve with another one: run `optria db upgrade`, which makes {APP_ROLE}, "
            "or set OPTRIA_APP_DATABASE_URL to the URL of a plain role."
        )


REASONS = ("is a superuser", "has BYPASSRLS", "owns tables")
BYPASS = text(
    """
    SELECT rolname, rolsuper, rolbypassrls, EXISTS (
        SELECT 1 FROM pg_class
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname = ANY(:tables)
          AND pg_has_role(current_user, relowner, 'USAGE')
    )
    FROM pg_roles WHERE rolname = current_user
    """
)


async def _sequences(connection: AsyncConnection) -> list[str]:
    owned = text(
        """
        SELECT s.oid::regclass::text FROM pg_class AS s
        JOIN pg_depend AS d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
        JOIN pg_class AS t ON t.oid = d.refobjid
        WHERE s.relkind = 'S' AND t.relname = ANY(:tables) AND t.relnamespace = 'public'::regnamespace
        """
    )
    return list(await connection.scalars(owned, {"tables": sorted(TABLES)}))
