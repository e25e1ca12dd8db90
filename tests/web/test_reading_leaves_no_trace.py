"""Looking is no evidence: screens, reads of sources and what the product writes change no later analysis."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from optria.core.event import EventCategory
from optria.core.roles import Role
from optria.core.tag import SignalMapping
from optria.db.blackbox import EventRow, IncidentRow
from optria.kit import clock
from optria.web.shapes import Json
from tests.fakes.plant import FakePlant
from tests.fakes.sources import Rig, rig
from tests.web.black_box import failing_pump
from tests.web.house import House

SOURCES = "/api/integrations/"


@pytest.fixture
async def incident(house: House) -> IncidentRow:
    """An incident whose window has just closed, so that the same samples are read each time."""
    row = await failing_pump(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        stored = await tx.session.get_one(IncidentRow, row.id)
        stored.window_end = clock.now() - timedelta(seconds=1)
    return row


@pytest.fixture
async def admin(house: House, incident: IncidentRow) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(Role.TENANT_ADMIN) as browser:
        yield browser


async def analysed(browser: httpx.AsyncClient, incident_id: UUID) -> Json:
    """The whole distribution with its evidence and reasons, analysed now."""
    path = f"/api/blackbox/incidents/{incident_id}"
    answer = await browser.post(f"{path}/rca-full", params={"auto_create_wo": False})
    assert answer.status_code == 200
    view = (await browser.get(path)).json()
    return {key: view[key] for key in ("root_causes", "similar", "event_story", "events_in_window")}


async def open_everything(house: House, browser: httpx.AsyncClient, incident_id: UUID) -> None:
    asset, incident = house.own.asset.id, f"/api/blackbox/incidents/{incident_id}"
    pages = (
        "/dashboard",
        "/digital-twin",
        "/assets",
        "/integrations",
        "/work-orders",
        "/notifications",
        "/blackbox/incidents",
        f"/blackbox/incidents/{incident_id}",
        f"/blackbox/incidents/{incident_id}/report",
    )
    reads = (
        incident,
        f"{incident}/recording",
        f"{incident}/timeline",
        f"{incident}/events",
        f"{incident}/what-if",
        f"/api/blackbox/reports/{incident_id}",
        "/api/blackbox/events",
        f"/api/twins/assets/{asset}/metrics",
        f"/api/twins/assets/{asset}/metrics/vibration/series",
        "/api/notifications/",
    )
    for path in (*pages, *reads):
        answer = await browser.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
    await browser.post(f"{incident}/what-if", json={"temperature": 0.3})
    await browser.post(f"{incident}/acknowledge")


@pytest.mark.clause("A8", "A16")
async def test_opening_trends_and_screens_changes_no_later_analysis(
    house: House, admin: httpx.AsyncClient, incident: IncidentRow
) -> None:
    before = await analysed(admin, incident.id)
    await open_everything(house, admin, incident.id)
    assert await analysed(admin, incident.id) == before


async def read_all(browser: httpx.AsyncClient, rig: Rig) -> None:
    """Everything that people can make the product read of a source, and its history."""
    sent = {"name": f"Reading {rig.kind}", "integration_type": rig.kind, "config": rig.config}
    source = (await browser.post(SOURCES, json=sent)).json()["integration"]["id"]
    assert (await browser.post(f"{SOURCES}{source}/test")).json()["success"]
    for answer in (
        await browser.get(f"{SOURCES}{source}/available-tags"),
        await browser.post(f"{SOURCES}{source}/read", json={"tags": rig.plant.names}),
        await browser.get(f"{SOURCES}{source}/action-logs"),
    ):
        assert answer.status_code == 200
    tags = [SignalMapping(n, 0, 0, name, "", "") for n, name in enumerate(rig.plant.names)]
    connector, now = rig.connector(), clock.now()
    await connector.read_history(tags, now - timedelta(minutes=5), now)


@pytest.mark.clause("A8", "A16")
@pytest.mark.parametrize("kind", ["opcua", "pi", "sql"])
async def test_reading_a_source_changes_no_later_analysis(
    admin: httpx.AsyncClient, incident: IncidentRow, tmp_path: Path, kind: str
) -> None:
    plant = FakePlant(2)
    plant.tick(3)
    before = await analysed(admin, incident.id)
    async with rig(kind, plant, tmp_path) as source:
        await read_all(admin, source)
    assert await analysed(admin, incident.id) == before


@pytest.mark.clause("A8", "A16")
@pytest.mark.parametrize("category", [EventCategory.SYSTEM, EventCategory.AI_OUTPUT])
async def test_what_the_product_logs_about_itself_changes_no_later_analysis(
    house: House, admin: httpx.AsyncClient, incident: IncidentRow, category: EventCategory
) -> None:
    before = await analysed(admin, incident.id)
    async with house.database.transaction(house.own.tenant.id) as tx:
        for source in ("OPC_UA", "PI_SYSTEM", "EXTERNAL_DB"):
            row = EventRow(
                tenant_id=house.own.tenant.id,
                asset_id=house.own.asset.id,
                source_system=source,
                source_type="SYSTEM_EVENT",
                event_time=clock.now() - timedelta(minutes=1),
                severity="CRITICAL",
                event_category=category,
                summary="History read: vibration high",
                payload={"metric": "vibration", "value": 99.0, "limit": 1.0, "direction": "high"},
            )
            tx.session.add(row)
    after = await analysed(admin, incident.id)
    assert after == before
