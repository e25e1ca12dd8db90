"""The server is killed (SIGKILL) while anchors come in a burst: nothing is lost, nothing done twice.

``OPTRIA_KILLS=20`` kills more often than the few times of an ordinary run.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from optria.core.roles import Role
from optria.core.work_order import AUTO_SOURCE
from optria.db.blackbox import IncidentRow
from optria.db.plant import IncidentWindow
from optria.db.session import Database
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from tests import factories
from tests.fakes.served import Served

KILLS = int(os.environ.get("OPTRIA_KILLS", "3"))
ASSETS = 40 * KILLS
REPORTERS = 4


@dataclass(frozen=True, slots=True)
class Burst:
    database: Database
    tenant_id: int
    email: str
    assets: list[int]


@pytest.fixture
async def burst(database: Database) -> Burst:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        await factories.user(tx, tenant.id, Role.ENGINEER)
    async with database.transaction(tenant.id) as tx:
        site = await factories.site(tx, tenant.id)
        assets = [(await factories.asset(tx, site)).id for _ in range(ASSETS)]
        tx.session.add(IncidentWindow(tenant_id=tenant.id, before_minutes=1, after_minutes=30))
    return Burst(database, tenant.id, admin.email, assets)


@pytest.fixture
async def served(
    fresh_database: str, serving: Callable[[str], str], tmp_path: Path
) -> AsyncGenerator[Served]:
    server = Served.at(serving(fresh_database), tmp_path)
    yield server
    await server.end()


async def signed_in(served: Served, burst: Burst) -> str:
    """The session's token; sessions are stored, so it outlives the server."""
    async with httpx.AsyncClient(base_url=served.base, trust_env=False, timeout=20) as client:
        who = {"email": burst.email, "password": factories.PASSWORD}
        response = await client.post("/api/auth/login", json=who, headers={"Origin": served.base})
        return response.raise_for_status().cookies["access_token"]


async def report(served: Served, token: str, asset_id: int) -> None:
    """Report a CRITICAL event until the server says it is stored, as a real client would."""
    event = {
        "asset_id": asset_id,
        "source_system": "SCADA",
        "source_type": "ALARM",
        "event_time": clock.now().isoformat(),
        "severity": "CRITICAL",
        "event_category": "ALERT",
        "summary": "Trip",
    }
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        await served.up.wait()
        try:
            async with httpx.AsyncClient(base_url=served.base, trust_env=False, timeout=20) as client:
                response = await client.post("/api/blackbox/events", json=event, headers=headers)
                response.raise_for_status()
                return
        except httpx.TransportError:
            await asyncio.sleep(0.05)


async def report_all(served: Served, token: str, assets: list[int]) -> None:
    for asset_id in assets:
        await report(served, token, asset_id)
        await asyncio.sleep(0.02)


async def counted(burst: Burst) -> dict[str, int]:
    async with burst.database.transaction(burst.tenant_id) as tx:
        waiting = await tx.session.scalar(select(func.count()).where(IncidentRow.analysed_at.is_(None)))
        counts = {
            table.__tablename__: (
                await tx.session.execute(select(func.count()).select_from(table))
            ).scalar_one()
            for table in (IncidentRow, NotificationRow)
        }
        orders = select(func.count()).where(WorkOrderRow.source == AUTO_SOURCE)
        counts["work_orders"] = await tx.session.scalar(orders) or 0
        counts["waiting"] = waiting or 0
    return counts


async def settled(look: Callable[[], Awaitable[dict[str, int]]]) -> dict[str, int]:
    async with asyncio.timeout(120):
        while True:
            counts = await look()
            if not counts["waiting"]:
                return counts
            await asyncio.sleep(0.5)


async def kill_at_random(served: Served) -> None:
    chance = random.Random(7)
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 1.5))
        await served.kill()
        await served.start()


@pytest.mark.clause("N2", "W1")
async def test_a_server_killed_in_a_burst_loses_and_doubles_nothing(served: Served, burst: Burst) -> None:
    await served.start()
    token = await signed_in(served, burst)
    async with asyncio.TaskGroup() as group:
        group.create_task(kill_at_random(served))
        for part in range(REPORTERS):
            group.create_task(report_all(served, token, burst.assets[part::REPORTERS]))
    counts = await settled(lambda: counted(burst))
    await served.kill(signal.SIGTERM)
    assert counts == {
        "blackbox_incidents": ASSETS,
        "work_orders": ASSETS,
        "notifications": ASSETS,
        "waiting": 0,
    }
