"""The running server takes a stored notification to a mailbox."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from optria.app.server import run_server
from optria.db.session import Database
from optria.work.delivery_channels import CHANNELS
from optria.work.notifications import notify
from tests import factories
from tests.fakes.mail_server import MailServer
from tests.work.letters import settings
from tests.work.test_delivery_people import notice


@pytest.mark.clause("N4", "N5")
async def test_a_notification_leaves_the_running_server(
    fresh_database: str, serving: Callable[[str], str], tmp_path: Path
) -> None:
    url = serving(fresh_database)
    database, stop, bound, arrived = Database(url), anyio.Event(), asyncio.Event(), asyncio.Event()
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        user = await factories.user(tx, tenant.id)
    async with MailServer(on_letter=arrived.set).running() as server, asyncio.TaskGroup() as group:
        installed = settings(server.port, home=tmp_path, port=0)
        running = group.create_task(run_server(installed, url, lambda _: bound.set(), stop))
        async with asyncio.timeout(120):
            await bound.wait()
            async with database.transaction(tenant.id) as tx:
                await notify(tx, tenant.id, [user.id], notice(title="Look at the pump"))
            await arrived.wait()
        stop.set()
        await running
    CHANNELS.clear()
    await database.dispose()
    assert [received.recipients for received in server.letters] == [[user.email]]
