"""Assets over HTTP: what is added, changed and taken out of use, by whom, and what is refused."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.asset_details import AssetComponent, FailureMode, MetricSnapshot
from optria.db.blackbox import EventRow
from optria.db.identity import AuditLog
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Database
from optria.kit import clock
from tests import factories
from tests.web.house import House, build

WRITERS = (Role.TENANT_ADMIN, Role.PLATFORM_OWNER)
OTHERS = tuple(role for role in Role if role not in WRITERS)


async def _send(house: House, method: str, path: str, body: object = None, role: Role = WRITERS[0]) -> Any:
    async with house.client(role) as browser:
        return await browser.request(method, path, json=body)


async def _added(house: House, **fields: object) -> Any:
    answer = await _send(house, "POST", "/api/assets/", {"code": "P-900", "name": "New pump"} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["asset"]


async def test_an_asset_type_that_nothing_knows_is_taken_with_a_warning(house: House) -> None:
    fields = {"code": "P-902", "name": "New", "asset_type": "Pmup"}
    made = (await _send(house, "POST", "/api/assets/", fields)).json()
    path = f"/api/assets/{made['asset']['id']}"
    renamed = (await _send(house, "PUT", path, {"name": "Newer"})).json()
    corrected = (await _send(house, "PUT", path, {"asset_type": "pump"})).json()
    assert made["warnings"] == ["No rule and no other asset has the asset type Pmup. Is Pump meant?"]
    assert (renamed["warnings"], corrected["warnings"]) == ([], [])


async def test_an_asset_is_added_with_all_of_version_1s_fields(house: House) -> None:
    fields = {
        "site_id": house.own.site.id,
        "parent_asset_id": house.own.asset.id,
        "code": " P-901 ",
        "name": "Booster",
        "name_ar": "مضخة",
        "asset_type": "Pump",
        "manufacturer": "Flowserve",
        "model": "HPX",
        "serial_number": "77",
        "criticality": "critical",
        "nobody_knows": 1,
    }
    made = await _added(house, **fields)
    expected = fields | {"code": "P-901", "status": "operational", "is_active": True}
    expected.pop("nobody_knows")
    assert expected.items() <= made.items()
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get(f"/api/assets/{made['id']}")).json()["code"] == "P-901"


async def test_a_change_is_audited_and_an_event_of_the_asset(house: House) -> None:
    asset = house.own.asset
    answer = await _send(house, "PUT", f"/api/assets/{asset.id}", {"criticality": "critical"})
    assert answer.json()["asset"]["criticality"] == "critical"
    async with house.database.transaction(house.own.tenant.id) as tx:
        line = (await tx.session.scalars(select(AuditLog).where(AuditLog.action == "asset_changed"))).one()
        event = (
            await tx.session.scalars(select(EventRow).where(EventRow.event_category == "CONFIG_CHANGE"))
        ).one()
    assert (line.entity_id, line.old_values, line.new_values) == (
        asset.id,
        {"criticality": "high"},
        {"criticality": "critical"},
    )
    assert event.asset_id == asset.id
    assert asset.code in (event.summary or "")


async def test_what_stays_the_same_is_no_change(house: House) -> None:
    await _send(house, "PUT", f"/api/assets/{house.own.asset.id}", {"criticality": "high"})
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = select(AuditLog).where(AuditLog.action == "asset_changed")
        assert (await tx.session.scalars(query)).all() == []


async def test_only_what_is_sent_changes_and_null_clears(house: House) -> None:
    made = await _added(house, manufacturer="Flowserve", model="HPX", production_capacity=120.5)
    path = f"/api/assets/{made['id']}"
    after = (await _send(house, "PUT", path, {"manufacturer": None, "install_date": "2020-02-29"})).json()
    assert after["asset"]["manufacturer"] is None
    assert (after["asset"]["model"], after["asset"]["production_capacity"]) == ("HPX", 120.5)
    for name in ("code", "name", "criticality", "status", "is_active"):
        refused = await _send(house, "PUT", path, {name: None})
        assert (refused.status_code, name in refused.json()["detail"]) == (422, True)


@pytest.mark.clause("G6")
@pytest.mark.parametrize("role", OTHERS)
async def test_others_change_nothing(house: House, role: Role) -> None:
    asset, site = house.own.asset, house.own.site
    body = {"code": "X", "name": "X"}
    for method, path in (
        ("POST", "/api/assets/"),
        ("PUT", f"/api/assets/{asset.id}"),
        ("DELETE", f"/api/assets/{asset.id}"),
        ("POST", "/api/assets/sites"),
        ("PUT", f"/api/assets/sites/{site.id}"),
        ("POST", f"/api/assets/{asset.id}/components"),
        ("POST", f"/api/assets/{asset.id}/failure-modes"),
        ("POST", "/api/assets/links"),
    ):
        assert (await _send(house, method, path, body, role)).status_code == 403, path


async def test_a_platform_owner_names_the_tenant(house: House) -> None:
    body = {"code": "P-902", "name": "Pump"}
    unnamed = await _send(house, "POST", "/api/assets/", body, Role.PLATFORM_OWNER)
    path = f"/api/assets/?tenant_id={house.other.tenant.id}"
    named = await _send(house, "POST", path, body, Role.PLATFORM_OWNER)
    assert unnamed.status_code == 422
    assert named.json()["asset"]["tenant_id"] == house.other.tenant.id


async def test_another_tenants_assets_can_be_neither_changed_nor_named(house: House) -> None:
    other, own = house.other, house.own
    for method, path, body in (
        ("PUT", f"/api/assets/{other.asset.id}", {"name": "Mine"}),
        ("DELETE", f"/api/assets/{other.asset.id}", None),
        ("POST", "/api/assets/", {"code": "Z", "name": "Z", "site_id": other.site.id}),
        ("POST", "/api/assets/", {"code": "Z", "name": "Z", "parent_asset_id": other.asset.id}),
        ("PUT", f"/api/assets/{own.asset.id}", {"parent_asset_id": other.asset.id}),
        ("PUT", f"/api/assets/{own.asset.id}", {"site_id": other.site.id}),
    ):
        assert (await _send(house, method, path, body)).status_code == 404, (method, path, body)


async def test_a_code_is_unique_in_the_tenant_and_free_in_another(house: House) -> None:
    taken = await _send(house, "POST", "/api/assets/", {"code": house.own.asset.code, "name": "Again"})
    free = await _send(house, "POST", "/api/assets/", {"code": house.other.asset.code, "name": "Ours"})
    made = free.json()["asset"]["id"]
    moved = await _send(house, "PUT", f"/api/assets/{made}", {"code": house.own.asset.code})
    assert (taken.status_code, free.status_code, moved.status_code) == (409, 200, 409)
    assert house.own.asset.code in taken.json()["detail"]


async def test_no_asset_stands_at_a_site_out_of_use(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        closed = await factories.site(tx, house.own.tenant.id, is_active=False)
    body = {"code": "Z", "name": "Z", "site_id": closed.id}
    assert (await _send(house, "POST", "/api/assets/", body)).status_code == 422


async def test_an_amount_is_answered_as_it_is_stored(house: House) -> None:
    made = await _added(house, production_capacity=120.555)
    stored = (await _send(house, "GET", f"/api/assets/{made['id']}")).json()
    assert made["production_capacity"] == stored["production_capacity"] == 120.56


async def test_no_asset_is_above_itself(house: House) -> None:
    top = await _added(house, code="A")
    middle = await _added(house, code="B", parent_asset_id=top["id"])
    low = await _added(house, code="C", parent_asset_id=middle["id"])
    for above in (top, middle, low):
        refused = await _send(house, "PUT", f"/api/assets/{top['id']}", {"parent_asset_id": above["id"]})
        assert refused.status_code == 422
    moved = await _send(house, "PUT", f"/api/assets/{low['id']}", {"parent_asset_id": top["id"]})
    assert moved.json()["asset"]["parent_asset_id"] == top["id"]


async def test_a_circle_that_version_1_stored_is_no_endless_search(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        first = await factories.asset(tx, house.own.site)
        second = await factories.asset(tx, house.own.site, parent_asset_id=first.id)
        first.parent_asset_id = second.id
    made = await _added(house, parent_asset_id=first.id)
    assert made["parent_asset_id"] == first.id


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
async def test_an_asset_that_is_needed_stays_in_use(house: House, method: str) -> None:
    asset = house.own.asset
    path, body = f"/api/assets/{asset.id}", None if method == "DELETE" else {"is_active": False}
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, asset)
        child = await factories.asset(tx, house.own.site, parent_asset_id=asset.id)
    said = [(await _send(house, method, path, body)).json()["detail"]]
    async with house.database.transaction(house.own.tenant.id) as tx:
        (await tx.session.merge(incident)).status = "CLOSED"
    said.append((await _send(house, method, path, body)).json()["detail"])
    async with house.database.transaction(house.own.tenant.id) as tx:
        for mapping in (await tx.session.scalars(select(MappingRow))).all():
            mapping.is_active = False
    said.append((await _send(house, method, path, body)).json()["detail"])
    await _send(house, "DELETE", f"/api/assets/{child.id}")
    assert ["incidents" in said[0], "signals" in said[1], "below" in said[2]] == [True, True, True]
    assert (await _send(house, method, path, body)).status_code == 200
    assert (await _send(house, "GET", path)).status_code == 404


async def test_an_asset_out_of_use_keeps_its_code_and_comes_back(house: House) -> None:
    made = await _added(house)
    path = f"/api/assets/{made['id']}"
    await _send(house, "DELETE", path)
    again = await _send(house, "POST", "/api/assets/", {"code": made["code"], "name": "Another"})
    assert (again.status_code, "out of use" in again.json()["detail"]) == (409, True)
    assert (await _send(house, "PUT", path, {"is_active": True})).status_code == 200
    assert (await _send(house, "GET", path)).json()["is_active"] is True


@pytest.mark.parametrize(
    "fields",
    [
        {"code": ""},
        {"code": "  "},
        {"code": "x" * 101},
        {"name": ""},
        {"name": "x" * 256},
        {"criticality": "enormous"},
        {"site_id": 0},
        {"site_id": 2**40},
        {"production_capacity": -1},
        {"production_capacity": "NaN"},
        {"production_capacity": "1e400"},
        {"install_date": "0001-01-01"},
        {"status": ""},
    ],
)
async def test_what_cannot_be_stored_is_refused(house: House, fields: dict[str, object]) -> None:
    answer = await _send(house, "POST", "/api/assets/", {"code": "P-900", "name": "New pump"} | fields)
    assert answer.status_code == 422


async def test_a_field_nobody_knows_is_refused_in_a_change(house: House) -> None:
    answer = await _send(house, "PUT", f"/api/assets/{house.own.asset.id}", {"crticality": "low"})
    assert answer.status_code == 422


async def test_nul_is_dropped_and_markup_is_text(house: House) -> None:
    made = await _added(house, name="Pu\x00mp <script>alert(1)</script>")
    assert made["name"] == "Pump <script>alert(1)</script>"


async def test_parts_and_failure_modes_stand_with_the_asset(house: House) -> None:
    keys = {"tenant_id": house.own.tenant.id, "asset_id": house.own.asset.id, "name": "N"}
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(AssetComponent(code="B", **keys))
        tx.session.add(AssetComponent(code="A", **keys))
        tx.session.add(AssetComponent(code="C", is_active=False, **keys))
        tx.session.add(FailureMode(code="F", severity=8, occurrence=4, detection=3, **keys))
        tx.session.add(FailureMode(code="G", severity=8, **keys))
    found = (await _send(house, "GET", f"/api/assets/{house.own.asset.id}")).json()
    assert [part["code"] for part in found["components"]] == ["A", "B"]
    assert [(mode["code"], mode["rpn"]) for mode in found["failure_modes"]] == [("F", 96), ("G", None)]


async def test_metrics_are_those_that_version_1_stored_else_the_live_ones(house: House) -> None:
    own, now = house.own, clock.now()
    own.stream.put(house.sample(3.5))
    path = f"/api/assets/{own.asset.id}/metrics"
    live = (await _send(house, "GET", path, role=Role.VIEWER)).json()
    async with house.database.transaction(own.tenant.id) as tx:
        for minutes, value in ((2, "1.5"), (1, "2.5")):
            tx.session.add(
                MetricSnapshot(
                    tenant_id=own.tenant.id,
                    asset_id=own.asset.id,
                    metric_name="temperature",
                    metric_value=Decimal(value),
                    recorded_at=now - timedelta(minutes=minutes),
                )
            )
    stored = (await _send(house, "GET", path, role=Role.VIEWER)).json()
    newest = (await _send(house, "GET", f"{path}?limit=1", role=Role.VIEWER)).json()
    assert [(one["metric_name"], one["metric_value"]) for one in live] == [("vibration", 3.5)]
    assert [one["metric_value"] for one in stored] == [2.5, 1.5]
    assert [one["metric_value"] for one in newest] == [2.5]
    assert set(stored[0]) == set(live[0])


async def test_two_who_want_one_code_at_once_do_not_both_get_it(database: Database) -> None:
    house = await build(database)
    async with house.client(WRITERS[0]) as browser:
        body = {"code": "SAME", "name": "Twice"}
        answers = await asyncio.gather(*(browser.post("/api/assets/", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert len((await tx.session.scalars(select(AssetRow).where(AssetRow.code == "SAME"))).all()) == 1
