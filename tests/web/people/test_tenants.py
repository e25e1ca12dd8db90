"""Tenants over HTTP: who may make, see, name and close them."""

import json
from pathlib import Path
from typing import Final

import httpx
import pytest
from sqlalchemy import func, select

from optria.core.roles import Role
from optria.db.identity import AuditLog, Tenant, User
from tests import factories
from tests.web.house import House, fits

SHAPES: Final = json.loads((Path(__file__).parents[1] / "v1_people_shapes.json").read_text("utf-8"))
TENANTS: Final = "/api/tenants/"
NOT_OWNERS: Final = [role for role in Role if role is not Role.PLATFORM_OWNER]
ASKED: Final = {
    "code": "JUBAIL",
    "name": "Jubail Petrochemicals",
    "name_ar": "الجبيل",
    "industry": "Petrochemicals",
    "admin_email": "Plant.Admin@Example.com",
    "admin_name": "Rania Khalil",
}


async def _signed_in(house: House, email: str, password: str) -> int:
    async with house.client() as browser:
        return (
            await browser.post("/api/auth/login", json={"email": email, "password": password})
        ).status_code


async def _me(browser: httpx.AsyncClient) -> int:
    return (await browser.get("/api/auth/me")).status_code


@pytest.mark.clause("G7", "G10")
@pytest.mark.parametrize("route", [name for name in SHAPES if "/api/tenants" in name])
async def test_an_answer_fits_version_1(house: House, route: str) -> None:
    path = route.removeprefix("GET ").replace("/1", f"/{house.own.tenant.id}")
    async with house.client(Role.PLATFORM_OWNER) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 200
    assert fits(SHAPES[route], answer.json()) == []


async def test_a_platform_owner_lists_every_tenant(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        listed = (await browser.get(TENANTS)).json()
    assert {house.own.tenant.code, house.other.tenant.code} <= {tenant["code"] for tenant in listed}


@pytest.mark.parametrize("role", NOT_OWNERS)
async def test_only_a_platform_owner_lists_and_makes_tenants(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        assert (await browser.get(TENANTS)).status_code == 403
        assert (await browser.post(TENANTS, json=ASKED)).status_code == 403


@pytest.mark.parametrize("role", list(Role))
async def test_ones_own_tenant_is_seen_and_another_one_by_owners_alone(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        own = await browser.get(f"{TENANTS}{house.own.tenant.id}")
        other = await browser.get(f"{TENANTS}{house.other.tenant.id}")
        none = await browser.get(f"{TENANTS}999999")
    assert (own.status_code, none.status_code) == (200, 404)
    assert other.status_code == (200 if role is Role.PLATFORM_OWNER else 404)


async def test_an_owner_who_looks_at_a_tenant_is_written_down(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        await browser.get(f"{TENANTS}{house.own.tenant.id}")
    async with house.client(Role.VIEWER) as browser:
        await browser.get(f"{TENANTS}{house.own.tenant.id}")
    async with house.database.platform("test") as tx:
        (line,) = (await tx.session.scalars(select(AuditLog))).all()
    assert (line.action, line.tenant_id, line.user_id) == (
        "platform_access",
        house.own.tenant.id,
        house.owner.id,
    )


async def test_settings_are_shown_to_those_who_manage_alone(house: House) -> None:
    async with house.database.platform("test") as tx:
        tenant = await tx.session.get_one(Tenant, house.own.tenant.id)
        tenant.settings = {"mail_from": "plant@example.com"}
    seen = {}
    for role in Role:
        async with house.client(role) as browser:
            seen[role] = (await browser.get(f"{TENANTS}{house.own.tenant.id}")).json()["settings"]
    managers = {role for role, settings in seen.items() if settings}
    assert managers == {Role.TENANT_ADMIN, Role.PLATFORM_OWNER}


async def test_a_new_tenant_has_an_administrator_who_gets_in(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        answer = await browser.post(TENANTS, json=ASKED)
    made, credentials = answer.json()["tenant"], answer.json()["admin_credentials"]
    assert answer.json()["success"] is True
    assert (made["code"], made["name_ar"], made["status"]) == ("JUBAIL", "الجبيل", "active")
    assert credentials["email"] == "plant.admin@example.com"
    assert await _signed_in(house, credentials["email"], credentials["password"]) == 200
    async with house.database.platform("test") as tx:
        admin = (await tx.session.scalars(select(User).where(User.email == credentials["email"]))).one()
        deeds = (
            await tx.session.scalars(
                select(AuditLog).where(AuditLog.tenant_id == made["id"]).order_by(AuditLog.id).limit(2)
            )
        ).all()
    assert (admin.role, admin.tenant_id, admin.full_name) == ("tenant_admin", made["id"], "Rania Khalil")
    assert [deed.action for deed in deeds] == ["tenant_added", "user_added"]
    assert {deed.user_id for deed in deeds} == {house.owner.id}
    assert credentials["password"] not in str([(deed.old_values, deed.new_values) for deed in deeds])


async def test_a_new_tenant_begins_with_the_causal_rules_for_machines(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        made = (await browser.post(TENANTS, json=ASKED)).json()["tenant"]
        rules = await browser.get(f"/api/config/rules?limit=500&tenant_id={made['id']}")
    names = {rule["name"] for rule in rules.json()["items"]}
    assert {"High vibration", "High temperature with low flow"} <= names


async def test_a_tenant_and_its_administrator_are_made_together_or_not_at_all(house: House) -> None:
    taken = house.other.users[Role.VIEWER].email.upper()
    async with house.client(Role.PLATFORM_OWNER) as browser:
        refused = await browser.post(TENANTS, json=ASKED | {"admin_email": taken})
    async with house.database.platform("test") as tx:
        made = await tx.session.scalar(select(func.count(Tenant.id)).where(Tenant.code == "JUBAIL"))
    assert (refused.status_code, made) == (409, 0)
    assert house.other.tenant.code not in refused.text
    assert house.other.tenant.name not in refused.text


async def test_a_code_is_taken_once_in_whatever_letter_case(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        first = await browser.post(TENANTS, json=ASKED)
        again = await browser.post(TENANTS, json=ASKED | {"code": "Jubail", "admin_email": "b@example.com"})
    assert (first.status_code, again.status_code) == (200, 409)
    assert "code Jubail" in again.json()["detail"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": " "},
        {"code": "x" * 51},
        {"name": ""},
        {"name": None},
        {"industry": "x" * 101},
        {"admin_email": "nobody"},
        {"admin_email": "a@b@c"},
        {"admin_email": "a b@example.com"},
        {"admin_email": "a@example.com\nBcc: b@example.com"},
        {"admin_email": "<a@example.com>"},
        {"admin_email": "a@" + "x" * 260},
        {"admin_name": "\u0000"},
    ],
)
async def test_a_tenant_without_what_it_needs_is_refused(house: House, wrong: dict[str, object]) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.post(TENANTS, json=ASKED | wrong)).status_code == 422


@pytest.mark.parametrize("role", list(Role))
async def test_who_manages_its_people_names_a_tenant(house: House, role: Role) -> None:
    names = {"name": "Abqaiq", "name_ar": "بقيق", "industry": None}
    async with house.client(role) as browser:
        answer = await browser.put(f"{TENANTS}{house.own.tenant.id}", json=names)
        elsewhere = await browser.put(f"{TENANTS}{house.other.tenant.id}", json=names)
        nowhere = await browser.put(f"{TENANTS}999999", json=names)
    if role not in (Role.TENANT_ADMIN, Role.PLATFORM_OWNER):
        assert {answer.status_code, elsewhere.status_code, nowhere.status_code} == {403}
        return
    assert answer.json()["success"] is True
    assert answer.json()["tenant"]["name"] == "Abqaiq"
    assert answer.json()["tenant"]["industry"] is None
    assert elsewhere.status_code == (200 if role is Role.PLATFORM_OWNER else 404)
    assert nowhere.status_code == 404


async def test_only_what_is_sent_changes_and_is_written_down(house: House) -> None:
    path, before = f"{TENANTS}{house.own.tenant.id}", house.own.tenant.name
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.put(path, json={"industry": "Oil & Gas"})
        await browser.put(path, json={"industry": "Oil & Gas"})
    assert answer.json()["tenant"]["name"] == before
    async with house.database.platform("test") as tx:
        (deed,) = (await tx.session.scalars(select(AuditLog))).all()
    assert (deed.action, deed.tenant_id, deed.entity_id) == (
        "tenant_changed",
        house.own.tenant.id,
        house.own.tenant.id,
    )
    assert (deed.old_values, deed.new_values) == ({"industry": None}, {"industry": "Oil & Gas"})


@pytest.mark.parametrize("wrong", [{"name": None}, {"status": None}, {"status": "closed"}, {"name": " "}])
async def test_what_a_tenant_always_has_cannot_be_emptied(house: House, wrong: dict[str, object]) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        answer = await browser.put(f"{TENANTS}{house.own.tenant.id}", json=wrong)
    assert answer.status_code == 422


async def test_a_tenants_own_administrator_does_not_close_it(house: House) -> None:
    path = f"{TENANTS}{house.own.tenant.id}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        refused = await browser.put(path, json={"name": "Renamed", "status": "suspended"})
        unchanged = (await browser.get(path)).json()
        same = await browser.put(path, json={"status": "active"})
    assert (refused.status_code, same.status_code) == (403, 200)
    assert (unchanged["name"], unchanged["status"]) == (house.own.tenant.name, "active")


@pytest.mark.parametrize("status", ["suspended", "inactive"])
async def test_a_closed_tenants_people_are_out_and_stay_out_until_they_sign_in_anew(
    house: House, status: str
) -> None:
    path = f"{TENANTS}{house.own.tenant.id}"
    async with (
        house.client(Role.ENGINEER) as engineer,
        house.client(house.other.users[Role.ENGINEER]) as elsewhere,
        house.client(Role.PLATFORM_OWNER) as owner,
    ):
        assert await _me(engineer) == 200
        assert (await owner.put(path, json={"status": status})).status_code == 200
        closed = [await _me(person) for person in (engineer, elsewhere, owner)]
        await owner.put(path, json={"status": "active"})
        opened = await _me(engineer)
    assert closed == [401, 200, 200]
    assert opened == 401
    email = house.user(Role.ENGINEER).email
    assert await _signed_in(house, email, factories.PASSWORD) == 200


@pytest.mark.parametrize("role", list(Role))
async def test_the_people_of_a_tenant_are_listed_for_those_who_manage_them(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        own = await browser.get(f"{TENANTS}{house.own.tenant.id}/users")
        other = await browser.get(f"{TENANTS}{house.other.tenant.id}/users")
    if role not in (Role.TENANT_ADMIN, Role.PLATFORM_OWNER):
        assert (own.status_code, other.status_code) == (403, 403)
        return
    assert {user["id"] for user in own.json()} == {user.id for user in house.own.users.values()}
    assert "password" not in own.text
    assert other.status_code == (200 if role is Role.PLATFORM_OWNER else 404)


async def test_the_people_of_no_tenant_are_not_found(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get(f"{TENANTS}999999/users")).status_code == 404
