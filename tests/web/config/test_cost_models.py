"""Cost models over HTTP: one is in force, viewers never see money, and the analysis goes by it."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from optria.blackbox import references
from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.db.plant import CostModel
from optria.kit import clock
from tests.web.house import House

PATH = "/api/integrations/cost-models"


async def _send(
    house: House, method: str, path: str, body: object = None, role: Role = Role.TENANT_ADMIN
) -> Any:
    async with house.client(role) as browser:
        return await browser.request(method, PATH + path, json=body)


async def _added(house: House, **fields: object) -> Any:
    answer = await _send(house, "POST", "", {"name": "Budget"} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["cost_model"]


async def test_money_goes_in_exactly_and_comes_out_as_version_1_has_it(house: House) -> None:
    made = await _added(
        house,
        default_downtime_cost_per_hour=25000.125,
        cost_per_asset_family={"pump": 8000, "valve": 3000.5},
        criticality_thresholds={"high": 70},
    )
    assert made["default_downtime_cost_per_hour"] == 25000.12
    assert made["cost_per_asset_family"] == {"pump": 8000, "valve": 3000.5}
    assert (made["currency"], made["is_active"], made["criticality_thresholds"]) == (
        "SAR",
        True,
        {"high": 70},
    )
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = (await tx.session.scalars(select(CostModel))).one()
        assert row.default_downtime_cost_per_hour == Decimal("25000.12")


async def test_none_in_force_is_said_in_a_sentence(house: House) -> None:
    answer = await _send(house, "GET", "/active")
    assert (answer.status_code, "No cost model" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("how", ["POST", "PUT"])
async def test_one_is_in_force(house: House, how: str) -> None:
    first = await _added(house)
    second = await _added(house, is_active=how == "POST")
    if how == "PUT":
        assert (await _send(house, "GET", "/active")).json()["id"] == first["id"]
        await _send(house, "PUT", f"/{second['id']}", {"is_active": True})
    listed = (await _send(house, "GET", "")).json()
    assert [(model["id"], model["is_active"]) for model in listed] == [
        (second["id"], True),
        (first["id"], False),
    ]
    assert (await _send(house, "GET", "/active")).json()["id"] == second["id"]


async def test_the_analysis_goes_by_the_one_in_force(house: House) -> None:
    await _added(house, default_downtime_cost_per_hour=100)
    await _added(house, default_downtime_cost_per_hour=25000, cost_per_asset_family={"pump": 8000.5})
    asset = house.own.plant.asset(house.own.asset.id)
    assert asset is not None
    async with house.database.transaction(house.own.tenant.id) as tx:
        found = (await references.load(tx, asset, clock.now()))["cost_references"]
    assert [(cost.asset_type, cost.cost_per_hour) for cost in found] == [
        ("Pump", Decimal("8000.5")),
        (None, Decimal(25000)),
    ]


async def test_a_change_is_audited_with_before_and_after(house: House) -> None:
    made = await _added(house, default_downtime_cost_per_hour=100)
    body = {"default_downtime_cost_per_hour": 200.5, "description": None}
    changed = (await _send(house, "PUT", f"/{made['id']}", body)).json()["cost_model"]
    assert (changed["default_downtime_cost_per_hour"], changed["name"]) == (200.5, "Budget")
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = select(AuditLog).where(AuditLog.action == "cost_model_changed")
        line = (await tx.session.scalars(query)).one()
    assert line.old_values == {"default_downtime_cost_per_hour": 100.0}
    assert line.new_values == {"default_downtime_cost_per_hour": 200.5}


@pytest.mark.parametrize(
    ("role", "reads"), [(Role.VIEWER, 403), (Role.ENGINEER, 200), (Role.OPTIMIZATION_ENGINEER, 200)]
)
async def test_who_reads_and_who_does_not_write(house: House, role: Role, reads: int) -> None:
    made = await _added(house)
    assert (await _send(house, "GET", "", role=role)).status_code == reads
    assert (await _send(house, "GET", "/active", role=role)).status_code == reads
    assert (await _send(house, "POST", "", {"name": "Mine"}, role)).status_code == 403
    assert (await _send(house, "PUT", f"/{made['id']}", {"name": "Mine"}, role)).status_code == 403


async def test_another_tenants_money_does_not_exist(house: House) -> None:
    path = f"?tenant_id={house.other.tenant.id}"
    theirs = await _send(house, "POST", path, {"name": "Theirs"}, Role.PLATFORM_OWNER)
    made = theirs.json()["cost_model"]["id"]
    assert (await _send(house, "PUT", f"/{made}", {"name": "Mine"})).status_code == 404
    assert (await _send(house, "GET", "")).json() == []
    assert (await _send(house, "GET", "/active")).status_code == 404
    assert (await _send(house, "GET", "/active", role=Role.PLATFORM_OWNER)).status_code == 422
    chosen = await _send(house, "GET", f"/active{path}", role=Role.PLATFORM_OWNER)
    assert chosen.json()["id"] == made


@pytest.mark.parametrize(
    "fields",
    [
        {"default_downtime_cost_per_hour": -1},
        {"default_downtime_cost_per_hour": "NaN"},
        {"default_downtime_cost_per_hour": "1e400"},
        {"default_downtime_cost_per_hour": 10**13},
        {"cost_per_asset_family": {"pump": "a lot"}},
        {"cost_per_asset_family": {"pump": "Infinity"}},
        {"cost_per_asset_family": {" ": 5}},
        {"cost_per_asset_family": [1]},
        {"criticality_thresholds": {"high": -5}},
        {"currency": "riyal"},
        {"name": ""},
        {"name": None},
    ],
)
async def test_money_is_bounded(house: House, fields: dict[str, object]) -> None:
    made = await _added(house)
    assert (await _send(house, "PUT", f"/{made['id']}", fields)).status_code == 422
    assert (await _send(house, "POST", "", {"name": "Budget"} | fields)).status_code == 422


async def test_where_costs_take_two_people_no_cost_model_takes_effect_alone(house: House) -> None:
    made = await _added(house, default_downtime_cost_per_hour=100)
    async with house.client(Role.TENANT_ADMIN) as browser:
        for four_eyes in (True, False):
            await browser.put("/api/config/approval", json={"four_eyes": four_eyes})
            idle = await _added(house, is_active=False, default_downtime_cost_per_hour=5)
            tried = [
                await _send(house, "POST", "", {"name": "Alone"}),
                await _send(house, "PUT", f"/{made['id']}", {"default_downtime_cost_per_hour": 1}),
                await _send(house, "PUT", f"/{made['id']}", {"is_active": False}),
                await _send(house, "PUT", f"/{idle['id']}", {"is_active": True}),
            ]
            assert [answer.status_code for answer in tried] == [409] * 4
            assert all("/api/config/cost-references" in answer.json()["detail"] for answer in tried)
    assert (await _send(house, "PUT", f"/{made['id']}", {"name": "Renamed"})).status_code == 200
    assert (await _send(house, "PUT", f"/{idle['id']}", {"currency": "USD"})).status_code == 200
    active = (await _send(house, "GET", "/active")).json()
    assert (active["id"], active["default_downtime_cost_per_hour"]) == (made["id"], 100)
