"""Who opens which page of the administration, and what it then says."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.streams.spool import SpoolFigures
from optria.streams.vitals import StreamVitals
from optria.web.admin.meter import Meter
from optria.web.server import create_app
from optria.web.services import Vitals
from optria.web.spreadsheets import cell
from tests import factories
from tests.web.house import House, Household

ADMINS = {Role.TENANT_ADMIN, Role.PLATFORM_OWNER}
MAY: Mapping[str, set[Role]] = {
    "/users": ADMINS,
    "/account": set(Role),
    "/on-call": set(Role) - {Role.VIEWER},
    "/admin/alarms": set(Role) - {Role.VIEWER},
    "/admin/audit": ADMINS,
    "/admin/system": ADMINS,
    "/admin/tenants": {Role.PLATFORM_OWNER},
}


@pytest.mark.parametrize("path", MAY)
async def test_a_page_is_open_to_those_who_may(house: House, path: str) -> None:
    for role in Role:
        for query in ("", f"?tenant_id={house.own.tenant.id}") if role is Role.PLATFORM_OWNER else ("",):
            async with house.client(role) as browser:
                answer = await browser.get(path + query)
            assert (answer.status_code == 200) == (role in MAY[path]), (role, query)
            assert answer.status_code in (200, 403)


@pytest.mark.clause("G10")
async def test_an_administrator_sees_people_of_the_own_tenant(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get("/users")).text
    assert house.user(Role.ENGINEER).email in page
    assert house.other.users[Role.ENGINEER].email not in page
    assert "What each role may do" in page
    assert "Your account" in page
    assert 'data-dialog="new-user"' in page


async def test_a_platform_owner_sees_every_tenant(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        page = (await browser.get("/admin/tenants")).text
    assert house.own.tenant.code in page
    assert house.other.tenant.code in page


async def test_the_last_administrator_is_told_why_they_stay(house: House) -> None:
    path = f"/users?tenant_id={house.own.tenant.id}"
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert "The last administrator: make another one first." in (await browser.get(path)).text
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.user(tx, house.own.tenant.id, Role.TENANT_ADMIN)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert "The last administrator: make another one first." not in (await browser.get(path)).text


async def test_ones_own_names_are_changed_and_written_down(house: House) -> None:
    viewer = house.user(Role.VIEWER)
    async with house.client(viewer) as browser:
        answer = await browser.put("/api/auth/me", json={"full_name": "Omar N.", "full_name_ar": None})
        refused = await browser.put("/api/auth/me", json={"role": "tenant_admin"})
        blank = await browser.put("/api/auth/me", json={"full_name": None})
    assert (answer.status_code, answer.json()["full_name"], answer.json()["full_name_ar"]) == (
        200,
        "Omar N.",
        None,
    )
    assert (refused.status_code, blank.status_code) == (422, 422)
    async with house.client(Role.TENANT_ADMIN) as browser:
        (row,) = (await browser.get("/api/audit-logs", params={"text": "Omar N."})).json()["audit_logs"]
    assert (row["action"], row["user_id"], row["new_values"]["full_name"]) == (
        "user_changed",
        viewer.id,
        "Omar N.",
    )


async def test_the_rota_shows_turns_gaps_and_who_may_change_it(house: House) -> None:
    engineer = house.user(Role.ENGINEER)
    today = clock.now().date().isoformat()
    body = {
        "name": "Mechanics",
        "time_zone": "Asia/Riyadh",
        "starts_on": today,
        "handover_at": "06:00",
        "shift_days": 7,
        "members": [engineer.id],
    }
    async with house.client(Role.ENGINEER) as browser:
        assert "Nobody is on call" in (await browser.get("/on-call")).text
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post("/api/on-call/rotations", json=body)).status_code == 201
        page = (await browser.get(f"/on-call?weeks=4&from={today}")).text
    async with house.client(Role.ENGINEER) as browser:
        read_only = (await browser.get("/on-call")).text
    assert "Mechanics" in page
    assert str(engineer.full_name) in page
    assert "rota-gap" in page, "from midnight to the first handover nobody is on call"
    assert 'data-dialog="rotation"' in page
    assert 'data-dialog="rotation"' not in read_only
    assert "Administrators change the rota." in read_only


async def deeds(house: House, household: Household, many: int) -> None:
    begin = clock.now() - timedelta(hours=1)
    async with house.database.transaction(household.tenant.id) as tx:
        for number in range(many):
            values = {"name": f"={number}", "limit": number}
            tx.session.add(
                AuditLog(
                    tenant_id=household.tenant.id,
                    user_id=household.users[Role.TENANT_ADMIN].id,
                    action="site_changed",
                    entity_type="site",
                    entity_id=number + 1,
                    old_values={"name": "old", "same": 1},
                    new_values=values | {"same": 1},
                    created_at=begin + timedelta(seconds=number // 3),
                )
            )


async def test_the_log_is_paged_by_the_last_row_seen(house: House) -> None:
    await deeds(house, house.own, 7)
    await deeds(house, house.other, 3)
    found: list[int] = []
    async with house.client(Role.TENANT_ADMIN) as browser:
        asked: dict[str, str | int] = {"action": "site_changed", "limit": 2}
        while rows := (await browser.get("/api/audit-logs", params=asked)).json()["audit_logs"]:
            found += [row["entity_id"] for row in rows]
            asked["before"] = rows[-1]["id"]
    assert found == [7, 6, 5, 4, 3, 2, 1]


async def test_the_log_shows_what_changed_and_can_be_taken_along(house: House) -> None:
    await deeds(house, house.own, 2)
    await deeds(house, house.other, 1)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get("/admin/audit", params={"text": "site", "days": "1"})).text
        nothing = (await browser.get("/admin/audit", params={"text": "nothing like it"})).text
        as_csv = await browser.get("/api/audit-logs/export", params={"action": "site_changed"})
        as_json = await browser.get("/api/audit-logs/export", params={"format": "json", "text": "=1"})
    assert "Site changed" in page
    assert '<dt><bdi dir="ltr">name</bdi></dt>' in page
    assert '<dt><bdi dir="ltr">same</bdi></dt>' not in page
    assert "Nothing was found" in nothing
    rows = list(csv.DictReader(io.StringIO(as_csv.text.removeprefix("\ufeff"))))
    assert [row["entity_id"] for row in rows] == ["2", "1"]
    assert json.loads(rows[0]["new_values"])["name"] == "=1"
    assert "attachment" in as_csv.headers["content-disposition"]
    assert [row["entity_id"] for row in as_json.json()["audit_logs"]] == [2]


@pytest.mark.parametrize(
    ("value", "text"),
    [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-x", "'-x"), (-5, "-5"), (None, ""), ("plain", "plain")],
)
def test_a_cell_does_not_calculate(value: object, text: str) -> None:
    assert cell(value) == text


def vital(**values: Any) -> StreamVitals:
    known: dict[str, Any] = {
        "tags": 2,
        "samples": 100,
        "busy_s": 0.01,
        "learning": 1,
        "watching": 1,
        "failing": 0,
        "anchored": 3,
        "dropped": {"late": 4},
        "history_waiting": 5,
        "history_bound": 100,
        "history_written": 90,
        "history_error": None,
    }
    return StreamVitals(**known | values)


def watched(house: House) -> None:
    """Give the application something to tell of both tenants and of the process."""
    streams = {house.own.tenant.id: vital(), house.other.tenant.id: vital(samples=777_777)}
    vitals = Vitals(streams, {"anchors": 0, "events": 12}, 10_000, {"events_shed": 2})
    tasks = {"recorder": TaskState("recorder", False, 3, "the database is away", clock.now())}
    house.app = create_app(replace(house.services, vitals=lambda: vitals, health=lambda: tasks))


async def test_an_administrator_sees_the_own_stream_and_nothing_of_the_process(house: House) -> None:
    watched(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        told = (await browser.get("/api/admin/system")).json()
        page = (await browser.get("/admin/system")).text
        foreign = await browser.get("/api/admin/system", params={"tenant_id": house.other.tenant.id})
    (stream,) = told["streams"]
    assert (stream["tenant_id"], stream["samples"], stream["dropped"]) == (
        house.own.tenant.id,
        100,
        {"late": 4},
    )
    assert stream["detectors"] == {"learning": 1, "watching": 1, "failing_assets": 0, "anchors": 3}
    assert told["process"] is None
    assert foreign.status_code == 404
    assert "the database is away" not in page
    assert "777" not in page
    assert house.other.tenant.name not in page


async def test_a_platform_owner_sees_the_process_and_every_stream(house: House) -> None:
    watched(house)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        told = (await browser.get("/api/admin/system")).json()
        page = (await browser.get("/admin/system")).text
    assert {each["tenant_id"] for each in told["streams"]} == {house.own.tenant.id, house.other.tenant.id}
    process = told["process"]
    assert process["tasks"]["recorder"]["restarts"] == 3
    assert process["inbox"] == {
        "waiting": {"anchors": 0, "events": 12},
        "bound": 10_000,
        "counts": {"events_shed": 2},
    }
    assert process["database"]["ping_s"] > 0
    assert process["memory_bytes"] > 1_000_000
    assert process["sockets"]["connections"] == 0
    assert "the database is away" in page
    assert "waits to be started again" in page


@pytest.mark.clause("N1")
async def test_the_way_from_alarm_to_order_is_measured_stage_by_stage(house: House) -> None:
    engineer = house.user(Role.ENGINEER)
    anchored = clock.now() - timedelta(minutes=30)
    async with house.database.transaction(house.own.tenant.id) as tx:
        for seconds in (1, 2, 3):
            order = await factories.order(tx, house.own.asset)
            row = await factories.incident(
                tx,
                house.own.asset,
                anchored_at=anchored,
                analysed_at=anchored + timedelta(seconds=seconds),
                ordered_at=anchored + timedelta(seconds=2 * seconds),
                auto_work_order_id=order.id,
            )
            await factories.notification(
                tx,
                engineer,
                entity_type="incident",
                entity_id=str(row.id),
                created_at=anchored + timedelta(seconds=3 * seconds),
            )
        await factories.incident(tx, house.own.asset, anchored_at=anchored, analysed_at=None)
        await factories.incident(tx, house.own.asset, anchored_at=anchored - timedelta(days=2))
    async with house.client(Role.TENANT_ADMIN) as browser:
        latency = (await browser.get("/api/admin/system")).json()["latency"]
        week = (await browser.get("/api/admin/system", params={"latency": "7d"})).json()["latency"]
    stages = {each["stage"]: each for each in latency["stages"]}
    assert (latency["incidents"], week["incidents"]) == (4, 5)
    assert [stages[name]["p50_s"] for name in ("analysis", "order", "notified")] == pytest.approx([2, 4, 6])
    assert stages["order"]["p95_s"] == pytest.approx(5.8)
    assert [stages[name]["measured"] for name in ("analysis", "order", "notified")] == [3, 3, 3]


def test_a_rate_is_of_the_last_half_minute() -> None:
    now = [0.0]
    meter = Meter(lambda: now[0])
    assert meter.rate("x", 10) is None
    now[0] = 2.0
    assert meter.rate("x", 30) == pytest.approx(10)
    now[0] = 4.0
    assert meter.rate("x", 5) is None, "the count began anew"
    now[0] = 100.0
    assert meter.rate("x", 500) is None, "what was seen before is too long ago"


async def test_alarms_are_told_and_taken_along(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        for _ in range(3):
            await factories.event(tx, house.own.asset, summary="=Pressure high", severity="MAJOR")
    async with house.client(Role.ENGINEER) as browser:
        told = (await browser.get("/api/admin/alarms", params={"days": 1})).json()
        page = (await browser.get("/admin/alarms", params={"days": 1})).text
        taken = await browser.get("/api/admin/alarms/export", params={"table": "frequent"})
    async with house.client(Role.PLATFORM_OWNER) as browser:
        untold = await browser.get("/api/admin/alarms")
        choose = (await browser.get("/admin/alarms")).text
    assert (told["total"], told["peak_per_10_min"], told["verdict"]) == (3, 3, "acceptable")
    assert told["chattering"] == {"alarms": 1, "times": 1}
    assert told["most_frequent"][0]["asset"] == house.own.asset.code
    assert "chatters" in page
    (row,) = csv.DictReader(io.StringIO(taken.text.removeprefix("\ufeff")))
    assert (row["times"], row["share"], row["summary"]) == ("3", "1.0", "'=Pressure high")
    assert untold.status_code == 422
    assert "Choose a tenant first" in choose


async def test_what_waits_on_disk_and_a_pause_of_history_are_shown(house: House) -> None:
    spool = SpoolFigures(
        2_000_000_000, 4_200, 3 * 1_048_576, clock.now(), aside=["history-1-1.sqlite.aside-1"]
    )
    stream = vital(spool=spool, history_paused="The disk is full.", shed={"spool_full": 7})
    vitals = Vitals({house.own.tenant.id: stream}, {}, 10_000, {})
    house.app = create_app(replace(house.services, vitals=lambda: vitals))
    async with house.client(Role.TENANT_ADMIN) as browser:
        told = (await browser.get("/api/admin/system")).json()["streams"][0]["history"]
        page = (await browser.get("/admin/system")).text
    assert (told["spool"]["samples"], told["paused"], told["shed"]) == (
        4_200,
        "The disk is full.",
        {"spool_full": 7},
    )
    assert "samples wait on disk" in page
    assert "History is paused until the database has space again." in page
    assert "history-1-1.sqlite.aside-1" in page
