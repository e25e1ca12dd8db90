"""Alerts of the existing application become events: once, as severe as they were, and answered."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from optria.blackbox.alerts import severity_of
from optria.core.event import Severity
from optria.core.roles import Role
from optria.db.asset_details import AlertRow
from optria.db.blackbox import EventRow, IncidentRow
from optria.kit import clock
from tests import factories
from tests.web.house import House


async def _collected(house: House, role: Role = Role.TENANT_ADMIN, query: str = "") -> Any:
    async with house.client(role) as browser:
        answer = await browser.post(f"/api/blackbox/engine/collect{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["collection_result"]


async def _alert(house: House, **values: Any) -> AlertRow:
    household = values.pop("of", house.own)
    defaults = {
        "tenant_id": household.tenant.id,
        "asset_id": household.asset.id,
        "alert_type": "threshold",
        "severity": "warning",
        "title": "Vibration high",
        "created_at": clock.now() - timedelta(minutes=3),
    }
    async with house.database.transaction(household.tenant.id) as tx:
        row = AlertRow(**defaults | values)
        tx.session.add(row)
        await tx.session.flush()
        return row


async def _events(house: House) -> list[EventRow]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return list((await tx.session.scalars(select(EventRow).order_by(EventRow.event_time))).all())


@pytest.mark.clause("I1")
async def test_an_alert_becomes_an_event_once(house: House) -> None:
    alert = await _alert(house, description="above 7.1 mm/s")
    first, second = await _collected(house), await _collected(house)
    event = (await _events(house))[0]
    assert first == {"alerts": 1, "work_orders": 0, "ai_outputs": 0, "total": 1}
    assert second["total"] == 0
    assert (event.source_system, event.source_id, event.severity) == (
        "OPTRIA_ALERT",
        str(alert.id),
        "WARNING",
    )
    assert (event.asset_id, event.site_id) == (house.own.asset.id, house.own.site.id)
    assert (event.event_time, event.summary) == (alert.created_at, "Vibration high")
    assert (event.payload or {})["description"] == "above 7.1 mm/s"


async def test_what_version_1_has_copied_itself_is_not_copied_again(house: House) -> None:
    alert = await _alert(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.event(tx, house.own.asset, source_system="OPTRIA_ALERT", source_id=str(alert.id))
    assert (await _collected(house))["alerts"] == 0


@pytest.mark.clause("G1", "A5")
async def test_a_critical_alert_opens_its_incident_and_wakes_the_recorder(house: House) -> None:
    await _alert(house, severity="critical")
    await _collected(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = (await tx.session.scalars(select(IncidentRow))).one()
    event = (await _events(house))[0]
    assert (incident.root_asset_id, incident.severity) == (house.own.asset.id, "CRITICAL")
    assert (incident.trigger_event_id, incident.start_time) == (event.id, event.event_time)
    assert event.is_processed is True
    assert house.analyst.woken == 1


@pytest.mark.parametrize(
    "values", [{"status": "resolved"}, {"resolved_at": clock.now()}, {"severity": "high"}, {"asset_id": None}]
)
async def test_an_alert_that_is_over_minor_or_of_no_asset_opens_none(
    house: House, values: dict[str, Any]
) -> None:
    await _alert(house, **{"severity": "critical"} | values)
    assert (await _collected(house))["alerts"] == 1
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post("/api/blackbox/engine/detect")
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.scalars(select(IncidentRow))).all() == []


async def test_each_tenant_has_its_own_alerts(house: House) -> None:
    await _alert(house, of=house.other)
    assert (await _collected(house))["alerts"] == 0
    theirs = await _collected(house, Role.PLATFORM_OWNER, f"?tenant_id={house.other.tenant.id}")
    assert theirs["alerts"] == 1
    assert await _events(house) == []


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("High", Severity.MAJOR),
        ("medium", Severity.MINOR),
        ("low", Severity.WARNING),
        ("MAJOR", Severity.MAJOR),
        (" info ", Severity.INFO),
        ("whatever", Severity.INFO),
        (None, Severity.INFO),
    ],
)
def test_words_of_severity(word: str | None, severity: Severity) -> None:
    assert severity_of(word) is severity
