"""A platform owner who looks into a tenant, or across them, leaves a line; nobody else does."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from starlette.requests import HTTPConnection

from optria.core.roles import Role
from optria.db.audit_check import check_chain
from optria.db.identity import AuditLog
from optria.kit import clock
from optria.web import sessions
from optria.web.platform_access import PlatformAccess, named_tenant
from optria.web.sessions import Viewer
from tests.web.house import House

Line = tuple[int | None, int | None, str]


async def accesses(house: House) -> list[Line]:
    """Tenant, who, and the first address."""
    async with house.database.platform("test") as tx:
        query = select(AuditLog).where(AuditLog.action == "platform_access").order_by(AuditLog.id)
        return [
            (row.tenant_id, row.user_id, (row.new_values or {})["path"])
            for row in await tx.session.scalars(query)
        ]


async def test_the_first_look_into_each_tenant_is_written_down(house: House) -> None:
    owner, own, other = house.owner.id, house.own.tenant.id, house.other.tenant.id
    async with house.client(Role.PLATFORM_OWNER) as browser:
        for path in (
            "/api/assets/",
            "/api/blackbox/incidents",
            f"/api/assets/?tenant_id={own}",
            f"/api/blackbox/events?tenant_id={own}",
            f"/api/assets/?tenant_id={other}",
        ):
            assert (await browser.get(path)).status_code == 200
    assert await accesses(house) == [
        (None, owner, "/api/assets/"),
        (own, owner, "/api/assets/"),
        (other, owner, "/api/assets/"),
    ]


async def test_the_line_stands_in_the_chain_of_the_tenant(house: House) -> None:
    tenant_id = house.own.tenant.id
    async with house.client(Role.PLATFORM_OWNER) as browser:
        await browser.get(f"/api/assets/?tenant_id={tenant_id}")
    async with house.database.transaction(tenant_id) as tx:
        report = await check_chain(tx, tenant_id)
    assert (report.checked, report.first_bad) == (1, None)


async def test_a_refused_look_is_written_down_too(house: House) -> None:
    path = f"/api/assets/999999?tenant_id={house.own.tenant.id}"
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get(path)).status_code == 404
    assert [line[0] for line in await accesses(house)] == [house.own.tenant.id]


@pytest.mark.parametrize("path", ["/api/assets/?tenant_id=999999", "/api/assets/%00?tenant_id=x"])
async def test_an_address_that_names_no_tenant_is_nobodys(house: House, path: str) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get(path)).status_code < 500
    assert [line[0] for line in await accesses(house)] == [None]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_OWNER])
async def test_people_of_a_tenant_leave_no_such_line(house: House, role: Role) -> None:
    async with house.client(role) as browser:
        await browser.get("/api/assets/")
        await browser.get(f"/api/assets/?tenant_id={house.other.tenant.id}")
    assert await accesses(house) == []


async def test_asking_who_one_is_reaches_no_tenant(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.get("/api/auth/me")).status_code == 200
    assert await accesses(house) == []


async def test_each_session_has_a_line_of_its_own(house: House) -> None:
    for _ in range(2):
        async with house.database.platform("test") as tx:
            token = await sessions.start(tx, house.owner, house.services.settings, "127.0.0.1", "test")
        async with house.client() as browser:
            for _ in range(2):
                await browser.get("/api/assets/", headers={"authorization": f"Bearer {token}"})
    assert len(await accesses(house)) == 2


def connection(path: str = "/api/assets/", query: str = "", **parameters: str) -> HTTPConnection:
    return HTTPConnection(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "path_params": parameters,
            "headers": [(b"host", b"plant.test")],
            "client": ("127.0.0.1", 1),
        }
    )


async def test_the_next_hour_has_a_line_of_its_own(house: House) -> None:
    viewer = Viewer(house.owner.id, None, Role.PLATFORM_OWNER, "", "", "en", uuid4())
    access = PlatformAccess()
    await access.note(house.database, viewer, connection())
    await access.note(house.database, viewer, connection())
    assert len(await accesses(house)) == 1
    access._hour = clock.now() - timedelta(hours=1)
    await access.note(house.database, viewer, connection())
    assert len(await accesses(house)) == 2


@pytest.mark.parametrize(
    ("query", "parameters", "tenant_id"),
    [
        ("", {}, None),
        ("tenant_id=7", {}, 7),
        ("tenant_id=7", {"tenant_id": "8"}, 8),
        ("tenant_id=6&tenant_id=7", {}, 7),
        ("tenant_id=%2B7", {}, 7),
        ("tenant_id=7.0", {}, 7),
        ("tenant_id=%207", {}, 7),
        ("tenant_id=0", {}, None),
        ("tenant_id=9999999999", {}, None),
        ("tenant_id=٣", {}, None),
        ("tenant_id=1 OR 1=1", {}, None),
    ],
)
def test_which_tenant_an_address_names(query: str, parameters: dict[str, str], tenant_id: int | None) -> None:
    assert named_tenant(connection(query=query, **parameters)) == tenant_id
