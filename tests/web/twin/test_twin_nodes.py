"""The nodes of a drawing."""

from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.db.twin import TwinLayout
from tests import factories
from tests.web.house import House


@pytest.fixture
async def layout(house: House) -> TwinLayout:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.layout(tx, house.own.site)


async def _send(
    house: House, method: str, path: str, body: object = None, role: Role = Role.TENANT_ADMIN
) -> Any:
    async with house.client(role) as browser:
        return await browser.request(method, f"/api/twins/{path}", json=body)


async def _node(house: House, layout: TwinLayout, **fields: object) -> Any:
    body = {"layout_id": layout.id, "node_type": "pump"} | fields
    answer = await _send(house, "POST", f"layouts/{layout.id}/nodes", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["node"]


async def test_a_node_lives(house: House, layout: TwinLayout) -> None:
    made = await _node(house, layout, label="P-1", asset_id=house.own.asset.id, style={"fill": "red"})
    path = f"nodes/{made['id']}"
    changed = (await _send(house, "PUT", path, {"position_x": -40, "label": None})).json()["node"]
    whole = (await _send(house, "GET", f"layouts/{layout.id}", role=Role.VIEWER)).json()
    assert (made["position_x"], made["width"], made["is_visible"], made["style"]) == (
        0,
        100,
        True,
        {"fill": "red"},
    )
    assert (changed["position_x"], changed["label"], changed["asset_id"]) == (-40, None, house.own.asset.id)
    assert [node["id"] for node in whole["nodes"]] == [made["id"]]
    assert (await _send(house, "DELETE", path)).status_code == 200
    assert (await _send(house, "PUT", path, {})).status_code == 404
    async with house.database.transaction(house.own.tenant.id) as tx:
        actions = (await tx.session.scalars(select(AuditLog.action).order_by(AuditLog.id))).all()
    assert [a for a in actions if "node" in a] == ["node_added", "node_changed", "node_deleted"]


async def test_nodes_are_listed_from_below_and_by_asset(house: House, layout: TwinLayout) -> None:
    upper = await _node(house, layout, z_index=5, asset_id=house.own.asset.id)
    lower = await _node(house, layout, z_index=-5)
    every = (await _send(house, "GET", f"layouts/{layout.id}/nodes", role=Role.VIEWER)).json()
    of_asset = (await _send(house, "GET", f"layouts/{layout.id}/nodes?asset_id={house.own.asset.id}")).json()
    assert ([node["id"] for node in every["nodes"]], every["total"]) == ([lower["id"], upper["id"]], 2)
    assert [node["id"] for node in of_asset["nodes"]] == [upper["id"]]


async def test_what_stood_on_a_deleted_node_stands_on_the_drawing(house: House, layout: TwinLayout) -> None:
    group = await _node(house, layout, node_type="group")
    child = await _node(house, layout, parent_node_id=group["id"])
    await _send(house, "DELETE", f"nodes/{group['id']}")
    left = (await _send(house, "GET", f"layouts/{layout.id}/nodes")).json()["nodes"]
    assert [(node["id"], node["parent_node_id"]) for node in left] == [(child["id"], None)]


async def test_a_deleted_drawing_takes_its_nodes_along(house: House, layout: TwinLayout) -> None:
    made = await _node(house, layout)
    assert (await _send(house, "DELETE", f"layouts/{layout.id}")).status_code == 200
    assert (await _send(house, "PUT", f"nodes/{made['id']}", {})).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"node_type": "spaceship"},
        {"position_x": 10**9},
        {"width": 0},
        {"rotation": 361},
        {"color": "url(x)"},
        {"style": {"a": "x" * 20_000}},
        {"data_bindings": [1]},
        {"layout_id": 2_000_000_000},
    ],
)
async def test_a_node_is_bounded(house: House, layout: TwinLayout, fields: dict[str, object]) -> None:
    body = {"node_type": "pump"} | fields
    assert (await _send(house, "POST", f"layouts/{layout.id}/nodes", body)).status_code == 422


async def test_other_tenants_nodes_assets_and_drawings_do_not_exist(house: House, layout: TwinLayout) -> None:
    other = house.other
    async with house.database.transaction(other.tenant.id) as tx:
        theirs = await factories.layout(tx, other.site)
    path = f"layouts/{theirs.id}/nodes?tenant_id={other.tenant.id}"
    made = await _send(house, "POST", path, {"node_type": "pump"}, Role.PLATFORM_OWNER)
    node = made.json()["node"]["id"]
    own = f"layouts/{layout.id}/nodes"
    for method, address, body in (
        ("GET", f"layouts/{theirs.id}/nodes", None),
        ("POST", f"layouts/{theirs.id}/nodes", {"node_type": "pump"}),
        ("PUT", f"nodes/{node}", {"label": "mine"}),
        ("DELETE", f"nodes/{node}", None),
        ("POST", own, {"node_type": "pump", "asset_id": other.asset.id}),
        ("POST", own, {"node_type": "pump", "parent_node_id": node}),
    ):
        assert (await _send(house, method, address, body)).status_code == 404, (method, address)


@pytest.mark.parametrize("role", [Role.OPTIMIZATION_ENGINEER, Role.ENGINEER, Role.VIEWER])
async def test_others_place_nothing(house: House, layout: TwinLayout, role: Role) -> None:
    made = await _node(house, layout)
    refused = [
        await _send(house, "POST", f"layouts/{layout.id}/nodes", {"node_type": "pump"}, role),
        await _send(house, "PUT", f"nodes/{made['id']}", {"label": "x"}, role),
        await _send(house, "DELETE", f"nodes/{made['id']}", role=role),
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]
