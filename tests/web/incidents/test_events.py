"""Events over HTTP: four kinds, any clock, and the incident of a CRITICAL one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.plant import ClockDrift
from optria.kit import clock
from tests import factories
from tests.web.house import House

PATH = "/api/blackbox/events"


def _event(house: House, **changes: object) -> dict[str, object]:
    return {
        "asset_id": house.own.asset.id,
        "source_system": "SCADA",
        "source_type": "ALARM",
        "event_time": "2026-11-22T10:00:00Z",
        "event_category": "ALERT",
        "summary": "Vibration high",
        **changes,
    }


async def _post(house: House, **changes: object) -> Any:
    async with house.client(Role.TENANT_ADMIN) as browser:
        return await browser.post(PATH, json=_event(house, **changes))


@pytest.mark.clause("I1")
@pytest.mark.parametrize("category", ["ALERT", "SENSOR", "OPERATOR_ACTION", "CONFIG_CHANGE"])
async def test_the_four_kinds_are_accepted(house: House, category: str) -> None:
    answer = await _post(house, event_category=category)
    async with house.client(Role.ENGINEER) as browser:
        listed = (await browser.get(PATH, params={"category": category})).json()
        one = (await browser.get(f"{PATH}/{answer.json()['event']['id']}")).json()
    assert answer.json()["success"] is True
    assert (listed["total"], one["event_category"], one["site_id"]) == (1, category, house.own.site.id)


@pytest.mark.clause("A1")
@pytest.mark.parametrize(
    ("zone", "given"),
    [
        ("Asia/Riyadh", "2026-07-01T13:00:00"),
        ("Asia/Riyadh", "2026-07-01T13:00:00+03:00"),
        ("Asia/Riyadh", "2026-07-01T10:00:00Z"),
        ("Europe/Berlin", "2026-07-01T12:00:00"),
        ("America/New_York", "2026-07-01T06:00:00"),
        ("Nowhere/Nothing", "2026-07-01T13:00:00"),
        ("Asia/Riyadh", 1782900000),
        ("Asia/Riyadh", 1782900000000),
    ],
)
async def test_every_way_to_say_a_time_is_one_instant(house: House, zone: str, given: object) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        site = await factories.site(tx, house.own.tenant.id, time_zone=zone)
    answer = await _post(house, asset_id=None, site_id=site.id, event_time=given)
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.get_one(EventRow, UUID(answer.json()["event"]["id"]))
    assert row.event_time == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.clause("A5")
async def test_a_critical_event_opens_its_incident_and_wakes_the_recorder(house: House) -> None:
    async with house.database.bus.subscribe() as heard:
        answer = await _post(house, severity="critical")
        told = [await heard.get()]
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await tx.session.scalar(select(IncidentRow))
    assert incident is not None
    assert answer.json()["incident_id"] == str(incident.id)
    assert (incident.severity, incident.root_asset_id) == ("CRITICAL", house.own.asset.id)
    assert incident.start_time == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert str(incident.trigger_event_id) == answer.json()["event"]["id"]
    assert house.analyst.woken == 1
    assert [(message.topic, message.kind) for message in told] == [("incidents", "incident_opened")]


async def test_a_second_critical_event_joins_the_incident(house: House) -> None:
    first, second = [(await _post(house, severity="CRITICAL")).json() for _ in range(2)]
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert await tx.session.scalar(select(func.count()).select_from(IncidentRow)) == 1
    assert first["incident_id"] == second["incident_id"]


async def test_the_same_event_sent_again_is_stored_once(house: House) -> None:
    alarm = {"source_id": "ALM-17", "severity": "CRITICAL", "tags": ["bearing"], "payload": {"value": 8.1}}
    first, again = [await _post(house, **alarm) for _ in range(2)]
    later = await _post(house, **alarm, event_time="2026-11-22T10:00:01Z")
    async with house.database.transaction(house.own.tenant.id) as tx:
        rows = (await tx.session.scalars(select(EventRow).order_by(EventRow.event_time))).all()
        incident = (await tx.session.scalars(select(IncidentRow))).one()
    assert [row.source_id for row in rows] == ["ALM-17", "ALM-17"]
    assert (rows[0].tags, rows[0].payload) == (["bearing"], {"value": 8.1})
    assert (first.status_code, again.json()) == (200, first.json())
    assert first.json()["incident_id"] == str(incident.id)
    assert later.json()["event"]["id"] == str(rows[1].id)
    assert incident.occurrences == 2


async def test_events_without_a_number_of_their_own_are_all_stored(house: House) -> None:
    first, second = [(await _post(house, summary=None)).json()["event"] for _ in range(2)]
    assert first["id"] != second["id"]
    assert first["summary"] is None


@pytest.mark.clause("A1")
@pytest.mark.parametrize(
    ("shift", "status"),
    [
        (timedelta(seconds=-1), 200),
        (timedelta(days=-3600), 200),
        (timedelta(seconds=3), 200),
        (timedelta(seconds=20), 422),
        (timedelta(days=-3700), 422),
        (timedelta(days=365 * 70), 422),
    ],
)
async def test_an_event_happened_in_the_last_ten_years(house: House, shift: timedelta, status: int) -> None:
    answer = await _post(house, event_time=(clock.now() + shift).isoformat())
    assert answer.status_code == status
    if status == 422:
        assert "Check the clock" in answer.json()["detail"]


@pytest.mark.parametrize("zone", ["Asia/Riyadh", "America/New_York"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
async def test_the_ends_of_the_calendar_are_refused(house: House, moment: str, zone: str) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        site = await factories.site(tx, house.own.tenant.id, time_zone=zone)
    assert (await _post(house, asset_id=None, site_id=site.id, event_time=moment)).status_code == 422
    async with house.client(Role.VIEWER) as browser:
        for offset in ("+14:00", "-12:00"):
            for name in ("start_time", "end_time"):
                answer = await browser.get(PATH, params={name: moment + offset})
                assert answer.status_code == 422


@pytest.mark.clause("A1")
async def test_a_clock_that_is_known_to_be_fast_may_be_ahead(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(ClockDrift(tenant_id=house.own.tenant.id, source="SCADA", drift_s=60.0))
    ahead = (clock.now() + timedelta(seconds=50)).isoformat()
    assert (await _post(house, event_time=ahead)).status_code == 200
    assert (await _post(house, event_time=ahead, source_system="DCS")).status_code == 422


@pytest.mark.parametrize("role", list(Role))
async def test_a_viewer_is_told_nothing_of_what_the_detectors_say(house: House, role: Role) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        alarm = await factories.event(tx, house.own.asset, payload={"value": 8.1})
        verdict = await factories.event(
            tx, house.own.asset, event_category="AI_OUTPUT", severity="MAJOR", payload={"score": 2.4}
        )
    async with house.client(role) as browser:
        listed = (await browser.get(PATH)).json()
        one = (await browser.get(f"{PATH}/{alarm.id}")).json()
        other = await browser.get(f"{PATH}/{verdict.id}")
        counts = (await browser.get("/api/blackbox/stats")).json()
    sees_all = role is not Role.VIEWER
    count = 2 if sees_all else 1
    assert (listed["total"], len(listed["events"]), counts["total_events"]) == (count, count, count)
    assert ("MAJOR" in counts["severity_distribution"]) is sees_all
    assert one["payload"] == ({"value": 8.1} if sees_all else {})
    assert (other.status_code == 200) is sees_all
    assert ("2.4" in str(listed) + other.text) is sees_all


@pytest.mark.parametrize("category", ["CONFIG_CHANGE", "MAINTENANCE"])
@pytest.mark.parametrize("role", list(Role))
async def test_a_viewer_is_told_no_costs_nor_causes_by_events(
    house: House, role: Role, category: str
) -> None:
    words = "Cost of downtime of every Pump set to 8500.00 SAR an hour; Bearing Fault"
    async with house.database.transaction(house.own.tenant.id) as tx:
        event = await factories.event(tx, house.own.asset, event_category=category, summary=words)
    async with house.client(role) as browser:
        listed = (await browser.get(PATH)).text
        one = await browser.get(f"{PATH}/{event.id}")
    sees_all = role is not Role.VIEWER
    assert (words in listed) is sees_all
    assert one.status_code == (200 if sees_all else 404)


@pytest.mark.parametrize("severity", ["INFO", "WARNING", "MINOR", "MAJOR"])
async def test_other_events_open_nothing(house: House, severity: str) -> None:
    answer = await _post(house, severity=severity)
    assert "incident_id" not in answer.json()
    assert house.analyst.woken == 0


@pytest.mark.parametrize("role", [Role.ENGINEER, Role.VIEWER])
async def test_who_may_not_run_an_analysis_reports_no_events(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        assert (await browser.post(PATH, json=_event(house))).status_code == 403


async def test_things_of_another_tenant_do_not_exist(house: House) -> None:
    assert (await _post(house, asset_id=house.other.asset.id)).status_code == 404
    assert (await _post(house, asset_id=None, site_id=house.other.site.id)).status_code == 404
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert await tx.session.scalar(select(func.count()).select_from(EventRow)) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "LOUD"},
        {"event_time": "noon"},
        {"source_system": None},
        {"asset_id": 99999999999},
        {"summary": "x" * 501},
        {"payload": "text"},
        {"source_id": "x" * 221},
    ],
)
async def test_a_malformed_event_is_refused(house: House, changes: dict[str, object]) -> None:
    assert (await _post(house, **changes)).status_code == 422


async def test_odd_text_is_stored_without_what_cannot_be(house: House) -> None:
    answer = await _post(house, summary="a\x00b<script>'; DROP TABLE x;--")
    assert answer.json()["event"]["summary"] == "ab<script>'; DROP TABLE x;--"


async def test_a_payload_that_cannot_be_stored_is_refused(house: House) -> None:
    answer = await _post(house, payload={"note": "a\x00b"})
    assert answer.status_code == 422
    assert "cannot be stored" in answer.json()["detail"]


async def test_events_are_filtered_by_time(house: House) -> None:
    for hour in (8, 9, 10):
        await _post(house, event_time=f"2026-11-22T{hour:02}:00:00Z", severity="MINOR")
    span = {"start_time": "2026-11-22T08:30:00", "end_time": "2026-11-22T10:00:00Z", "severity": "minor"}
    async with house.client(Role.VIEWER) as browser:
        answer = (await browser.get(PATH, params={**span, "limit": 1})).json()
    assert answer["total"] == 2
    assert [event["event_time"][:13] for event in answer["events"]] == ["2026-11-22T10"]


async def test_counts(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.event(tx, house.own.asset)
        await factories.event(
            tx, house.own.asset, event_time=datetime(2020, 1, 1, tzinfo=UTC), severity="INFO"
        )
        await factories.incident(tx, house.own.asset, severity="CRITICAL")
        await factories.incident(tx, house.own.asset, severity="CRITICAL", status="CLOSED")
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.get("/api/blackbox/stats")).json()
    assert answer == {
        "total_events": 2,
        "events_24h": 1,
        "total_incidents": 2,
        "open_incidents": 1,
        "critical_incidents": 1,
        "severity_distribution": {"INFO": 1, "WARNING": 1},
    }
