"""Process drawings over HTTP, and the page that draws whatever is stored."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from optria.core.roles import Role
from optria.db.blackbox import EventRow
from optria.db.identity import AuditLog
from tests import factories
from tests.web.house import House

WRITERS = (Role.TENANT_ADMIN, Role.PLATFORM_OWNER)


async def _send(house: House, method: str, path: str, body: object = None, role: Role = WRITERS[0]) -> Any:
    async with house.client(role) as browser:
        return await browser.request(method, f"/api/twins/layouts{path}", json=body)


async def _drawn(house: House, **fields: object) -> Any:
    answer = await _send(house, "POST", "", {"name": "Train"} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["layout"]


async def test_a_drawing_lives(house: House) -> None:
    config = {"size": [100, 100], "symbols": [{"symbol": "pump", "x": 1, "y": 2}]}
    made = await _drawn(house, site_id=house.own.site.id, config=config, background_color="#fff")
    path = f"/{made['id']}"
    changed = (await _send(house, "PUT", path, {"name": "Renamed", "description": None})).json()["layout"]
    shown = (await _send(house, "GET", path, role=Role.VIEWER)).json()
    assert (changed["name"], changed["config"]) == ("Renamed", config)
    assert (shown["nodes"], shown["background_color"], shown["is_active"]) == ([], "#fff", True)
    assert (await _send(house, "DELETE", path)).status_code == 200
    assert (await _send(house, "GET", path)).status_code == 404


async def test_the_record_of_a_change_holds_no_drawing(house: House) -> None:
    made = await _drawn(house, config={"secret": "x" * 5000})
    await _send(house, "PUT", f"/{made['id']}", {"config": {"secret": "y" * 6000}, "width": 700})
    await _send(house, "DELETE", f"/{made['id']}")
    async with house.database.transaction(house.own.tenant.id) as tx:
        lines = (await tx.session.scalars(select(AuditLog).order_by(AuditLog.id))).all()
        events = (await tx.session.scalars(select(EventRow))).all()
    changed = next(line for line in lines if line.action == "layout_changed")
    assert changed.old_values == {"config": "5,014 bytes", "width": 1200}
    assert changed.new_values == {"config": "6,014 bytes", "width": 700}
    assert len(events) == 3
    assert all(len(json.dumps(event.payload)) < 2_000 for event in events)


@pytest.mark.parametrize("how", ["POST", "PUT"])
async def test_a_site_has_one_default(house: House, how: str) -> None:
    site = house.own.site.id
    first = await _drawn(house, site_id=site, is_default=True)
    elsewhere = await _drawn(house, is_default=True)
    second = await _drawn(house, site_id=site, is_default=how == "POST")
    if how == "PUT":
        await _send(house, "PUT", f"/{second['id']}", {"is_default": True})
    listed = (await _send(house, "GET", "")).json()["layouts"]
    defaults = {layout["id"] for layout in listed if layout["is_default"]}
    assert defaults == {elsewhere["id"], second["id"]}
    assert first["id"] not in defaults


@pytest.mark.parametrize("role", [role for role in Role if role not in WRITERS])
async def test_others_draw_nothing(house: House, role: Role) -> None:
    made = await _drawn(house)
    assert (await _send(house, "POST", "", {"name": "Mine"}, role)).status_code == 403
    assert (await _send(house, "PUT", f"/{made['id']}", {"name": "Mine"}, role)).status_code == 403
    assert (await _send(house, "DELETE", f"/{made['id']}", role=role)).status_code == 403
    assert (await _send(house, "GET", f"/{made['id']}", role=role)).status_code == 200


async def test_another_tenants_drawing_and_site_do_not_exist(house: House) -> None:
    async with house.database.transaction(house.other.tenant.id) as tx:
        theirs = await factories.layout(tx, house.other.site)
    for method, path, body in (
        ("GET", f"/{theirs.id}", None),
        ("PUT", f"/{theirs.id}", {"name": "Mine"}),
        ("DELETE", f"/{theirs.id}", None),
        ("POST", "", {"name": "Mine", "site_id": house.other.site.id}),
    ):
        assert (await _send(house, method, path, body)).status_code == 404, (method, path)


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"config": {"a": _nested(31)}}, 200),
        ({"config": {"a": _nested(32)}}, 422),
        ({"config": {"a": "x" * (512 * 1024 - 8)}}, 200),
        ({"config": {"a": "x" * (512 * 1024)}}, 422),
        ({"config": {"a": "nul \x00"}}, 422),
        ({"config": {"nul \x00": 1}}, 422),
        ({"config": [1]}, 422),
        ({"width": 0}, 422),
        ({"height": 10**12}, 422),
        ({"name": " "}, 422),
        ({"background_color": "red;} *{"}, 422),
        ({"background_image": "/static/plant.png"}, 200),
        ({"background_image": "/static/../secret"}, 422),
        ({"background_image": "data:image/png;base64,iVBORw0KGgo="}, 200),
        ({"background_image": "data:image/svg+xml;base64,PHN2Zz4="}, 422),
        ({"background_image": "//example.com/a.png"}, 422),
        ({"background_image": "javascript:alert(1)"}, 422),
        ({"background_image": "data:image/png;base64," + "A" * 600}, 422),
    ],
)
async def test_a_drawing_is_bounded(house: House, fields: dict[str, object], status: int) -> None:
    assert (await _send(house, "POST", "", {"name": "Train"} | fields)).status_code == status


async def test_infinity_is_no_number_of_a_drawing(house: House) -> None:
    body = b'{"name": "Train", "config": {"size": [1e400, 1]}}'
    async with house.client(WRITERS[0]) as browser:
        answer = await browser.post(
            "/api/twins/layouts", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 422


GARBAGE: list[object] = [
    {"symbols": "none"},
    {"symbols": [1, None, [], "x", {}]},
    {"symbols": [{"symbol": ["pump"]}, {"symbol": "death_star", "x": 1}]},
    {"symbols": [{"symbol": "pump", "asset": {"a": 1}, "x": "left", "y": [], "size": ["a", None]}]},
    {"symbols": [{"symbol": "tank", "size": [10**400, -(10**400)], "rotation": 1e308, "level": {}}]},
    {
        "symbols": [
            {"symbol": "pump", "label": {"name": ["a", "b"], "style": "x y", "anchor": 3, "text": [1]}}
        ]
    },
    {"symbols": [{"symbol": "pump", "run": 5, "badges": {"x": 1}, "letters": [["a"]]}]},
    {"symbols": [{"symbol": "pump"}], "pipes": [{"points": [1, "ab", [1], [1, 2]], "arrow": True}]},
    {
        "symbols": [{"symbol": "pump"}],
        "pipes": [{"points": {"a": 1}}],
        "values": [{"tag": [1]}],
        "texts": [{}],
    },
    {"symbols": [{"symbol": "pump"}], "size": [0, -5], "title": {"a": 1}},
    {"symbols": [{"symbol": "pump", "asset": "'\"><script>alert(1)</script>"}]},
    ["a", "list"],
    "a word",
    17,
]


@pytest.mark.parametrize("config", GARBAGE)
async def test_the_page_survives_whatever_is_stored(house: House, config: object) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.layout(tx, house.own.site)
        query = text("UPDATE twin_layouts SET config = cast(:config AS jsonb) WHERE id = :id")
        await tx.session.execute(query, {"config": json.dumps(config), "id": row.id})
    for language in ("en", "ar"):
        async with house.client(Role.ENGINEER) as browser:
            page = await browser.get(f"/digital-twin?lang={language}", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert house.own.asset.code in page.text
        assert "<script>alert" not in page.text
