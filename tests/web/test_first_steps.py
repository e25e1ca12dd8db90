"""The first steps tick themselves, are shown to who may take them, and go when a value has come."""

from dataclasses import dataclass, replace

from optria.core.roles import Role
from optria.db.identity import User
from optria.web.server import create_app
from tests import factories
from tests.web.house import House, Source


@dataclass
class Empty:
    house: House
    admin: User
    engineer: User
    tenant_id: int

    async def seen(self, who: User | None = None) -> list[bool] | None:
        """Which of the five steps are ticked; None where there is no list."""
        async with self.house.client(who or self.admin) as browser:
            text = (await browser.get("/integrations", headers={"Accept": "text/html"})).text
        if 'class="card first-steps"' not in text:
            return None
        steps = text.split('<li class="first-step"')[1:]
        return ["Done:" in step for step in steps]


async def empty(house: House) -> Empty:
    async with house.database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        engineer = await factories.user(tx, tenant.id, Role.ENGINEER)
    links: dict[int, list[Source]] = {}
    services = replace(house.services, links=lambda tenant_id: links.get(tenant_id, []))
    house.app = create_app(services)
    return Empty(house, admin, engineer, tenant.id)


async def test_each_step_ticks_itself_from_what_is_there(house: House) -> None:
    new = await empty(house)
    assert await new.seen() == [False] * 5
    async with house.database.transaction(new.tenant_id) as tx:
        site = await factories.site(tx, new.tenant_id)
    assert await new.seen() == [True, False, False, False, False]
    async with house.database.transaction(new.tenant_id) as tx:
        asset = await factories.asset(tx, site)
        connection = await factories.integration(tx, new.tenant_id)
    assert await new.seen() == [True, True, False, False, False]
    async with house.database.transaction(new.tenant_id) as tx:
        row = await tx.session.merge(connection)
        row.last_sync_status = "success"
        await factories.mapping(tx, row, asset)
    assert await new.seen() == [True, True, True, True, False]


async def test_only_who_may_take_them_sees_them(house: House) -> None:
    new = await empty(house)
    assert await new.seen(new.engineer) is None


async def test_they_are_gone_once_a_value_has_come(house: House) -> None:
    house.own.stream.put(house.sample())
    async with house.client(Role.TENANT_ADMIN) as browser:
        text = (await browser.get("/integrations")).text
    assert "first-steps" not in text
