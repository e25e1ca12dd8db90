"""The registers show what a tenant has, to those who may see it."""

from dataclasses import replace

import pytest

from optria.core.roles import Role
from optria.web.server import create_app
from tests import factories
from tests.web.house import House, Source

MAY = {
    "/assets": set(Role),
    "/integrations": set(Role) - {Role.VIEWER},
    "/users": {Role.TENANT_ADMIN, Role.PLATFORM_OWNER},
    "/admin/tenants": {Role.PLATFORM_OWNER},
}


@pytest.mark.parametrize("path", MAY)
async def test_a_register_is_open_to_those_who_may(house: House, path: str) -> None:
    for role in Role:
        async with house.client(role) as browser:
            answer = await browser.get(path)
        assert (answer.status_code == 200) == (role in MAY[path]), role


@pytest.mark.clause("G10")
async def test_each_shows_the_own_tenants_things_only(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset, title="Seal leak on the pump")
    async with house.client(Role.TENANT_ADMIN) as browser:
        assets = (await browser.get("/assets")).text
        sources = (await browser.get("/integrations")).text
        people = (await browser.get("/users")).text
    assert house.own.asset.code in assets
    assert house.other.asset.code not in assets
    assert f'href="/blackbox/incidents/{incident.id}"' in assets
    assert house.own.integration.name in sources
    assert "connected" in sources
    assert house.other.integration.name not in sources
    assert house.user(Role.ENGINEER).email in people
    assert house.other.users[Role.ENGINEER].email not in people


@pytest.mark.clause("C3")
async def test_a_connected_source_says_which_tag_it_lacks(house: House) -> None:
    sentence = "The server has no node ns=2;s=P-102B.NOPE; the other signals are read."
    number = house.own.integration.id
    links = [Source(number, "OPC UA", warning=sentence)]
    house.app = create_app(replace(house.services, links=lambda _tenant: links))
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get("/integrations")).text
    async with house.client(Role.PLATFORM_OWNER) as browser:
        state = (await browser.get("/health/internal/config/status")).json()["integrations"]
    assert sentence in page
    assert state[str(house.own.tenant.id)][0]["warning"] == sentence


async def test_a_platform_owner_sees_every_tenant(house: House) -> None:
    async with house.client(Role.PLATFORM_OWNER) as browser:
        answer = await browser.get("/admin/tenants")
    assert house.own.tenant.code in answer.text
    assert house.other.tenant.code in answer.text


async def test_a_viewer_is_offered_what_a_viewer_may_open(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        page = (await browser.get("/assets?lang=ar")).text
    assert 'href="/integrations"' not in page
    assert 'href="/work-orders"' not in page
    assert "الأصول" in page
