"""The on-call rota over HTTP: who is on call and why, and who may change it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from optria.core.roles import Permission, Role, can
from optria.db.blackbox import EventRow
from optria.db.identity import AuditLog, User
from optria.db.rota import OnCallShift
from optria.db.session import Database
from optria.kit import clock
from tests.web.house import House, build

ON_CALL = "/api/on-call"
ROTATIONS, OVERRIDES = f"{ON_CALL}/rotations", f"{ON_CALL}/overrides"


def both(house: House) -> list[int]:
    return [house.own.users[role].id for role in (Role.ENGINEER, Role.OPTIMIZATION_ENGINEER)]


def rotation(house: House, **values: Any) -> dict[str, Any]:
    """Turns of a day since yesterday, of the engineer first."""
    defaults: dict[str, Any] = {
        "name": "Mechanics",
        "time_zone": "Asia/Riyadh",
        "starts_on": (clock.now() - timedelta(days=2)).date().isoformat(),
        "handover_at": "06:00",
        "shift_days": 7,
        "members": both(house),
    }
    return defaults | values


def shift(house: House, from_h: float = -1, to_h: float = 3, **values: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "user_id": house.own.users[Role.OPTIMIZATION_ENGINEER].id,
        "starts_at": (now + timedelta(hours=from_h)).isoformat(),
        "ends_at": (now + timedelta(hours=to_h)).isoformat(),
    } | values


async def now_of(browser: httpx.AsyncClient, site_id: int | None = None) -> dict[str, Any]:
    answer = await browser.get(f"{ON_CALL}/now", params={"site_id": site_id} if site_id else None)
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


@pytest.mark.clause("W11")
async def test_nobody_a_rotation_and_a_shift_on_call(house: House) -> None:
    engineer, optimizer = both(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        nobody = await now_of(browser)
        made = (await browser.post(ROTATIONS, json=rotation(house))).json()
        by_rotation = await now_of(browser)
        override = (await browser.post(OVERRIDES, json=shift(house, reason="Swap"))).json()
        by_shift = await now_of(browser)
        await browser.delete(f"{OVERRIDES}/{override['id']}")
        afterwards = await now_of(browser)
    assert (nobody["user"], nobody["by"], nobody["assignee"]["id"]) == (None, None, engineer)
    assert (by_rotation["user"]["id"], by_rotation["by"], by_rotation["source_id"]) == (
        engineer,
        "rotation",
        made["id"],
    )
    assert by_rotation["ends_at"] == made["next_handover"]
    assert (by_shift["user"]["id"], by_shift["by"], by_shift["assignee"]["id"]) == (
        optimizer,
        "shift",
        optimizer,
    )
    assert datetime.fromisoformat(by_shift["ends_at"]) == datetime.fromisoformat(override["ends_at"])
    assert afterwards["user"]["id"] == engineer


async def test_a_site_has_its_own_people(house: House) -> None:
    engineer, optimizer = both(house)
    site = house.own.site.id
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(ROTATIONS, json=rotation(house))
        own = rotation(house, name="At the site", site_id=site, members=[optimizer])
        assert (await browser.post(ROTATIONS, json=own)).status_code == 201
        here, elsewhere = await now_of(browser, site), await now_of(browser)
    assert (here["user"]["id"], here["of"], here["rotation_name"]) == (optimizer, "site", "At the site")
    assert (elsewhere["user"]["id"], elsewhere["of"]) == (engineer, "all")


async def test_who_leaves_is_passed_over(house: House) -> None:
    engineer, optimizer = both(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        made = (await browser.post(ROTATIONS, json=rotation(house))).json()
        async with house.database.transaction(house.own.tenant.id) as tx:
            (await tx.session.get_one(User, engineer)).is_active = False
        now = await now_of(browser)
        seen = (await browser.get(f"{ROTATIONS}/{made['id']}")).json()
    assert (now["user"]["id"], seen["current_user_id"]) == (optimizer, optimizer)
    assert [person["can_serve"] for person in seen["people"]] == [False, True]


async def test_the_schedule_leaves_no_hole(house: House) -> None:
    engineer, optimizer = both(house)
    start = datetime(2026, 3, 27, tzinfo=UTC)
    async with house.client(Role.ENGINEER) as browser, house.client(Role.TENANT_ADMIN) as admin:
        berlin = {"time_zone": "Europe/Berlin", "starts_on": "2026-03-28", "handover_at": "08:00"}
        await admin.post(ROTATIONS, json=rotation(house, shift_days=1, **berlin))
        at = {"starts_at": "2026-03-29T10:00:00+02:00", "ends_at": "2026-03-29T12:00:00+02:00"}
        await admin.post(OVERRIDES, json=shift(house) | at | {"user_id": engineer})
        asked = {"from": start.isoformat(), "to": (start + timedelta(days=4)).isoformat()}
        answer = await browser.get(f"{ON_CALL}/schedule", params=asked)
    found = [
        (entry["starts_at"], entry["user"] and entry["user"]["id"], entry["by"])
        for entry in answer.json()["schedule"]
    ]
    assert found == [
        ("2026-03-27T00:00:00Z", None, None),
        ("2026-03-28T07:00:00Z", engineer, "rotation"),
        ("2026-03-29T06:00:00Z", optimizer, "rotation"),
        ("2026-03-29T08:00:00Z", engineer, "shift"),
        ("2026-03-29T10:00:00Z", optimizer, "rotation"),
        ("2026-03-30T06:00:00Z", engineer, "rotation"),
    ]
    ends = [entry["ends_at"] for entry in answer.json()["schedule"]]
    assert ends == [*(begin for begin, _, _ in found[1:]), "2026-03-31T00:00:00Z"]


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-01-01T00:00:00Z", "to": "2026-04-04T00:00:01Z"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"from": "soon"},
    ],
)
async def test_a_time_that_cannot_be_shown(house: House, asked: dict[str, str]) -> None:
    async with house.client(Role.ENGINEER) as browser:
        assert (await browser.get(f"{ON_CALL}/schedule", params=asked)).status_code == 422


async def test_a_change_keeps_what_is_not_sent(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        made = (await browser.post(ROTATIONS, json=rotation(house, site_id=house.own.site.id))).json()
        there = f"{ROTATIONS}/{made['id']}"
        turned = (await browser.put(there, json={"members": both(house)[::-1], "shift_days": 1})).json()
        for_all = (await browser.put(there, json={"site_id": None, "is_active": False})).json()
        emptied = [
            (await browser.put(there, json={name: None})).status_code
            for name in (
                "name",
                "time_zone",
                "starts_on",
                "handover_at",
                "shift_days",
                "members",
                "is_active",
            )
        ]
        gone = await browser.delete(there)
        after = await browser.get(there)
    assert (turned["members"], turned["name"]) == (both(house)[::-1], "Mechanics")
    assert (for_all["site_id"], for_all["members"], for_all["current_user_id"]) == (
        None,
        turned["members"],
        None,
    )
    assert set(emptied) == {422}
    assert (gone.status_code, after.status_code) == (204, 404)


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"members": "twice"},
        {"members": "admin"},
        {"members": "other tenant"},
        {"members": [987_654]},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "Europe"},
        {"handover_at": "06:00+03:00"},
        {"handover_at": "25:00"},
        {"shift_days": 0},
        {"shift_days": 10**30},
        {"starts_on": "9999-12-31"},
        {"name": ""},
        {"name": "x" * 256},
        {"colour": "red"},
    ],
)
async def test_a_rotation_that_cannot_be(house: House, change: dict[str, Any]) -> None:
    special = {
        "twice": [both(house)[0]] * 2,
        "admin": [house.own.users[Role.TENANT_ADMIN].id],
        "other tenant": [house.other.users[Role.ENGINEER].id],
    }
    members = change.get("members")
    asked = change | ({"members": special[members]} if isinstance(members, str) else {})
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(ROTATIONS, json=rotation(house, **asked))
        made = (await browser.post(ROTATIONS, json=rotation(house))).json()
        unchanged = await browser.put(f"{ROTATIONS}/{made['id']}", json=asked)
    assert (refused.status_code, unchanged.status_code) == (422, 422)


async def test_names_and_places_of_rotations_are_not_taken_twice(house: House) -> None:
    site = house.own.site.id
    async with house.client(Role.TENANT_ADMIN) as browser:
        await browser.post(ROTATIONS, json=rotation(house))
        same_name = await browser.post(ROTATIONS, json=rotation(house, name="MECHANICS", site_id=site))
        same_place = await browser.post(ROTATIONS, json=rotation(house, name="Electricians"))
        paused = await browser.post(ROTATIONS, json=rotation(house, name="Electricians", is_active=False))
        woken = await browser.put(f"{ROTATIONS}/{paused.json()['id']}", json={"is_active": True})
    assert [a.status_code for a in (same_name, same_place, paused, woken)] == [409, 409, 201, 409]
    assert "Mechanics" in woken.json()["detail"]


async def test_shifts_at_one_place_do_not_overlap(house: House) -> None:
    site = house.own.site.id
    async with house.client(Role.TENANT_ADMIN) as browser:
        first = shift(house)
        asked = [
            first,
            shift(house, 2, 5),
            shift(house, 2, 5, site_id=site),
            shift(house, 4.5, 6, site_id=site),
            shift(house, 5.1, 6, site_id=site),
        ]
        after = {"starts_at": first["ends_at"], "ends_at": (clock.now() + timedelta(hours=9)).isoformat()}
        statuses = [
            (await browser.post(OVERRIDES, json=body)).status_code for body in [*asked, first | after]
        ]
        listed = (await browser.get(OVERRIDES, params={"site_id": site})).json()
    assert statuses == [201, 409, 201, 409, 201, 201]
    assert listed["total"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"starts_at": "2020-01-01T00:00:00Z"},
        {"starts_at": "2026-11-22T10:00:00"},
        {"user_id": 987_654},
        {"user_id": 2**31},
        {"reason": "x" * 256},
    ],
)
async def test_a_shift_that_cannot_be(house: House, change: dict[str, Any]) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.post(OVERRIDES, json=shift(house, **change))
    assert refused.status_code == 422


async def test_every_change_is_written_down_and_an_event_of_the_plant(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        made = (await browser.post(ROTATIONS, json=rotation(house))).json()
        await browser.put(f"{ROTATIONS}/{made['id']}", json={"shift_days": 3})
        await browser.put(f"{ROTATIONS}/{made['id']}", json={"shift_days": 3})
        override = (await browser.post(OVERRIDES, json=shift(house, reason="Swap"))).json()
        await browser.delete(f"{OVERRIDES}/{override['id']}")
        await browser.delete(f"{ROTATIONS}/{made['id']}")
    wanted = [
        "on_call_rotation_created",
        "on_call_rotation_changed",
        "on_call_override_created",
        "on_call_override_removed",
        "on_call_rotation_removed",
    ]
    async with house.database.transaction(house.own.tenant.id) as tx:
        rows = (await tx.session.scalars(select(AuditLog).order_by(AuditLog.id))).all()
        events = (await tx.session.scalars(select(EventRow.event_category))).all()
    assert [row.action for row in rows] == wanted
    assert (rows[2].new_values or {})["reason"] == "Swap"
    assert ((rows[1].old_values or {})["shift_days"], (rows[1].new_values or {})["shift_days"]) == (7, 3)
    assert events == ["CONFIG_CHANGE"] * 5


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_see_and_change_the_rota(house: House, role: Role) -> None:
    tenant = {"tenant_id": house.own.tenant.id}
    async with house.client(Role.TENANT_ADMIN) as admin:
        made = (await admin.post(ROTATIONS, json=rotation(house, name="Theirs", is_active=False))).json()
    async with house.client(role) as browser:
        reads = [
            await browser.get(f"{ON_CALL}/now", params=tenant),
            await browser.get(f"{ON_CALL}/schedule", params=tenant),
            await browser.get(ROTATIONS),
            await browser.get(f"{ROTATIONS}/{made['id']}"),
            await browser.get(OVERRIDES),
        ]
        there = f"{ROTATIONS}/{made['id']}"
        created = [
            await browser.post(ROTATIONS, json=rotation(house), params=tenant),
            await browser.post(OVERRIDES, json=shift(house), params=tenant),
        ]
        changed = await browser.put(there, json={"shift_days": 2}, params=tenant)
        removed = await browser.delete(there, params=tenant)
    assert {a.status_code for a in reads} == {200 if can(role, Permission.VIEW_ON_CALL) else 403}
    may = can(role, Permission.MANAGE_ON_CALL)
    assert [a.status_code for a in created] == ([201, 201] if may else [403, 403])
    assert (changed.status_code, removed.status_code) == ((200, 204) if may else (403, 403))


async def test_another_tenants_rota_does_not_exist(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as own:
        made = (await own.post(ROTATIONS, json=rotation(house))).json()
        placed = (await own.post(OVERRIDES, json=shift(house))).json()
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        answers = [
            await browser.get(f"{ROTATIONS}/{made['id']}"),
            await browser.put(f"{ROTATIONS}/{made['id']}", json={"shift_days": 2}),
            await browser.delete(f"{ROTATIONS}/{made['id']}"),
            await browser.delete(f"{OVERRIDES}/{placed['id']}"),
            await browser.get(f"{ON_CALL}/now", params={"site_id": house.own.site.id}),
            await browser.get(f"{ON_CALL}/schedule", params={"tenant_id": house.own.tenant.id}),
        ]
        lists = [(await browser.get(path)).json() for path in (ROTATIONS, OVERRIDES)]
        foreign_site = rotation(
            house, site_id=house.own.site.id, members=[house.other.users[Role.ENGINEER].id]
        )
        answers.append(await browser.post(ROTATIONS, json=foreign_site))
    assert {answer.status_code for answer in answers} == {404}
    assert (lists[0]["rotations"], lists[1]["overrides"]) == ([], [])


async def test_a_platform_owner_says_which_tenant(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get(f"{ON_CALL}/now")).status_code == 422
        assert (await browser.get(f"{ON_CALL}/schedule")).status_code == 422


async def test_two_administrators_at_once_do_not_overlap(database: Database) -> None:
    house = await build(database)
    async with house.client(Role.TENANT_ADMIN) as browser, asyncio.TaskGroup() as group:
        tasks = [group.create_task(browser.post(OVERRIDES, json=shift(house))) for _ in range(4)]
        made = [group.create_task(browser.post(ROTATIONS, json=rotation(house))) for _ in range(4)]
    for each in (tasks, made):
        assert sorted(task.result().status_code for task in each) == [201, 409, 409, 409]
    async with database.transaction(house.own.tenant.id) as tx:
        assert len((await tx.session.scalars(select(OnCallShift))).all()) == 1
