from collections.abc import AsyncGenerator

import asyncpg
import pytest
from sqlalchemy import NullPool, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from optria.core.errors import ConfigurationError
from optria.db.embedded import EmbeddedServer
from optria.db.roles import APP_ROLE, app_url, ensure_role
from optria.db.upgrade import require_current, upgrade
from optria.db.url import normalise
from tests.conftest import APP_PASSWORD

OWNER_PASSWORD = "owner-of-the-test"


@pytest.fixture
async def modest_owner(server: EmbeddedServer, empty_database: str) -> AsyncGenerator[str]:
    """URL of an owner like that of a managed server: no superuser, but may make roles."""
    admin = await asyncpg.connect(empty_database)
    await admin.execute(f"CREATE ROLE modest LOGIN CREATEROLE PASSWORD '{OWNER_PASSWORD}'")
    await admin.execute(f'ALTER DATABASE "{make_url(empty_database).database}" OWNER TO modest')
    yield app_url(empty_database, OWNER_PASSWORD, "modest")
    await admin.execute(f'ALTER DATABASE "{make_url(empty_database).database}" OWNER TO optria_owner')
    for role in ("serves_here", "modest"):
        if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
    await admin.close()


@pytest.mark.clause("G8")
async def test_owner_without_superuser_migrates_and_makes_the_serving_role(modest_owner: str) -> None:
    await upgrade(modest_owner, "serves_here", "its-password")
    await require_current(app_url(modest_owner, "its-password", "serves_here"))
    assert "nothing to do" in str(await upgrade(modest_owner, "serves_here", "its-password"))


async def test_serving_role_gets_our_tables_only(empty_database: str) -> None:
    owner = await asyncpg.connect(empty_database)
    try:
        await owner.execute("CREATE TABLE somebody_elses (tenant_id int)")
        await upgrade(empty_database, password=APP_PASSWORD)
        readable = {
            row["table_name"]
            for row in await owner.fetch(
                "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = $1", APP_ROLE
            )
        }
        assert "users" in readable
        assert "somebody_elses" not in readable
        settings = await owner.fetchval("SELECT rolconfig FROM pg_roles WHERE rolname = $1", APP_ROLE)
        assert "idle_in_transaction_session_timeout=30s" in settings
    finally:
        await owner.close()


async def test_missing_role_without_a_password_is_a_sentence(empty_database: str) -> None:
    address, arguments = normalise(empty_database)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    async with engine.connect() as connection:
        with pytest.raises(ConfigurationError, match="OPTRIA_APP_DATABASE_URL"):
            await ensure_role(connection, "nobody_yet", None)
        await ensure_role(connection, "nobody_yet", "it's a password")
        assert await connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = 'nobody_yet'"))
        await connection.rollback()
    await engine.dispose()


async def test_owner_who_may_not_make_roles_is_told_what_to_do(modest_owner: str) -> None:
    address, arguments = normalise(modest_owner)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    async with engine.begin() as connection:
        await ensure_role(connection, "serves_here", "x")
    helpless, arguments = normalise(app_url(modest_owner, "x", "serves_here"))
    other = create_async_engine(helpless, connect_args=arguments, poolclass=NullPool)
    async with other.connect() as connection:
        with pytest.raises(ConfigurationError, match="may not make the serving role"):
            await ensure_role(connection, "one_more", "x")
    await other.dispose()
    await engine.dispose()
