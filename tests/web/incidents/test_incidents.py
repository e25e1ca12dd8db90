"""Incidents over HTTP: who sees what, v1's keys, and what people may do."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from optria.core.roles import Role
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.kit import clock
from optria.web.incidents.incident_views import SUMMARY_KEYS
from tests import factories
from tests.web.house import House, fits

SHAPES = json.loads((Path(__file__).parents[1] / "v1_black_box_shapes.json").read_text("utf-8"))
INCIDENTS = "/api/blackbox/incidents"


def shape(route: str) -> object:
    return SHAPES[route]


async def stored(house: House, **values: object) -> IncidentRow:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.incident(tx, house.own.asset, **values)


async def linked(house: House, incident: IncidentRow) -> EventRow:
    async with house.database.transaction(house.own.tenant.id) as tx:
        event = await factories.event(tx, house.own.asset)
        tx.session.add(
            IncidentEvent(
                tenant_id=incident.tenant_id, incident_id=incident.id, event_id=event.id, role="CAUSE"
            )
        )
        return event


def analysed(**more: object) -> dict[str, object]:
    return {
        "event_story": "At 09:41 the system detected high vibration.",
        "event_story_ar": "في 09:41",
        "root_cause_scores": {"Bearing Fault": 0.7, "Other": 0.3},
        "recommended_actions": [{"priority": 1, "action": "Schedule maintenance within 12 hours."}],
        "financial_impact_estimate": {"total_estimated_cost": 48000.0, "currency": "SAR"},
        **more,
    }


@pytest.mark.clause("V7")
async def test_the_list_has_v1s_keys_with_cause_and_impact(house: House) -> None:
    await stored(house, **analysed())
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.get(INCIDENTS)).json()
    listed = shape("GET /api/blackbox/incidents")
    assert isinstance(listed, dict)
    strict = {**listed["incidents"][0], "rca_summary": {}, "root_cause_scores": {}}
    strict |= {"financial_impact_estimate": {}, "carbon_impact_estimate": {}}
    assert fits({**listed, "incidents": [strict]}, answer) == []
    first = answer["incidents"][0]
    assert (first["top_cause"], first["top_probability"]) == ("Bearing Fault", 0.7)
    assert first["financial_impact_estimate"]["total_estimated_cost"] == 48000.0


@pytest.mark.parametrize("role", list(Role))
async def test_a_viewer_gets_the_summary_and_nothing_else(house: House, role: Role) -> None:
    row = await stored(house, **analysed(assigned_to=house.own.users[Role.ENGINEER].id))
    async with house.client(role) as browser:
        listed = (await browser.get(INCIDENTS)).json()["incidents"][0]
        detail = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
    for view in (listed, detail):
        assert ("event_story" in view) is (role is not Role.VIEWER)
        assert (set(view) <= set(SUMMARY_KEYS)) is (role is Role.VIEWER)


@pytest.mark.parametrize("role", list(Role))
async def test_a_viewer_reads_the_cause_in_no_title(house: House, role: Role) -> None:
    assigned = house.own.users[Role.ENGINEER].id
    row = await stored(house, **analysed(assigned_to=assigned, title="Bearing Fault on P-1"))
    pages = (INCIDENTS, f"{INCIDENTS}/{row.id}", f"/api/twins/assets/{house.own.asset.id}")
    rendered = ("/blackbox/incidents", f"/blackbox/incidents/{row.id}", "/assets", "/digital-twin")
    async with house.client(role) as browser:
        answers = [await browser.get(page) for page in pages + rendered]
        found = (await browser.get("/blackbox/incidents", params={"q": "Bearing"})).text
    assert {answer.status_code for answer in answers} == {200}
    named = ["Bearing Fault on P-1" in answer.text for answer in answers]
    assert any(named) is (role is not Role.VIEWER)
    plain = [">Anomaly on " in answer.text or "Anomaly on P-1" in answer.text for answer in answers]
    assert all(plain) is (role is Role.VIEWER), plain
    assert (str(row.id) in found) is (role is not Role.VIEWER)


async def test_an_engineer_sees_incidents_assigned_to_him_or_by_an_order(house: House) -> None:
    engineer = house.own.users[Role.ENGINEER]
    mine = await stored(house, assigned_to=engineer.id)
    ordered = await stored(house)
    foreign = await stored(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.order(tx, house.own.asset, incident_id=str(ordered.id), assigned_to=engineer.id)
    async with house.client(Role.ENGINEER) as browser:
        listed = (await browser.get(INCIDENTS)).json()
        hidden = await browser.get(f"{INCIDENTS}/{foreign.id}")
    assert {i["id"] for i in listed["incidents"]} == {str(mine.id), str(ordered.id)}
    assert listed["total"] == 2
    assert hidden.status_code == 404


async def test_an_order_of_another_tenant_that_names_an_incident_is_none_of_it(house: House) -> None:
    row = await stored(house)
    async with house.database.transaction(house.other.tenant.id) as tx:
        await factories.order(tx, house.other.asset, incident_id=str(row.id))
    async with house.client(Role.PLATFORM_OWNER) as browser:
        (listed,) = (await browser.get(INCIDENTS)).json()["incidents"]
        detail = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
    assert (listed["id"], listed["work_order"], detail["work_order"]) == (str(row.id), None, None)


async def test_an_engineer_sees_no_colleagues_order_of_his_incident(house: House) -> None:
    engineer, colleague = house.own.users[Role.ENGINEER], house.own.users[Role.OPTIMIZATION_ENGINEER]
    row = await stored(house, assigned_to=engineer.id)
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = await factories.order(
            tx, house.own.asset, incident_id=str(row.id), assigned_to=colleague.id, notes="Between us."
        )
    async with house.client(Role.ENGINEER) as browser:
        listed = (await browser.get(INCIDENTS)).json()["incidents"][0]
        detail = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
        page = (await browser.get(f"/blackbox/incidents/{row.id}")).text
    assert (listed["work_order"], detail["work_order"], detail["has_work_order"]) == (None, None, True)
    ordered = next(stage for stage in detail["stages"] if stage["key"] == "order")
    assert (ordered["at"] is not None, ordered["number"], ordered["assigned_name"]) == (True, "", None)
    assert order.code not in str(detail) + page
    async with house.client(Role.TENANT_ADMIN) as browser:
        whole = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
    assert whole["work_order"]["notes"] == "Between us."


async def test_another_tenants_incident_does_not_exist(house: House) -> None:
    async with house.database.transaction(house.other.tenant.id) as tx:
        row = await factories.incident(tx, house.other.asset)
    async with house.client(Role.TENANT_ADMIN) as browser:
        listed = (await browser.get(INCIDENTS)).json()
        answers = [
            await browser.get(f"{INCIDENTS}/{row.id}"),
            await browser.put(f"{INCIDENTS}/{row.id}", json={"status": "CLOSED"}),
            await browser.post(f"{INCIDENTS}/{row.id}/acknowledge"),
            await browser.post(f"{INCIDENTS}/{row.id}/rca-full"),
            await browser.post(f"{INCIDENTS}/{row.id}/work-order"),
            await browser.get(f"/api/blackbox/reports/{row.id}"),
        ]
    assert listed["total"] == 0
    assert {answer.status_code for answer in answers} == {404}


async def test_a_platform_owner_reads_all_tenants_and_must_name_one_to_write(house: House) -> None:
    row = await stored(house)
    async with house.database.transaction(house.other.tenant.id) as tx:
        await factories.incident(tx, house.other.asset)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        everything = (await browser.get(INCIDENTS)).json()["total"]
        unnamed = await browser.post(f"{INCIDENTS}/{row.id}/acknowledge")
        named = await browser.post(f"{INCIDENTS}/{row.id}/acknowledge?tenant_id={row.tenant_id}")
    assert everything == 2
    assert unnamed.status_code == 422
    assert named.status_code == 200


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("severity=CRITICAL", 1),
        ("severity=critical", 1),
        ("status=CLOSED", 1),
        ("incident_type=SAFETY", 1),
        ("limit=1", 1),
        ("offset=1", 1),
        ("asset_id=2147483647", 0),
        ("start_date=2020-01-01T00:00:00&end_date=2020-02-01", 0),
    ],
)
async def test_the_list_is_filtered(house: House, query: str, count: int) -> None:
    await stored(house, severity="CRITICAL")
    await stored(house, status="CLOSED", incident_type="SAFETY")
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.get(f"{INCIDENTS}?{query}")).json()
    assert len(answer["incidents"]) == count


@pytest.mark.parametrize(
    "query",
    [
        "asset_id=x",
        "limit=0",
        "limit=501",
        "offset=-1",
        "start_date=soon",
        "end_date=0001-01-01T00:00:00%2B14:00",
        "asset_id=99999999999",
    ],
)
async def test_a_malformed_filter_is_refused(house: House, query: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(f"{INCIDENTS}?{query}")).status_code == 422


async def test_detail_timeline_events_and_report_have_v1s_keys(house: House) -> None:
    row = await stored(house, **analysed())
    await linked(house, row)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        detail = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
        events = (await browser.get(f"{INCIDENTS}/{row.id}/events")).json()
        timeline = (await browser.get(f"{INCIDENTS}/{row.id}/timeline")).json()
        report = (await browser.get(f"/api/blackbox/reports/{row.id}")).json()
    kept = shape("GET /api/blackbox/incidents/{incident_id}")
    assert isinstance(kept, dict)
    loose = {"rca_summary", "root_cause_scores", "financial_impact_estimate", "carbon_impact_estimate"}
    loose |= {"recommended_actions"}
    assert fits({k: v for k, v in kept.items() if k not in loose}, detail) == []
    assert loose <= set(detail)
    assert fits(shape("GET /api/blackbox/incidents/{incident_id}/events"), events) == []
    assert fits(shape("GET /api/blackbox/incidents/{incident_id}/timeline"), timeline) == []
    kept_report = shape("GET /api/blackbox/reports/{incident_id}")
    assert isinstance(kept_report, dict)
    assert fits({**kept_report, "rca_section": {}}, report) == []
    assert detail["event_count"] == events["total_events"] == len(timeline["timeline"]) == 1
    assert detail["events"][0]["role"] == "CAUSE"
    assert detail["root_asset_name"] == house.own.asset.name


@pytest.mark.parametrize(
    ("incident", "status"), [("2f0b396a-b7e7-4e86-b39e-a3f8a5e4e579", 404), ("17", 422), ("INC-1", 422)]
)
async def test_unknown_and_malformed_ids(house: House, incident: str, status: int) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        for path in ("", "/events", "/timeline", "/recording"):
            assert (await browser.get(f"{INCIDENTS}/{incident}{path}")).status_code == status


async def test_an_incident_made_by_hand_has_v1s_keys_and_waits_for_analysis(house: House) -> None:
    body = {
        "title": "Smoke at the pump\x00",
        "severity": "CRITICAL",
        "root_asset_id": house.own.asset.id,
        "start_time": "2026-11-01T10:00:00",
    }
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.post(INCIDENTS, json=body)).json()
    assert fits(shape("POST /api/blackbox/incidents"), answer) == []
    assert answer["incident"]["title"] == "Smoke at the pump"
    assert answer["incident"]["incident_number"].startswith("INC-")
    assert house.analyst.woken == 1
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.get_one(IncidentRow, answer["incident"]["id"])
        assert row.next_pass_at is not None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": None}, 422),
        ({"start_time": "yesterday"}, 422),
        ({"start_time": "0001-01-01T00:00:00Z"}, 422),
        ({"start_time": "2001-01-01T00:00:00Z"}, 422),
        ({"start_time": "2099-01-01T00:00:00Z"}, 422),
        ({"end_time": "2099-01-01T00:00:00Z"}, 422),
        ({"end_time": "2026-10-31T10:00:00Z"}, 422),
        ({"severity": "TERRIBLE"}, 422),
        ({"root_asset_id": 2147483000}, 404),
        ({"site_id": 2147483000}, 404),
        ({"title": "x" * 256}, 422),
    ],
)
async def test_a_malformed_incident_is_refused(house: House, change: dict[str, object], status: int) -> None:
    body: dict[str, object] = {"title": "Leak", "start_time": "2026-11-01T10:00:00Z"}
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(INCIDENTS, json=body | change)).status_code == status


async def test_another_tenants_asset_cannot_be_named(house: House) -> None:
    body = {"title": "x", "start_time": "2026-11-01T10:00:00Z", "root_asset_id": house.other.asset.id}
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(INCIDENTS, json=body)).status_code == 404


async def test_closing_an_incident_ends_its_episode(house: House) -> None:
    row = await stored(house, dedup_key="1:process")
    change = {"status": "RESOLVED", "confirmed_cause": "Bearing Fault", "downtime_hours": 5.5}
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = (await browser.put(f"{INCIDENTS}/{row.id}", json=change)).json()
        wrong = await browser.put(f"{INCIDENTS}/{row.id}", json={"status": "GONE"})
        stranger = house.other.users[Role.ENGINEER].id
        foreign = await browser.put(f"{INCIDENTS}/{row.id}", json={"assigned_to": stranger})
    assert fits({"success": "bool", "incident": {"status": "str", "resolved_at": "str"}}, answer) == []
    assert answer["incident"]["resolved_by"] == house.own.users[Role.TENANT_ADMIN].id
    assert (wrong.status_code, foreign.status_code) == (422, 422)
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.get_one(IncidentRow, row.id)).dedup_key is None


async def test_an_event_is_linked_once(house: House) -> None:
    row = await stored(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        event = await factories.event(tx, house.own.asset)
    link = {"event_id": str(event.id), "role": "SYMPTOM"}
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        first = (await browser.post(f"{INCIDENTS}/{row.id}/events", json=link)).json()
        again = (await browser.post(f"{INCIDENTS}/{row.id}/events", json=link | {"role": "CAUSE"})).json()
        unknown = await browser.post(f"{INCIDENTS}/{row.id}/events", json={"event_id": str(uuid4())})
        events = (await browser.get(f"{INCIDENTS}/{row.id}/events")).json()
    assert first["link"]["event_id"] == str(event.id)
    assert first["link"]["id"] == again["link"]["id"]
    assert unknown.status_code == 404
    assert [e["role"] for e in events["events"]] == ["CAUSE"]


async def test_acknowledging_is_recorded_once(house: House) -> None:
    engineer = house.own.users[Role.ENGINEER]
    row = await stored(house, assigned_to=engineer.id)
    async with house.client(Role.ENGINEER) as browser:
        first = (await browser.post(f"{INCIDENTS}/{row.id}/acknowledge")).json()["incident"]
    async with house.client(Role.TENANT_ADMIN) as browser:
        second = (await browser.post(f"{INCIDENTS}/{row.id}/acknowledge")).json()["incident"]
    assert first["acknowledged_by"] == second["acknowledged_by"] == engineer.id
    assert first["status"] == "INVESTIGATING"


WRITES = (
    ("POST", "", {"title": "x", "start_time": "2026-11-01T10:00:00Z"}),
    ("PUT", "/{id}", {"status": "CLOSED"}),
    ("POST", "/{id}/events", {"event_id": str(uuid4())}),
    ("POST", "/{id}/rca", None),
    ("POST", "/{id}/rca-full", None),
    ("POST", "/{id}/work-order", None),
)


@pytest.mark.clause("V9")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER])
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_viewers_and_engineers_change_no_incident(
    house: House, role: Role, method: str, path: str, body: object
) -> None:
    row = await stored(house, assigned_to=house.own.users[Role.ENGINEER].id)
    async with house.client(role) as browser:
        answer = await browser.request(method, INCIDENTS + path.format(id=row.id), json=body)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/events", "/{id}/timeline", "/{id}/recording"])
async def test_strangers_must_sign_in(house: House, path: str) -> None:
    async with house.client() as browser:
        assert (await browser.get(INCIDENTS + path.format(id=uuid4()))).status_code == 401


@pytest.mark.parametrize("path", ["/events", "/timeline", "/recording"])
async def test_a_viewer_reads_no_events_of_an_incident(house: House, path: str) -> None:
    row = await stored(house)
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get(f"{INCIDENTS}/{row.id}{path}")).status_code == 403


async def test_stages_count_from_the_anchor(house: House) -> None:
    anchored = clock.now() - timedelta(minutes=3)
    row = await stored(house, anchored_at=anchored, analysed_at=anchored + timedelta(seconds=1.5))
    async with house.client(Role.TENANT_ADMIN) as browser:
        stages = (await browser.get(f"{INCIDENTS}/{row.id}")).json()["stages"]
    assert [stage["key"] for stage in stages] == ["anchor", "analysis", "order", "notified", "acknowledged"]
    assert [stage["after_s"] for stage in stages] == [0.0, 1.5, None, None, None]
