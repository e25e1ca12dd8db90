"""Administrators are told once that the database runs out of space, and again when it does so anew."""

import asyncio
from datetime import timedelta

from sqlalchemy import select

from optria.app.space_alerts import SpaceAlerts
from optria.core.roles import Role
from optria.db.session import Database
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.streams.space import Space
from tests import factories
from tests.fakes.waiting import until


async def test_each_administrator_is_told_once_and_nobody_else(database: Database) -> None:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        await factories.user(tx, tenant.id, Role.ENGINEER)
    space = Space(None)
    alerts = SpaceAlerts(database, space, [tenant.id], look_every_s=0.01)
    task = asyncio.ensure_future(alerts.run())
    began = clock.now() - timedelta(hours=3)
    space.why, space.since = "full", began
    await until(lambda: alerts.told == began)
    space.since = began + timedelta(minutes=1) if began.minute < 59 else began
    await until(lambda: alerts.told == space.since)
    assert await told(database, tenant.id) == [admin.id]
    space.why, space.since = None, None
    await until(lambda: alerts.told is None)
    space.why, space.since = "full again", clock.now()
    await until(lambda: alerts.told == space.since)
    assert await told(database, tenant.id) == [admin.id, admin.id]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def told(database: Database, tenant_id: int) -> list[int]:
    async with database.transaction(tenant_id) as tx:
        return list(await tx.session.scalars(select(NotificationRow.user_id)))
