"""The moves of a work order: who may make which, what completing teaches, what closing ends."""

import json
from pathlib import Path

import pytest

from optria.core.roles import Role
from tests import factories
from tests.web.house import House, fits
from tests.web.ordering import EDITORS, ORDERS, address, stored

SHAPES = json.loads((Path(__file__).parents[1] / "v1_black_box_shapes.json").read_text("utf-8"))


async def test_from_start_to_close_as_v1_answers(house: House) -> None:
    row = await stored(house, incident_id="11111111-1111-1111-1111-111111111111")
    async with house.client(Role.ENGINEER) as browser:
        started = (await browser.post(f"{ORDERS}/{row.id}/start")).json()
        completed = (await browser.post(f"{ORDERS}/{row.id}/complete?actual_hours=2")).json()
        closed = (await browser.post(f"{ORDERS}/{row.id}/close")).json()
        history = (await browser.get(f"{ORDERS}/{row.id}")).json()["history"]
    assert fits(SHAPES["POST /api/work-orders/1/start"], started) == []
    assert fits(SHAPES["POST /api/work-orders/1/complete?actual_hours=2"], completed) == []
    assert started["work_order"]["started_at"] is not None
    assert completed["work_order"]["actual_hours"] == 2.0
    assert closed["work_order"]["status"] == "closed"
    assert [line["kind"] for line in history] == ["moved", "moved", "moved"]


async def test_completion_keeps_what_was_found(house: House) -> None:
    row = await stored(house, status="in_progress")
    found = {
        "actual_cause": "Bearing Fault",
        "actual_hours": 3.5,
        "downtime_hours": 6,
        "failure_note": "Outer race spalled.",
        "version": row.version,
    }
    async with house.client(Role.ENGINEER) as browser:
        order = (await browser.post(f"{ORDERS}/{row.id}/complete", json=found)).json()["work_order"]
    assert {key: order[key] for key in found if key != "version"} == {
        k: v for k, v in found.items() if k != "version"
    }


@pytest.mark.clause("I2")
async def test_what_was_found_becomes_history_of_the_incident(house: House) -> None:
    engineer = house.own.users[Role.ENGINEER]
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset, dedup_key="1:process")
    row = await stored(house, incident_id=str(incident.id), status="in_progress")
    found = {"actual_cause": "Seal Leak", "downtime_hours": 6, "failure_note": "Seal replaced."}
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/complete", json=found)
        completed = (await browser.get(f"/api/blackbox/incidents/{incident.id}")).json()
        await browser.post(f"{ORDERS}/{row.id}/close")
        closed = (await browser.get(f"/api/blackbox/incidents/{incident.id}")).json()
    kept = (completed["confirmed_cause"], completed["downtime_hours"], completed["resolution"])
    assert kept == ("Seal Leak", 6.0, "Seal replaced.")
    assert (completed["status"], closed["status"]) == ("OPEN", "RESOLVED")
    assert closed["resolved_by"] == engineer.id


@pytest.mark.parametrize("role", [*EDITORS, Role.ENGINEER])
async def test_who_may_approve_and_cancel(house: House, role: Role) -> None:
    waiting, running = await stored(house, status="pending_approval"), await stored(house)
    async with house.client(role) as browser:
        approved = await browser.post(address(house, waiting, "/approve"))
        by_status = await browser.put(address(house, waiting), json={"status": "open"})
        cancelled = await browser.post(address(house, running, "/cancel"))
    if role is Role.ENGINEER:
        assert {a.status_code for a in (approved, by_status, cancelled)} == {403}
    else:
        assert approved.json()["work_order"]["status"] == "open"
        assert cancelled.json()["work_order"]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("status", "verb", "answer"),
    [
        ("pending_approval", "start", 422),
        ("open", "approve", 422),
        ("open", "close", 422),
        ("in_progress", "start", 422),
        ("completed", "complete", 422),
        ("closed", "start", 422),
        ("cancelled", "start", 422),
    ],
)
async def test_illegal_moves_are_refused_in_words(house: House, status: str, verb: str, answer: int) -> None:
    row = await stored(house, status=status)
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(f"{ORDERS}/{row.id}/{verb}")
    assert refused.status_code == answer
    assert len(refused.json()["detail"]) > 20


async def test_an_illegal_status_is_refused_like_an_illegal_move(house: House) -> None:
    row = await stored(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.put(f"{ORDERS}/{row.id}", json={"status": "closed"})
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "A work order that is open cannot become closed.",
    )


@pytest.mark.clause("I2")
async def test_completion_by_status_teaches_like_the_move(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
    row = await stored(house, incident_id=str(incident.id), actual_cause="Seal Leak", downtime_hours=6)
    change = {"status": "completed", "failure_note": "Seal replaced."}
    async with house.client(Role.ENGINEER) as browser:
        order = (await browser.put(f"{ORDERS}/{row.id}", json=change)).json()["work_order"]
        taught = (await browser.get(f"/api/blackbox/incidents/{incident.id}")).json()
    kept = (taught["confirmed_cause"], taught["downtime_hours"], taught["resolution"])
    assert kept == ("Seal Leak", 6.0, "Seal replaced.")
    assert (order["status"], order["downtime_hours"]) == ("completed", 6.0)


@pytest.mark.parametrize("verb", ["start", "complete", "cancel"])
async def test_a_stale_version_is_a_conflict(house: House, verb: str) -> None:
    row = await stored(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(f"{ORDERS}/{row.id}/notes", json={"body": "meanwhile"})
        refused = await browser.post(f"{ORDERS}/{row.id}/{verb}", json={"version": row.version})
        update = await browser.put(f"{ORDERS}/{row.id}", json={"title": "x", "version": row.version})
        now = (await browser.get(f"{ORDERS}/{row.id}")).json()
    assert (refused.status_code, update.status_code) == (409, 409)
    assert now["status"] == "open"
