"""kill -9 around an e-mail: at most one repeat, and it has the same key."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from optria.db.delivery import Delivery
from optria.db.session import Database
from optria.work.delivery_channels import CHANNELS
from optria.work.delivery_queue import LEASE
from optria.work.notifications import notify
from tests import factories
from tests.fakes.mail_server import MailServer
from tests.work.letters import channel
from tests.work.test_delivery_people import notice

ROOT = Path(__file__).parents[2]


async def sending(url: str, port: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.work.send_mail", url, str(port), cwd=ROOT
    )


async def lease_over(database: Database, tenant_id: int) -> None:
    async with database.transaction(tenant_id) as tx:
        await tx.session.execute(
            update(Delivery)
            .where(Delivery.status == "sending")
            .values(next_attempt_at=Delivery.next_attempt_at - LEASE)
        )


@pytest.mark.parametrize("moment", ["letter taken, not acknowledged", "before the letter"])
async def test_a_sender_killed_around_an_email_repeats_it_at_most_once_with_the_same_key(
    fresh_database: str, serving: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    url = serving(fresh_database)
    database = Database(url)
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        user = await factories.user(tx, tenant.id)
    async with MailServer().running() as server:
        monkeypatch.setitem(CHANNELS, "email", channel(server.port))
        async with database.transaction(tenant.id) as tx:
            await notify(tx, tenant.id, [user.id], notice())

        first = await sending(url, server.port)
        if moment == "before the letter":
            server.on_connect = first.kill
        else:
            server.on_letter = first.kill
        assert await first.wait() == -signal.SIGKILL
        server.on_connect = server.on_letter = None
        taken = len(server.letters)

        second = await sending(url, server.port)
        assert await second.wait() == 0
        assert len(server.letters) == taken, "the claim of the dead still holds"
        await lease_over(database, tenant.id)
        third = await sending(url, server.port)
        assert await third.wait() == 0
        fourth = await sending(url, server.port)
        assert await fourth.wait() == 0

    assert len(server.letters) == taken + 1 <= 2
    assert len({received.message["X-Optria-Delivery"] for received in server.letters}) == 1
    assert len({received.message["Message-ID"] for received in server.letters}) == 1
    async with database.transaction(tenant.id) as tx:
        states = await tx.session.execute(select(Delivery.status, func.count()).group_by(Delivery.status))
        assert [tuple(row) for row in states] == [("delivered", 1)]
    await database.dispose()
