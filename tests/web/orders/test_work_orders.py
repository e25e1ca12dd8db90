"""Work orders over HTTP: who sees which, v1's keys, and the moves each role may make."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.plant import SiteRow
from optria.db.work import NotificationRow, WorkOrderHistory
from optria.kit import clock
from tests import factories
from tests.web.house import House, fits
from tests.web.ordering import ORDERS, address, stored

SHAPES = json.loads((Path(__file__).parents[1] / "v1_black_box_shapes.json").read_text("utf-8"))


@pytest.mark.clause("V8")
async def test_list_and_detail_have_v1s_keys(house: House) -> None:
    row = await stored(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        listed = (await browser.get(f"{ORDERS}/")).json()
        detail = (await browser.get(f"{ORDERS}/{row.id}")).json()
    assert fits(SHAPES["GET /api/work-orders/"], listed) == []
    assert fits(SHAPES["GET /api/work-orders/1"], detail) == []
    assert detail["asset"]["code"] == house.own.asset.code
    assert detail["assigned_user"]["id"] == house.own.users[Role.ENGINEER].id


@pytest.mark.clause("V9")
@pytest.mark.parametrize("role", list(Role))
async def test_who_may_see_and_who_may_edit(house: House, role: Role) -> None:
    mine, other = await stored(house), await stored(house, assigned_to=None)
    async with house.client(role) as browser:
        listed = await browser.get(f"{ORDERS}/")
        note = await browser.post(address(house, mine, "/notes"), json={"body": "seen"})
        start = await browser.post(address(house, mine, "/start"))
        foreign = await browser.post(address(house, other, "/start"))
    if role is Role.VIEWER:
        assert {a.status_code for a in (listed, note, start, foreign)} == {403}
        return
    assert (note.status_code, start.status_code) == (200, 200)
    assert listed.json()["total"] == (1 if role is Role.ENGINEER else 2)
    assert foreign.status_code == (404 if role is Role.ENGINEER else 200)


async def test_another_tenants_order_does_not_exist(house: House) -> None:
    async with house.database.transaction(house.other.tenant.id) as tx:
        row = await factories.order(tx, house.other.asset)
    async with house.client(Role.TENANT_ADMIN) as browser:
        answers = [
            await browser.get(f"{ORDERS}/{row.id}"),
            await browser.put(f"{ORDERS}/{row.id}", json={"title": "mine"}),
            *[
                await browser.post(f"{ORDERS}/{row.id}/{v}")
                for v in ("start", "complete", "approve", "close")
            ],
        ]
    assert {answer.status_code for answer in answers} == {404}


async def _ends(house: House, **change: object) -> tuple[str, str]:
    """When an order is due that is made with a due date, and that is given one later."""
    body = {"title": "Grease", "asset_id": house.own.asset.id, **change}
    async with house.client(Role.TENANT_ADMIN) as browser:
        made = (await browser.post(f"{ORDERS}/", json=body)).json()["work_order"]
        plain = (await browser.post(f"{ORDERS}/", json=body | {"due_date": None})).json()["work_order"]
        later = (await browser.put(f"{ORDERS}/{plain['id']}", json=change)).json()["work_order"]
    return made["due_at"], later["due_at"]


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("Asia/Riyadh", "2026-12-01T20:59:59.999999Z"),
        ("America/New_York", "2026-12-02T04:59:59.999999Z"),
        ("Nowhere/Nothing", "2026-12-01T20:59:59.999999Z"),
    ],
)
async def test_a_due_date_ends_with_the_day_of_the_site(house: House, zone: str, end: str) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        (await tx.session.get_one(SiteRow, house.own.site.id)).time_zone = zone
    assert await _ends(house, due_date="2026-12-01") == (end, end)


async def test_without_a_due_date_the_priority_decides_again(house: House) -> None:
    row = await stored(house, due_date=date(2020, 1, 1), due_at=clock.now() - timedelta(days=900))
    async with house.client(Role.TENANT_ADMIN) as browser:
        order = (await browser.put(f"{ORDERS}/{row.id}", json={"due_date": None})).json()["work_order"]
    assert (order["due_date"], order["is_overdue"]) == (None, False)


@pytest.mark.clause("V9")
async def test_an_engineer_changes_status_and_notes_only(house: House) -> None:
    row = await stored(house)
    async with house.client(Role.ENGINEER) as browser:
        allowed = await browser.put(
            f"{ORDERS}/{row.id}", json={"notes": "Lined up.", "status": "in_progress"}
        )
        refused = [
            await browser.put(f"{ORDERS}/{row.id}", json=change)
            for change in (
                {"priority": "low"},
                {"title": "x"},
                {"assigned_to": 1},
                {"due_date": "2026-12-01"},
            )
        ]
        new = await browser.post(f"{ORDERS}/", json={"code": "X", "title": "x"})
    assert fits(SHAPES["PUT /api/work-orders/1"], allowed.json()) == []
    assert allowed.json()["work_order"]["status"] == "in_progress"
    assert {answer.status_code for answer in refused} == {403}
    assert new.status_code == 403


async def test_an_order_made_by_hand(house: House) -> None:
    engineer = house.own.users[Role.ENGINEER]
    body = {"code": "WO-7", "title": "Grease", "asset_id": house.own.asset.id, "assigned_to": engineer.id}
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        answer = (await browser.post(f"{ORDERS}/", json=body)).json()
        numbered = (await browser.post(f"{ORDERS}/", json={"title": "No code"})).json()
    order = answer["work_order"]
    assert fits(SHAPES["POST /api/work-orders/"], answer) == []
    assert (order["code"], order["source"], order["status"]) == ("WO-7", "MANUAL", "open")
    assert order["due_at"] is not None
    assert numbered["work_order"]["code"].startswith("WO-")
    async with house.database.transaction(house.own.tenant.id) as tx:
        told = (await tx.session.scalars(select(NotificationRow))).one()
    assert (told.user_id, told.entity_id) == (engineer.id, str(order["id"]))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": ""}, 422),
        ({"priority": "banana"}, 422),
        ({"due_date": "soon"}, 422),
        ({"due_date": "0001-01-01"}, 422),
        ({"due_date": "9999-12-31"}, 422),
        ({"estimated_hours": -1}, 422),
        ({"estimated_hours": "NaN"}, 422),
        ({"asset_id": 2147483000}, 404),
        ({"assigned_to": 2147483000}, 422),
        ({"title": "x" * 256}, 422),
    ],
)
async def test_a_malformed_order_is_refused(house: House, change: dict[str, object], status: int) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{ORDERS}/", json={"code": "WO-9", "title": "x"} | change)
    assert answer.status_code == status


async def test_another_tenants_people_and_assets_cannot_be_named(house: House) -> None:
    row = await stored(house)
    stranger = house.other.users[Role.ENGINEER].id
    async with house.client(Role.TENANT_ADMIN) as browser:
        assign = await browser.post(f"{ORDERS}/{row.id}/assign", json={"user_id": stranger})
        asset = await browser.post(f"{ORDERS}/", json={"title": "x", "asset_id": house.other.asset.id})
    assert (assign.status_code, asset.status_code) == (422, 404)


async def test_reassigning_tells_the_new_person(house: House) -> None:
    row = await stored(house)
    optimizer = house.own.users[Role.OPTIMIZATION_ENGINEER]
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(f"{ORDERS}/{row.id}/assign", json={"user_id": optimizer.id})
    assert answer.json()["work_order"]["assigned_to"] == optimizer.id
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.scalars(select(NotificationRow.user_id))).one() == optimizer.id


async def test_the_checklist_is_ticked_and_remembered(house: House) -> None:
    lines = [
        {"text": "Grease", "text_ar": "", "done": False},
        {"text": "Check", "text_ar": "", "done": False},
    ]
    row = await stored(house, checklist=lines)
    async with house.client(Role.ENGINEER) as browser:
        ticked = (await browser.post(f"{ORDERS}/{row.id}/checklist", json={"index": 1, "done": True})).json()
        beyond = await browser.post(f"{ORDERS}/{row.id}/checklist", json={"index": 2, "done": True})
    assert [line["done"] for line in ticked["work_order"]["checklist"]] == [False, True]
    assert beyond.status_code == 422
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.scalars(select(WorkOrderHistory.kind))).all() == ["ticked"]


@pytest.mark.parametrize("body", ["", "   ", "\x00"])
async def test_an_empty_note_is_refused(house: House, body: str) -> None:
    row = await stored(house)
    async with house.client(Role.ENGINEER) as browser:
        assert (await browser.post(f"{ORDERS}/{row.id}/notes", json={"body": body})).status_code == 422


async def test_notes_carry_their_author(house: House) -> None:
    row = await stored(house)
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"{ORDERS}/{row.id}/notes", json={"body": "Standby is up.", "sensitive": True})
        line = (await browser.get(f"{ORDERS}/{row.id}")).json()["history"][0]
    assert (line["body"], line["is_sensitive"]) == ("Standby is up.", True)
    assert line["user_name"] == house.own.users[Role.ENGINEER].full_name


async def test_the_list_is_filtered(house: House) -> None:
    await stored(house, status="completed", priority="low")
    late = await stored(house, due_at=clock.now() - timedelta(hours=1))
    async with house.client(Role.TENANT_ADMIN) as browser:
        counts = {
            query: (await browser.get(f"{ORDERS}/?{query}")).json()["total"]
            for query in ("status=completed", "priority=low", "assigned_to=2147483647", "limit=1")
        }
        listed = (await browser.get(f"{ORDERS}/?status=open")).json()["work_orders"]
        wrong = await browser.get(f"{ORDERS}/?asset_id=x")
    assert counts == {"status=completed": 1, "priority=low": 1, "assigned_to=2147483647": 0, "limit=1": 2}
    assert [(order["id"], order["is_overdue"]) for order in listed] == [(late.id, True)]
    assert wrong.status_code == 422


async def test_actions_of_a_new_order_are_its_checklist(house: House) -> None:
    body = {"title": "Look at the seal", "actions": ["Isolate the pump", "  Replace the seal "]}
    async with house.client(Role.TENANT_ADMIN) as browser:
        made = (await browser.post(f"{ORDERS}/", json=body)).json()["work_order"]
        empty = await browser.post(f"{ORDERS}/", json=body | {"actions": [" "]})
    assert [line["text"] for line in made["checklist"]] == ["Isolate the pump", "Replace the seal"]
    assert not any(line["done"] for line in made["checklist"])
    assert empty.status_code == 422
