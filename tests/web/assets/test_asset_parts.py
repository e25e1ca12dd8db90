"""Parts of an asset and its ways to fail: added, changed, removed, and kept apart."""

from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from tests.web.house import House


async def _send(house: House, method: str, path: str, body: object = None) -> Any:
    async with house.client(Role.TENANT_ADMIN) as browser:
        return await browser.request(method, f"/api/assets/{path}", json=body)


async def _part(house: House, **fields: object) -> Any:
    path, body = f"{house.own.asset.id}/components", {"code": "BRG", "name": "Bearing"} | fields
    answer = await _send(house, "POST", path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()["component"]


async def _mode(house: House, **fields: object) -> Any:
    path, body = f"{house.own.asset.id}/failure-modes", {"code": "FM-1", "name": "Wear"} | fields
    return await _send(house, "POST", path, body)


async def test_a_part_lives(house: House) -> None:
    asset = house.own.asset.id
    part = await _part(house, component_type="Bearing")
    path = f"{asset}/components/{part['id']}"
    changed = (await _send(house, "PUT", path, {"criticality": "high", "component_type": None})).json()
    shown = (await _send(house, "GET", str(asset))).json()["components"]
    removed = await _send(house, "DELETE", path)
    assert (changed["component"]["criticality"], changed["component"]["component_type"]) == ("high", None)
    assert [one["id"] for one in shown] == [part["id"]]
    assert removed.status_code == 200
    assert (await _send(house, "GET", str(asset))).json()["components"] == []
    assert (await _send(house, "PUT", path, {"name": "Ghost"})).status_code == 404
    async with house.database.transaction(house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert [a for a in actions if "component" in a] == [
        "component_added",
        "component_changed",
        "component_removed",
    ]


async def test_a_failure_mode_lives(house: House) -> None:
    asset = house.own.asset.id
    part = await _part(house)
    made = await _mode(house, component_id=part["id"], severity=9, occurrence=2, detection=5)
    mode = made.json()["failure_mode"]
    path = f"{asset}/failure-modes/{mode['id']}"
    changed = (await _send(house, "PUT", path, {"detection": 1})).json()["failure_mode"]
    cleared = (await _send(house, "PUT", path, {"severity": None})).json()["failure_mode"]
    assert (mode["rpn"], changed["rpn"], cleared["rpn"]) == (90, 18, None)
    assert (await _send(house, "DELETE", path)).status_code == 200
    assert (await _send(house, "GET", str(asset))).json()["failure_modes"] == []
    assert (await _send(house, "DELETE", path)).status_code == 404


async def test_a_code_is_unique_on_its_asset_while_in_use(house: House) -> None:
    asset = house.own.asset.id
    first = await _part(house)
    again = {"code": "BRG", "name": "Bearing"}
    assert (await _send(house, "POST", f"{asset}/components", again)).status_code == 409
    assert (await _mode(house)).status_code == 200
    assert (await _mode(house)).status_code == 409
    await _send(house, "DELETE", f"{asset}/components/{first['id']}")
    second = await _part(house)
    third = await _part(house, code="SEAL")
    path = f"{asset}/components/{third['id']}"
    assert (await _send(house, "PUT", path, {"code": second["code"]})).status_code == 409


async def test_no_part_is_above_itself(house: House) -> None:
    top = await _part(house, code="A")
    low = await _part(house, code="B", parent_component_id=top["id"])
    for above in (top, low):
        path, body = f"{house.own.asset.id}/components/{top['id']}", {"parent_component_id": above["id"]}
        assert (await _send(house, "PUT", path, body)).status_code == 422


@pytest.mark.parametrize(
    "fields", [{"severity": 0}, {"severity": 11}, {"occurrence": 2.5}, {"detection": "high"}, {"rpn": 8}]
)
async def test_ratings_are_from_1_to_10(house: House, fields: dict[str, object]) -> None:
    assert (await _mode(house, **fields)).status_code == 422


async def test_parts_of_another_tenant_or_asset_do_not_exist(house: House) -> None:
    part = await _part(house)
    other = house.other.asset.id
    body = {"code": "X", "name": "X"}
    made = (await _send(house, "POST", "", body)).status_code
    assert made == 200
    async with house.client(Role.TENANT_ADMIN) as browser:
        listed = (await browser.get("/api/assets/")).json()["assets"]
    second = next(asset["id"] for asset in listed if asset["code"] == "X")
    for method, path, sent in (
        ("POST", f"{other}/components", body),
        ("POST", f"{other}/failure-modes", body),
        ("PUT", f"{other}/components/{part['id']}", {}),
        ("PUT", f"{second}/components/{part['id']}", {}),
        ("DELETE", f"{second}/components/{part['id']}", None),
        ("POST", f"{second}/failure-modes", body | {"component_id": part["id"]}),
        ("POST", f"{second}/components", body | {"parent_component_id": part["id"]}),
    ):
        assert (await _send(house, method, path, sent)).status_code == 404, (method, path)
