"""The people of a tenant over HTTP: who may add and change whom, and what ends with it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import select, update

from optria.core.roles import Role
from optria.db.identity import AuditLog, User
from optria.db.requests import RequestKey
from tests import factories
from tests.web.house import House, fits

SHAPES: Final = json.loads((Path(__file__).parents[1] / "v1_people_shapes.json").read_text("utf-8"))
USERS: Final = "/api/tenant-users/"
MANAGERS: Final = (Role.TENANT_ADMIN, Role.PLATFORM_OWNER)
ASKED: Final[dict[str, object]] = {
    "email": "Nora.Saleh@Example.com",
    "username": "nora",
    "full_name": "Nora Saleh",
    "full_name_ar": "نورة صالح",
    "role": "engineer",
}
GOOD: Final = "three pumps and a tank"


async def _sign_in(house: House, email: str, password: str) -> int:
    async with house.client() as browser:
        asked = {"email": email, "password": password}
        return (await browser.post("/api/auth/login", json=asked)).status_code


async def _me(browser: httpx.AsyncClient) -> int:
    return (await browser.get("/api/auth/me")).status_code


async def _deeds(house: House) -> Sequence[AuditLog]:
    """What is written down, but for that a platform owner came in."""
    deeds = select(AuditLog).where(AuditLog.action != "platform_access").order_by(AuditLog.id)
    async with house.database.platform("test") as tx:
        return (await tx.session.scalars(deeds)).all()


async def _stored(house: House, user_id: int) -> User:
    async with house.database.platform("test") as tx:
        return await tx.session.get_one(User, user_id)


@pytest.mark.clause("G7", "G10")
@pytest.mark.parametrize("route", [name for name in SHAPES if "/api/tenant-users" in name])
async def test_an_answer_fits_version_1(house: House, route: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.get(route.removeprefix("GET "))
    assert answer.status_code == 200
    assert fits(SHAPES[route], answer.json()) == []


def _requests(user_id: int) -> list[tuple[str, str, dict[str, object] | None]]:
    return [
        ("GET", USERS, None),
        ("GET", f"{USERS}roles/available", None),
        ("POST", USERS, ASKED),
        ("GET", f"{USERS}{user_id}", None),
        ("PUT", f"{USERS}{user_id}", {"full_name": "Nora"}),
        ("POST", f"{USERS}{user_id}/reset-password", {}),
        ("DELETE", f"{USERS}{user_id}", None),
    ]


@pytest.mark.parametrize("role", [role for role in Role if role not in MANAGERS])
async def test_who_does_not_manage_people_gets_in_nowhere(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        for method, path, body in _requests(house.user(Role.VIEWER).id):
            assert (await browser.request(method, path, json=body)).status_code == 403, path


@pytest.mark.parametrize("role", MANAGERS)
async def test_who_manages_people_gets_in_everywhere(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        for method, path, body in _requests(house.user(Role.VIEWER).id):
            query = {"tenant_id": house.own.tenant.id} if path == USERS and method == "POST" else {}
            answer = await browser.request(method, path, json=body, params=query)
            assert answer.status_code == 200, answer.text


async def test_somebody_of_another_tenant_does_not_exist(house: House) -> None:
    stranger = house.other.users[Role.VIEWER]
    requests = _requests(stranger.id)[3:] + _requests(house.owner.id)[3:] + _requests(999_999)[3:]
    async with house.client(Role.TENANT_ADMIN) as browser:
        for method, path, body in requests:
            assert (await browser.request(method, path, json=body)).status_code == 404, path
        for method, path, body in _requests(stranger.id):
            query = {"tenant_id": house.other.tenant.id}
            answer = await browser.request(method, path, json=body, params=query)
            assert answer.status_code == (200 if path.endswith("available") else 404), path
    assert (await _stored(house, stranger.id)).is_active
    assert await _deeds(house) == []


async def test_lists_are_filtered_searched_and_paged(house: House) -> None:
    engineer = house.user(Role.ENGINEER)
    async with house.database.platform("test") as tx:
        await factories.user(tx, house.own.tenant.id, Role.VIEWER, is_active=False, username="100%_gone")

    async with house.client(Role.TENANT_ADMIN) as browser:

        async def listed(**query: object) -> dict[str, Any]:
            answer: dict[str, Any] = (await browser.get(USERS, params=dict(query))).json()  # type: ignore[arg-type]
            return answer

        everybody = await listed()
        assert {user["tenant_id"] for user in everybody["users"]} == {house.own.tenant.id}
        assert (everybody["total"], everybody["skip"], everybody["limit"]) == (5, 0, 100)
        assert [user["id"] for user in (await listed(role="engineer"))["users"]] == [engineer.id]
        assert (await listed(is_active="false"))["total"] == 1
        assert (await listed(is_active="true"))["total"] == 4
        assert (await listed(search=engineer.email.upper()))["total"] == 1
        assert (await listed(search="100%_g"))["total"] == 1
        assert (await listed(search="%"))["total"] == 1
        assert (await listed(search="' OR 1=1 --"))["total"] == 0
        page = await listed(skip=1, limit=2)
        assert [user["id"] for user in page["users"]] == [user["id"] for user in everybody["users"][1:3]]
        assert (await browser.get(USERS, params={"role": "king"})).status_code == 422


async def test_a_platform_owner_lists_all_people_or_one_tenants(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        every = (await browser.get(USERS)).json()["users"]
        chosen = (await browser.get(USERS, params={"tenant_id": house.other.tenant.id})).json()["users"]
    assert {user["tenant_id"] for user in every} >= {None, house.own.tenant.id, house.other.tenant.id}
    assert {user["tenant_id"] for user in chosen} == {house.other.tenant.id}


async def test_a_person_with_a_password_made_up_gets_in(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, json=ASKED)
        shown = await browser.get(f"{USERS}{answer.json()['id']}")
    made = answer.json()
    assert (made["email"], made["role"], made["tenant_id"]) == (
        "nora.saleh@example.com",
        "engineer",
        house.own.tenant.id,
    )
    assert "new_password" not in shown.json()
    assert await _sign_in(house, "NORA.saleh@example.com", made["new_password"]) == 200
    deed = (await _deeds(house))[0]
    assert (deed.action, deed.user_id, deed.entity_id) == (
        "user_added",
        house.user(Role.TENANT_ADMIN).id,
        made["id"],
    )
    assert made["new_password"] not in str(deed.new_values)


async def test_an_address_of_this_machine_is_one(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, json=ASKED | {"email": "nora@localhost"})
    assert answer.json()["email"] == "nora@localhost"


async def test_a_refusal_is_said_in_our_words_alone(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, json=ASKED | {"email": "nora@plant"})
    (said,) = answer.json()["detail"]
    assert said["msg"] == "an e-mail address such as name@example.com is needed"
    assert said["loc"] == ["body", "email"]


async def test_a_password_that_was_chosen_is_not_repeated(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, json=ASKED | {"password": GOOD})
    assert answer.json()["new_password"] is None
    assert await _sign_in(house, "nora.saleh@example.com", GOOD) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nora"},
        {"email": "nora@plant"},
        {"email": "nora@plant..example"},
        {"email": "nora@.example"},
        {"username": " "},
        {"username": "x" * 101},
        {"full_name": None},
        {"role": "king"},
        {"role": None},
        {"password": "short"},
        {"password": "Password123"},
        {"password": "nora.saleh@example.com"},
        {"password": "x" * 1_001},
    ],
)
async def test_an_account_that_cannot_be_is_refused(house: House, wrong: dict[str, object]) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.post(USERS, json=ASKED | wrong)).status_code == 422


async def test_an_address_is_taken_across_tenants_without_telling_whose(house: House) -> None:
    async with house.database.platform("test") as tx:
        await factories.user(tx, house.other.tenant.id, email="Taken@Example.com")
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, json=ASKED | {"email": "tAKEN@example.com"})
    assert answer.status_code == 409
    assert answer.json() == {
        "detail": "There is an account with the e-mail address taken@example.com already."
    }


async def test_a_user_name_is_taken_once_in_a_tenant(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser, house.client(Role.PLATFORM_OWNER) as owner:
        await browser.post(USERS, json=ASKED)
        again = await browser.post(USERS, json=ASKED | {"email": "b@example.com", "username": "NORA"})
        elsewhere = await owner.post(
            USERS, json=ASKED | {"email": "c@example.com"}, params={"tenant_id": house.other.tenant.id}
        )
    assert (again.status_code, elsewhere.status_code) == (409, 200)


async def test_nobody_gives_a_role_above_their_own(house: House) -> None:
    viewer = house.user(Role.VIEWER)
    async with house.client(Role.TENANT_ADMIN) as browser:
        offered = (await browser.get(f"{USERS}roles/available")).json()["roles"]
        made = await browser.post(USERS, json=ASKED | {"role": "platform_owner"})
        raised = await browser.put(f"{USERS}{viewer.id}", json={"role": "platform_owner"})
    async with house.client(Role.PLATFORM_OWNER) as browser:
        all_roles = (await browser.get(f"{USERS}roles/available")).json()["roles"]
    assert offered == ["viewer", "engineer", "optimization_engineer", "tenant_admin"]
    assert all_roles == [*offered, "platform_owner"]
    assert (made.status_code, raised.status_code) == (403, 403)
    assert (await _stored(house, viewer.id)).role == "viewer"


async def test_an_account_above_ones_own_is_not_touched(house: House) -> None:
    """Version 1 could have platform owners with a tenant: its administrator must not become one of them."""
    async with house.database.platform("test") as tx:
        owner = await factories.user(tx, house.own.tenant.id, Role.PLATFORM_OWNER)
    async with house.client(Role.TENANT_ADMIN) as browser:
        for method, path, body in _requests(owner.id)[4:]:
            assert (await browser.request(method, path, json=body)).status_code == 403, path
    assert (await _stored(house, owner.id)).password_hash == factories.PASSWORD_HASH


async def test_a_platform_owner_belongs_to_no_tenant(house: House) -> None:
    owner = ASKED | {"role": "platform_owner"}
    async with house.client(Role.PLATFORM_OWNER) as browser:
        in_tenant = await browser.post(USERS, json=owner, params={"tenant_id": house.own.tenant.id})
        raised = await browser.put(f"{USERS}{house.user(Role.VIEWER).id}", json={"role": "platform_owner"})
        nowhere = await browser.post(USERS, json=ASKED)
        no_tenant = await browser.post(USERS, json=ASKED, params={"tenant_id": 999_999})
        made = await browser.post(USERS, json=owner)
        lowered = await browser.put(f"{USERS}{made.json()['id']}", json={"role": "viewer"})
    statuses = [each.status_code for each in (in_tenant, raised, nowhere, no_tenant, made, lowered)]
    assert statuses == [422, 422, 422, 404, 200, 422]
    assert made.json()["tenant_id"] is None


async def test_a_platform_owner_changes_people_of_any_tenant_by_their_id(house: House) -> None:
    stranger = house.other.users[Role.VIEWER]
    async with house.client(Role.PLATFORM_OWNER) as browser:
        answer = await browser.put(f"{USERS}{stranger.id}", json={"role": "engineer"})
        wrong = await browser.put(
            f"{USERS}{stranger.id}", json={"role": "viewer"}, params={"tenant_id": house.own.tenant.id}
        )
    assert (answer.json()["role"], wrong.status_code) == ("engineer", 404)
    (deed,) = await _deeds(house)
    assert (deed.action, deed.tenant_id, deed.user_id) == (
        "user_changed",
        house.other.tenant.id,
        house.owner.id,
    )
    assert (deed.old_values, deed.new_values) == ({"role": "viewer"}, {"role": "engineer"})


async def test_only_what_is_sent_changes(house: House) -> None:
    user = house.user(Role.VIEWER)
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.put(f"{USERS}{user.id}", json={"full_name_ar": None})
        again = await browser.put(f"{USERS}{user.id}", json={"full_name": user.full_name})
        refused = [
            (await browser.put(f"{USERS}{user.id}", json={name: None})).status_code
            for name in ("role", "is_active")
        ]
    assert (answer.json()["full_name_ar"], answer.json()["full_name"]) == (None, user.full_name)
    assert (again.status_code, refused) == (200, [422, 422])
    assert [deed.action for deed in await _deeds(house)] == ["user_changed"]


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"is_active": False}])
async def test_a_new_role_or_state_ends_the_persons_sessions(house: House, change: dict[str, object]) -> None:
    engineer = house.user(Role.ENGINEER)
    async with house.client(engineer) as person, house.client(Role.TENANT_ADMIN) as admin:
        assert await _me(person) == 200
        await admin.put(f"{USERS}{engineer.id}", json={"full_name": "Still here"})
        assert await _me(person) == 200
        await admin.put(f"{USERS}{engineer.id}", json=change)
        assert await _me(person) == 401
        assert await _me(admin) == 200


async def test_who_is_deactivated_stays_on_record_and_out_until_activated(house: House) -> None:
    engineer = house.user(Role.ENGINEER)
    async with house.client(engineer) as person, house.client(Role.TENANT_ADMIN) as admin:
        gone = await admin.delete(f"{USERS}{engineer.id}")
        shown = await admin.get(f"{USERS}{engineer.id}")
        assert await _me(person) == 401
        assert await _sign_in(house, engineer.email, factories.PASSWORD) == 401
        await admin.put(f"{USERS}{engineer.id}", json={"is_active": True})
        assert await _me(person) == 401
    assert gone.json() == {"message": "User deactivated successfully", "user_id": engineer.id}
    assert shown.json()["is_active"] is False
    assert await _sign_in(house, engineer.email, factories.PASSWORD) == 200
    actions = [deed.action for deed in await _deeds(house)]
    assert actions == ["user_deactivated", "sign_in_failed", "user_changed", "sign_in"]


@pytest.mark.parametrize("role", MANAGERS)
async def test_nobody_demotes_or_deactivates_themselves(house: House, role: Role) -> None:
    me = house.user(role)
    async with house.database.platform("test") as tx:
        await factories.user(tx, me.tenant_id, role)
    async with house.client(role) as browser:
        demoted = await browser.put(f"{USERS}{me.id}", json={"role": "viewer"})
        closed = await browser.put(f"{USERS}{me.id}", json={"is_active": False})
        deleted = await browser.delete(f"{USERS}{me.id}")
        named = await browser.put(f"{USERS}{me.id}", json={"full_name": "Me", "role": role.value})
    assert [demoted.status_code, closed.status_code, deleted.status_code, named.status_code] == [
        422 if role is Role.PLATFORM_OWNER else 403,
        403,
        403,
        200,
    ]


async def test_the_last_administrator_of_a_tenant_stays(house: House) -> None:
    admin = house.user(Role.TENANT_ADMIN)
    requests: list[tuple[str, dict[str, object] | None]] = [
        ("PUT", {"role": "engineer"}),
        ("PUT", {"is_active": False}),
        ("DELETE", None),
    ]
    async with house.database.platform("test") as tx:
        second = await factories.user(tx, house.own.tenant.id, Role.TENANT_ADMIN, is_active=False)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        for method, body in requests:
            answer = await browser.request(method, f"{USERS}{admin.id}", json=body)
            assert answer.status_code == 409, answer.text
        await browser.put(f"{USERS}{second.id}", json={"is_active": True})
        assert (await browser.delete(f"{USERS}{admin.id}")).status_code == 200
        assert (await browser.delete(f"{USERS}{second.id}")).status_code == 409
        assert (await browser.delete(f"{USERS}{admin.id}")).status_code == 200


async def test_a_password_is_reset_to_one_made_up_or_chosen(house: House) -> None:
    engineer = house.user(Role.ENGINEER)
    path = f"{USERS}{engineer.id}/reset-password"
    async with house.client(engineer) as person, house.client(Role.TENANT_ADMIN) as admin:
        made_up = (await admin.post(path, json={})).json()
        assert await _me(person) == 401
        assert await _sign_in(house, engineer.email, factories.PASSWORD) == 401
        assert await _sign_in(house, engineer.email, made_up["new_password"]) == 200
        chosen = (await admin.post(path, json={"new_password": GOOD})).json()
        without_body = (await admin.post(path)).json()
        weak = await admin.post(path, json={"new_password": "Password123"})
    assert chosen == {
        "message": "Password reset successfully",
        "user_id": engineer.id,
        "new_password": None,
    }
    assert weak.status_code == 422
    assert await _sign_in(house, engineer.email, without_body["new_password"]) == 200
    deeds = await _deeds(house)
    assert [deed.action for deed in deeds].count("password_reset") == 3
    assert GOOD not in str([(deed.old_values, deed.new_values) for deed in deeds])


async def test_a_password_is_not_kept_for_a_repeated_request(house: House) -> None:
    """Neither what was made up nor a hash of what was chosen, whatever key comes with the request."""
    engineer = house.user(Role.ENGINEER)
    path = f"{USERS}{engineer.id}/reset-password"
    async with house.client(Role.TENANT_ADMIN) as admin:
        for key, body in (("a", {}), ("a", {}), ("b", {"new_password": GOOD})):
            answer = await admin.post(path, json=body, headers={"Idempotency-Key": key})
            assert answer.status_code == 200
        answer = await admin.post(USERS, json=ASKED, headers={"Idempotency-Key": "c"})
        assert answer.status_code == 200
        await admin.put(f"{USERS}{engineer.id}", json={}, headers={"Idempotency-Key": "d"})
    async with house.database.platform("test") as tx:
        assert list(await tx.session.scalars(select(RequestKey.key))) == ["d"]


async def test_an_unknown_role_of_version_1_counts_as_viewer(house: House) -> None:
    user = house.user(Role.VIEWER)
    async with house.database.platform("test") as tx:
        await tx.session.execute(update(User).where(User.id == user.id).values(role="operator"))
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.put(f"{USERS}{user.id}", json={"role": "viewer"})
    assert answer.json()["role"] == "viewer"


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a\u0000b", "'; DROP TABLE users --", "\ud800x"]
)
async def test_odd_text_in_names_is_inert(house: House, text: str) -> None:
    body = json.dumps(ASKED | {"username": text, "full_name": text})
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(USERS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "\u0000" not in answer.json()["full_name"]
