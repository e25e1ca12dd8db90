"""Every route says who may call it, and tenants stay apart."""

import re
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission, Role, can
from optria.web.deps import require_tenant_access, tenant_to_write
from optria.web.permits import permission_of, routes_of
from optria.web.sessions import Viewer
from tests import factories
from tests.web.house import House


def _viewer(role: Role, tenant_id: int | None) -> Viewer:
    return Viewer(1, tenant_id, role, "", "", "en", uuid4())


PUBLIC = {
    "/",
    "/login",
    "/logout",
    "/health",
    "/health/",
    "/health/live",
    "/health/ready",
    "/api/auth/login",
    "/api/auth/logout",
    "/api/auth/check",
}


async def test_only_these_routes_are_open_to_strangers(house: House) -> None:
    found = {
        route.path
        for route in routes_of(house.app.routes)
        if permission_of(route.dependant) is Permission.PUBLIC
    }
    assert found == PUBLIC


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_gets_in_exactly_where_it_may(house: House, role: Role) -> None:
    """Ids that do not exist: 403 shows that the permission is asked before anything is looked up."""
    wrong = []
    async with house.client(role) as browser:
        for route in routes_of(house.app.routes):
            permission = permission_of(route.dependant)
            if not isinstance(route, APIRoute) or permission in (None, Permission.PUBLIC):
                continue
            assert permission is not None
            for method in sorted(route.methods or ()):
                path = re.sub(r"{\w+}", "999999", route.path)
                answer = await browser.request(method, path)
                if (answer.status_code == 403) == can(role, permission):
                    wrong.append((method, path, answer.status_code))
    assert wrong == []


async def test_a_stranger_gets_in_nowhere(house: House) -> None:
    async with house.client() as browser:
        for route in routes_of(house.app.routes):
            if isinstance(route, APIRoute) and permission_of(route.dependant) is not Permission.PUBLIC:
                for method in sorted(route.methods or ()):
                    path = re.sub(r"{\w+}", "1", route.path)
                    answer = await browser.request(method, path, headers={"accept": "application/json"})
                    assert answer.status_code == 401, path


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_OWNER])
async def test_another_tenants_things_do_not_exist(house: House, role: Role) -> None:
    other = house.other
    async with house.database.transaction(other.tenant.id) as tx:
        event = await factories.event(tx, other.asset)
        layout = await factories.layout(tx, other.site)
        notification = await factories.notification(tx, other.users[Role.ENGINEER])
    paths = [
        f"/api/assets/{other.asset.id}",
        f"/api/assets/{other.asset.id}/ai-scores",
        f"/api/assets/{other.asset.id}/metrics",
        f"/api/blackbox/events/{event.id}",
        f"/api/twins/assets/{other.asset.id}",
        f"/api/twins/assets/{other.asset.id}/metrics",
        f"/api/twins/assets/{other.asset.id}/metrics/vibration/series",
        f"/api/twins/layouts/{layout.id}",
        f"/api/notifications/{notification.id}",
        f"/api/twins/summary?tenant_id={other.tenant.id}",
    ]
    async with house.client(role) as browser:
        for path in paths:
            answer = await browser.get(path)
            assert answer.status_code == 404, path
            assert other.asset.code not in answer.text


async def test_lists_show_the_own_tenant_and_a_platform_owner_sees_all(house: House) -> None:
    codes = {house.own.asset.code, house.other.asset.code}
    async with house.client(Role.TENANT_ADMIN) as browser:
        own = await browser.get("/api/assets/")
    async with house.client(Role.PLATFORM_OWNER) as browser:
        every = await browser.get("/api/assets/")
        chosen = await browser.get(f"/api/assets/?tenant_id={house.other.tenant.id}")
    assert [asset["code"] for asset in own.json()["assets"]] == [house.own.asset.code]
    assert {asset["code"] for asset in every.json()["assets"]} == codes
    assert [asset["code"] for asset in chosen.json()["assets"]] == [house.other.asset.code]


async def test_a_platform_owner_names_the_tenant_to_write(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.post("/api/notifications/mark-all-read")).status_code == 422
        path = f"/api/notifications/mark-all-read?tenant_id={house.own.tenant.id}"
        assert (await browser.post(path)).status_code == 200


def test_tenant_access() -> None:
    require_tenant_access(_viewer(Role.ENGINEER, 3), 3)
    require_tenant_access(_viewer(Role.PLATFORM_OWNER, None), 3)
    for tenant_id in (4, None):
        with pytest.raises(NotFound):
            require_tenant_access(_viewer(Role.TENANT_ADMIN, 3), tenant_id)
    with pytest.raises(Invalid):
        tenant_to_write(_viewer(Role.PLATFORM_OWNER, None), None)


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "99999999999999", "1.5", "%00"])
async def test_malformed_ids_are_refused(house: House, wrong: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        for path in ("/api/assets/", "/api/twins/assets/", "/api/twins/layouts/"):
            assert (await browser.get(path + wrong)).status_code == 422, path
        for path in ("/api/blackbox/events/", "/api/notifications/"):
            assert (await browser.get(path + wrong)).status_code == 422, path
