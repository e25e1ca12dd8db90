"""What is written down of who did what."""

from collections.abc import Sequence
from uuid import uuid4

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from tests import factories
from tests.web.house import House

LOGIN = "/api/auth/login"
Line = tuple[str, int | None, str | None, int | None]


async def written(house: House) -> Sequence[AuditLog]:
    async with house.database.platform("test") as tx:
        return (await tx.session.scalars(select(AuditLog).order_by(AuditLog.id))).all()


def line(row: AuditLog) -> Line:
    return (row.action, row.user_id, row.entity_type, row.entity_id)


@pytest.mark.parametrize("form", [False, True])
async def test_signing_in_and_out_is_written_down(house: House, form: bool) -> None:
    user = house.user(Role.ENGINEER)
    asked = {"email": user.email, "password": factories.PASSWORD}
    async with house.client() as browser:
        browser.headers["user-agent"] = "Control room"
        if form:
            await browser.post("/login", data=asked)
            await browser.post("/logout")
        else:
            await browser.post(LOGIN, json=asked)
            await browser.post("/api/auth/logout")
    rows = await written(house)
    assert [line(row) for row in rows] == [
        ("sign_in", user.id, "user", user.id),
        ("sign_out", user.id, "user", user.id),
    ]
    assert {(row.tenant_id, row.ip_address, row.user_agent) for row in rows} == {
        (house.own.tenant.id, "127.0.0.1", "Control room")
    }


async def test_a_failed_sign_in_is_written_down_and_of_a_stranger_not_what_was_typed(house: House) -> None:
    user = house.user(Role.VIEWER)
    async with house.client() as browser:
        await browser.post(LOGIN, json={"email": user.email.upper(), "password": "wrong"})
        await browser.post(LOGIN, json={"email": "nobody@example.com", "password": "wrong"})
    known, unknown = await written(house)
    assert line(known) == ("sign_in_failed", user.id, "user", user.id)
    assert line(unknown) == ("sign_in_failed", None, "user", None)
    assert (unknown.tenant_id, unknown.new_values) == (None, None)


async def test_signing_out_without_a_session_writes_nothing(house: House) -> None:
    async with house.client() as browser:
        await browser.post("/api/auth/logout")
        browser.cookies.set("access_token", "no such token")
        await browser.post("/api/auth/logout")
    assert await written(house) == []


@pytest.mark.parametrize("by_put", [False, True])
@pytest.mark.parametrize(
    ("before", "verb", "after", "action"),
    [
        ("pending_approval", "approve", "open", "work_order_approved"),
        ("completed", "close", "closed", "work_order_closed"),
        ("open", "cancel", "cancelled", "work_order_cancelled"),
    ],
)
async def test_the_moves_of_an_order_are_written_down(
    house: House, before: str, verb: str, after: str, action: str, by_put: bool
) -> None:
    admin = house.user(Role.TENANT_ADMIN)
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = await factories.order(tx, house.own.asset, status=before)
    path = f"/api/work-orders/{order.id}"
    async with house.client(admin) as browser:
        answer = await (
            browser.put(path, json={"status": after}) if by_put else browser.post(f"{path}/{verb}")
        )
    assert answer.status_code == 200
    (row,) = await written(house)
    assert line(row) == (action, admin.id, "work_order", order.id)
    assert (row.old_values, row.new_values) == ({"status": before}, {"status": after})


async def test_a_refused_move_writes_nothing(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = await factories.order(tx, house.own.asset)
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(f"/api/work-orders/{order.id}/close")).status_code == 422
    assert await written(house) == []


async def test_a_new_status_of_an_incident_is_written_down_with_its_id(house: House) -> None:
    owner = house.owner
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
    path, tenant = f"/api/blackbox/incidents/{incident.id}", {"tenant_id": house.own.tenant.id}
    async with house.client(owner) as browser:
        await browser.post(f"{path}/acknowledge", params=tenant)
        await browser.post(f"{path}/acknowledge", params=tenant)
        await browser.put(path, params=tenant, json={"title": "Bearing of P-1"})
        await browser.put(path, params=tenant, json={"status": "RESOLVED"})
    access, *rows = await written(house)
    assert access.action == "platform_access"
    actions = [f"incident_{word}" for word in ("status_changed", "changed", "status_changed")]
    assert [line(row) for row in rows] == [(action, owner.id, "incident", None) for action in actions]
    assert [(row.old_values, row.new_values) for row in rows] == [
        ({"status": "OPEN"}, {"id": str(incident.id), "status": "INVESTIGATING"}),
        ({"title": incident.title}, {"id": str(incident.id), "title": "Bearing of P-1"}),
        ({"status": "INVESTIGATING"}, {"id": str(incident.id), "status": "RESOLVED"}),
    ]
    assert {row.tenant_id for row in rows} == {house.own.tenant.id}


async def test_closing_an_order_writes_down_that_its_incident_is_resolved(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset)
        order = await factories.order(tx, house.own.asset, status="completed", incident_id=str(incident.id))
        gone = await factories.order(tx, house.own.asset, status="completed", incident_id=str(uuid4()))
    async with house.client(Role.TENANT_ADMIN) as browser:
        for row in (order, gone):
            await browser.post(f"/api/work-orders/{row.id}/close")
    actions = [row.action for row in await written(house)]
    assert sorted(actions) == ["incident_status_changed", "work_order_closed", "work_order_closed"]
