"""Analysing and ordering over HTTP, by the real Black Box on samples in memory."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from optria.blackbox.recorder import Recorder
from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.work import NotificationRow, WorkOrderPolicyRow, WorkOrderRow
from optria.kit import clock
from tests import factories
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.house import House, fits

SHAPES = json.loads((Path(__file__).parents[1] / "v1_black_box_shapes.json").read_text("utf-8"))
INCIDENTS = "/api/blackbox/incidents"
LOOSE = {"root_cause_scores", "financial_impact", "carbon_impact"}


@pytest.fixture
async def recorder(house: House) -> Recorder:
    await priced(house)
    vibrate(house)
    return install(house)


async def count(house: House, table: type[WorkOrderRow] | type[NotificationRow]) -> int:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await tx.session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.clause("D4", "N6", "A28")
async def test_running_the_black_box_on_an_asset_answers_and_stores_everything(
    house: House, recorder: Recorder
) -> None:
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = await browser.post(f"/api/blackbox/assets/{house.own.asset.id}/run")
        body = answer.json()
        stored = (await browser.get(f"{INCIDENTS}/{body['incident_id']}")).json()
    kept = SHAPES["POST /api/blackbox/incidents/{incident_id}/rca-full"]
    assert answer.status_code == 200
    assert fits({k: v for k, v in kept.items() if k not in {*LOOSE, "work_order"}}, body) == []
    assert abs(sum(body["root_cause_scores"].values()) - 1) < 1e-9
    assert stored["event_story"] == body["event_story"]
    assert stored["root_cause_scores"] == body["root_cause_scores"]
    assert stored["recommended_actions"] == body["recommended_actions"]
    assert stored["financial_impact_estimate"]["cost_per_hour"] == 8000.0
    assert fits(kept["financial_impact"], body["financial_impact"]) == []
    assert stored["revisions"][0]["requested_by"] == house.own.users[Role.OPTIMIZATION_ENGINEER].id


@pytest.mark.clause("V7", "V8", "W5")
async def test_a_detected_incident_has_its_order_with_story_and_actions(
    house: House, recorder: Recorder
) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        incident = (await browser.get(f"{INCIDENTS}/{row.id}")).json()
        order = (await browser.get(f"/api/work-orders/{incident['work_order']['id']}")).json()
        page = await browser.get(f"/work-orders?id={order['id']}")
    assert incident["event_story"] in order["description"]
    assert all(action["action"] in order["description"] for action in incident["recommended_actions"])
    assert order["source"] == "BLACKBOX_AUTO"
    assert order["asset_id"] == house.own.asset.id
    assert order["work_order_number"] in page.text
    assert [stage["at"] is not None for stage in incident["stages"]] == [True, True, True, True, False]


async def test_the_evidence_of_a_cause_sums_to_its_probability(house: House, recorder: Recorder) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        causes = (await browser.get(f"{INCIDENTS}/{row.id}")).json()["root_causes"]
    assert abs(sum(cause["probability"] for cause in causes) - 1) < 1e-9
    for cause in causes:
        shares = [line["share"] for line in cause["evidence"]]
        assert not shares or abs(sum(shares) - cause["probability"]) < 1e-6


@pytest.mark.clause("N6")
async def test_analysing_again_is_a_revision_and_never_a_second_order(
    house: House, recorder: Recorder
) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        again = (await browser.post(f"{INCIDENTS}/{row.id}/rca-full")).json()
        revisions = (await browser.get(f"{INCIDENTS}/{row.id}")).json()["revisions"]
    kept = SHAPES["POST /api/blackbox/incidents/{incident_id}/rca-full"]
    assert fits({k: v for k, v in kept.items() if k not in LOOSE}, again) == []
    assert again["work_order_created"] is False
    assert [revision["revision"] for revision in revisions] == [2, 1]
    assert await count(house, WorkOrderRow) == 1


async def test_an_analysis_without_order_makes_none(house: House, recorder: Recorder) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset, severity="CRITICAL")
    async with house.client(Role.TENANT_ADMIN) as browser:
        full = (await browser.post(f"{INCIDENTS}/{row.id}/rca-full?auto_create_wo=false")).json()
        summary = (await browser.post(f"{INCIDENTS}/{row.id}/rca")).json()
    kept = SHAPES["POST /api/blackbox/incidents/{incident_id}/rca"]
    assert full["work_order"] is None
    assert fits(kept, summary) == []
    assert await count(house, WorkOrderRow) == 0


@pytest.mark.clause("D5", "W7")
@pytest.mark.parametrize("status", ["open", "pending_approval"])
async def test_ordering_by_hand_uses_the_same_logic_once(
    house: House, recorder: Recorder, status: str
) -> None:
    tenant_id = house.own.tenant.id
    async with house.database.transaction(tenant_id) as tx:
        row = await factories.incident(tx, house.own.asset, severity="WARNING")
        tx.session.add(WorkOrderPolicyRow(tenant_id=tenant_id, min_probability=1.0, initial_status=status))
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        first = (await browser.post(f"{INCIDENTS}/{row.id}/work-order")).json()
        second = (await browser.post(f"{INCIDENTS}/{row.id}/work-order")).json()
    order = first["work_order"]
    assert (first["work_order_created"], second["work_order_created"]) == (True, False)
    assert second["work_order"]["id"] == order["id"]
    assert (order["status"], order["source"]) == (status, "BLACKBOX_AUTO")
    assert order["assigned_to"] in {user.id for user in house.own.users.values()}
    assert await count(house, WorkOrderRow) == 1
    assert await count(house, NotificationRow) == 1


async def test_an_incident_without_asset_cannot_be_analysed(house: House, recorder: Recorder) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset, root_asset_id=None)
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{INCIDENTS}/{row.id}/rca-full")
    assert answer.status_code == 404
    assert "no asset" in answer.json()["detail"]


@pytest.mark.parametrize(("asset", "status"), [("2147483000", 404), ("x", 422), ("99999999999", 422)])
async def test_unknown_and_malformed_assets(
    house: House, recorder: Recorder, asset: str, status: int
) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(f"/api/blackbox/assets/{asset}/run")).status_code == status


async def test_another_tenants_asset_cannot_be_analysed(house: House, recorder: Recorder) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"/api/blackbox/assets/{house.other.asset.id}/run")
    assert answer.status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER])
async def test_only_some_roles_run_the_black_box(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        run = await browser.post(f"/api/blackbox/assets/{house.own.asset.id}/run")
        detect = await browser.post("/api/blackbox/engine/detect")
    assert (run.status_code, detect.status_code) == (403, 403)


async def test_detecting_opens_the_incidents_of_critical_events_once(
    house: House, recorder: Recorder
) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        for minutes in (4, 2):
            at = clock.now() - timedelta(minutes=minutes)
            await factories.event(tx, house.own.asset, severity="CRITICAL", event_time=at)
        await factories.event(tx, house.own.asset, severity="MAJOR")
    async with house.client(Role.TENANT_ADMIN) as browser:
        first = (await browser.post("/api/blackbox/engine/detect")).json()
        second = (await browser.post("/api/blackbox/engine/run")).json()
        collected = (await browser.post("/api/blackbox/engine/collect")).json()
    assert fits(SHAPES["POST /api/blackbox/engine/detect"], first) == []
    assert fits(SHAPES["POST /api/blackbox/engine/run"], second) == []
    assert fits(SHAPES["POST /api/blackbox/engine/collect"], collected) == []
    assert first["detection_result"] == {
        "trigger_events_found": 2,
        "incidents_created": 1,
        "events_processed": 2,
    }
    assert second["incidents_created"] == 0
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert len((await tx.session.scalars(select(IncidentRow))).all()) == 1
