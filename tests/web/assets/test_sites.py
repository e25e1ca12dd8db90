"""Sites over HTTP."""

from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from tests.web.house import House, fits

SHAPE = {
    "id": "int",
    "tenant_id": "int",
    "code": "str",
    "name": "str",
    "name_ar": "str",
    "location": "str",
    "site_type": "str",
    "is_active": "bool",
}


async def _send(house: House, method: str, path: str, body: object = None) -> Any:
    async with house.client(Role.TENANT_ADMIN) as browser:
        return await browser.request(method, path, json=body)


async def test_a_site_is_added_and_listed(house: House) -> None:
    body = {"code": "PLANT-Z", "name": "Yanbu", "name_ar": "ينبع", "location": "Yanbu", "site_type": "port"}
    made = (await _send(house, "POST", "/api/assets/sites", body)).json()
    listed = (await _send(house, "GET", "/api/assets/sites")).json()
    assert fits({"success": "bool", "site": SHAPE}, made) == []
    assert made["site"]["time_zone"] == "Asia/Riyadh"
    assert made["site"]["code"] in [site["code"] for site in listed]
    assert house.other.site.code not in [site["code"] for site in listed]


async def test_a_change_is_audited(house: House) -> None:
    path = f"/api/assets/sites/{house.own.site.id}"
    answer = await _send(house, "PUT", path, {"name": "Renamed", "time_zone": "Asia/Dubai"})
    assert (answer.json()["site"]["name"], answer.json()["site"]["time_zone"]) == ("Renamed", "Asia/Dubai")
    async with house.database.transaction(house.own.tenant.id) as tx:
        line = (await tx.session.scalars(select(AuditLog).where(AuditLog.action == "site_changed"))).one()
    assert line.new_values == {"name": "Renamed", "time_zone": "Asia/Dubai"}


async def test_a_code_is_unique(house: House) -> None:
    body = {"code": house.own.site.code, "name": "Again"}
    assert (await _send(house, "POST", "/api/assets/sites", body)).status_code == 409
    made = (await _send(house, "POST", "/api/assets/sites", {"code": "Q", "name": "Q"})).json()["site"]
    path = f"/api/assets/sites/{made['id']}"
    assert (await _send(house, "PUT", path, {"code": house.own.site.code})).status_code == 409
    assert (await _send(house, "PUT", path, {"code": "Q"})).status_code == 200


async def test_a_site_with_assets_stays_in_use(house: House) -> None:
    path = f"/api/assets/sites/{house.own.site.id}"
    assert (await _send(house, "PUT", path, {"is_active": False})).status_code == 409
    made = (await _send(house, "POST", "/api/assets/sites", {"code": "Q", "name": "Q"})).json()["site"]
    await _send(house, "PUT", f"/api/assets/sites/{made['id']}", {"is_active": False})
    listed = (await _send(house, "GET", "/api/assets/sites")).json()
    assert [site["code"] for site in listed] == [house.own.site.code]


async def test_another_tenants_site_does_not_exist(house: House) -> None:
    path = f"/api/assets/sites/{house.other.site.id}"
    assert (await _send(house, "PUT", path, {"name": "Mine"})).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [{"code": ""}, {"code": "x" * 51}, {"time_zone": "Mars/Olympus"}, {"time_zone": "../etc"}, {"name": 7}],
)
async def test_what_makes_no_sense_is_refused(house: House, fields: dict[str, object]) -> None:
    body = {"code": "Q", "name": "Q"} | fields
    assert (await _send(house, "POST", "/api/assets/sites", body)).status_code == 422
