"""The product behind PgBouncer in transaction mode: each transaction may run on another connection."""

import asyncio

import pytest
from sqlalchemy import func, select, text

from optria.core.roles import Role
from optria.db.identity import User
from optria.db.roles import app_url
from optria.db.session import Database
from tests import factories
from tests.conftest import APP_PASSWORD
from tests.fakes.programs import program
from tests.pooler import pooler, through


@pytest.mark.skipif(program("pgbouncer") is None, reason="no PgBouncer here: scripts/servers.sh fetches one")
async def test_tenants_stay_apart_when_connections_change_hands(fresh_database: str) -> None:
    """Two tenants at once over one server connection each turn: each sees its own people, every time."""
    with pooler(fresh_database) as port:
        database = Database(through(app_url(fresh_database, APP_PASSWORD), port))
        try:
            async with database.platform("test") as tx:
                tenants = [(await factories.tenant(tx)).id for _ in range(2)]
                for tenant_id, people in zip(tenants, (1, 2), strict=True):
                    for _ in range(people):
                        await factories.user(tx, tenant_id, Role.ENGINEER)
            seen = await asyncio.gather(*(_people(database, tenants[turn % 2]) for turn in range(40)))
            async with database.engine.connect() as connection:
                nobody = await connection.scalar(select(func.count()).select_from(User))
        finally:
            await database.dispose()
    assert seen == [1, 2] * 20
    assert nobody == 0


async def _people(database: Database, tenant_id: int) -> int | None:
    async with database.transaction(tenant_id) as tx:
        await tx.session.execute(text("SELECT pg_sleep(0.01)"))
        return await tx.session.scalar(select(func.count()).select_from(User))
