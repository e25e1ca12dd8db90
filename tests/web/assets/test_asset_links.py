"""The lines between assets."""

from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.configuration import load_plant
from optria.db.identity import AuditLog
from optria.db.plant import AssetRow
from tests import factories
from tests.web.house import House


@pytest.fixture
async def second(house: House) -> AssetRow:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.asset(tx, house.own.site)


async def _send(house: House, method: str, path: str, body: object = None) -> Any:
    async with house.client(Role.TENANT_ADMIN) as browser:
        return await browser.request(method, f"/api/assets/links{path}", json=body)


def _ends(source: AssetRow, target: AssetRow) -> dict[str, int]:
    return {"source_asset_id": source.id, "target_asset_id": target.id}


async def test_a_line_is_added_listed_and_removed(house: House, second: AssetRow) -> None:
    first = house.own.asset
    made = (await _send(house, "POST", "", _ends(first, second))).json()["link"]
    async with house.database.transaction(house.own.tenant.id) as tx:
        plant = await load_plant(tx, house.own.tenant.id)
    async with house.client(Role.VIEWER) as browser:
        listed = (await browser.get(f"/api/assets/links?site_id={house.own.site.id}")).json()
        elsewhere = (await browser.get(f"/api/assets/links?site_id={house.other.site.id}")).json()
    removed = await _send(house, "DELETE", f"/{made['id']}")
    assert plant.neighbours(first.id) == {second.id}
    assert listed == {"links": [made], "total": 1}
    assert (made["source_code"], made["target_code"]) == (first.code, second.code)
    assert elsewhere["total"] == 0
    assert (removed.status_code, (await _send(house, "GET", "")).json()["total"]) == (200, 0)
    assert (await _send(house, "DELETE", f"/{made['id']}")).status_code == 404
    async with house.database.transaction(house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert [action for action in actions if "link" in action] == ["link_added", "link_removed"]


async def test_a_recycle_line_is_allowed_a_double_and_a_self_are_not(house: House, second: AssetRow) -> None:
    first = house.own.asset
    forth = await _send(house, "POST", "", _ends(first, second))
    back = await _send(house, "POST", "", _ends(second, first))
    again = await _send(house, "POST", "", _ends(first, second))
    itself = await _send(house, "POST", "", _ends(first, first))
    statuses = [answer.status_code for answer in (forth, back, again, itself)]
    assert statuses == [200, 200, 409, 422]


async def test_another_tenants_asset_is_no_end_of_a_line(house: House) -> None:
    for ends in (_ends(house.own.asset, house.other.asset), _ends(house.other.asset, house.own.asset)):
        assert (await _send(house, "POST", "", ends)).status_code == 404
    async with house.database.transaction(house.other.tenant.id) as tx:
        theirs = await factories.link(tx, house.other.asset, await factories.asset(tx, house.other.site))
    assert (await _send(house, "DELETE", f"/{theirs.id}")).status_code == 404
    assert (await _send(house, "GET", "")).json()["total"] == 0
