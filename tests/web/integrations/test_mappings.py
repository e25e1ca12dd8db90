"""Signal mappings over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.asset_details import AssetComponent
from optria.db.blackbox import EventRow
from optria.db.configuration import load_plant
from optria.db.identity import AuditLog
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Database
from tests import factories
from tests.web.house import House, build, fits

PATH = "/api/integrations/mappings"
SHAPE = {
    "success": "bool",
    "mapping": {
        "id": "int",
        "tenant_id": "int",
        "integration_id": "int",
        "asset_id": "int",
        "component_id": "NoneType",
        "external_tag": "str",
        "internal_metric_name": "str",
        "unit": "NoneType",
        "scaling_factor": "float",
        "offset_value": "float",
        "extra_data": {},
        "is_active": "bool",
    },
}


def body(house: House, **changes: object) -> dict[str, object]:
    return {
        "integration_id": house.own.integration.id,
        "asset_id": house.own.asset.id,
        "external_tag": "P-1.Temp",
        "internal_metric_name": "temperature",
    } | changes


async def post(house: House, path: str = PATH, /, **changes: object) -> tuple[int, dict[str, Any]]:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(path, json=body(house, **changes))
    return answer.status_code, answer.json()


@pytest.mark.clause("C3")
async def test_a_metric_that_nothing_knows_is_taken_with_a_warning(house: House) -> None:
    status, made = await post(house, internal_metric_name="vibratoin")
    sentence = "No rule, limit or drawing knows the metric vibratoin. Is vibration meant?"
    assert (status, made["warnings"]) == (200, [sentence])
    path = f"{PATH}/{made['mapping']['id']}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        unit = await browser.put(path, json={"unit": "mm/s"})
        right = await browser.put(path, json={"internal_metric_name": "flow"})
    assert unit.json()["warnings"] == [sentence]
    assert right.json()["warnings"] == []


async def test_many_mappings_are_warned_of_each_unknown_metric_once(house: House) -> None:
    tags = [("a", "temprature"), ("b", "qqqq"), ("c", "flow")]
    rows = [{"external_tag": tag, "internal_metric_name": metric} for tag, metric in tags]
    async with house.client(Role.TENANT_ADMIN) as browser:
        sent = {"integration_id": house.own.integration.id, "mappings": rows}
        answer = (await browser.post(f"{PATH}/bulk", json=sent)).json()
    assert (answer["created_count"], answer["warnings"]) == (
        3,
        [
            "No rule, limit or drawing knows the metric qqqq.",
            "No rule, limit or drawing knows the metric temprature. Is temperature meant?",
        ],
    )


async def active(house: House) -> list[str]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = (
            select(MappingRow.external_tag).where(MappingRow.is_active.is_not(False)).order_by(MappingRow.id)
        )
        return list((await tx.session.scalars(query)).all())


@pytest.mark.clause("C3", "D6", "G10")
async def test_a_tag_becomes_a_signal_of_the_plant(house: House) -> None:
    extra = {"range_low": 0, "range_high": 200, "normal_low": 20, "normal_high": 80, "decimals": 1}
    status, made = await post(house, unit="°C", scaling_factor=0.1, offset_value=-40, scan_s=2, **extra)
    async with house.database.transaction(house.own.tenant.id) as tx:
        plant = await load_plant(tx, house.own.tenant.id)
        events = (await tx.session.scalars(select(EventRow))).all()
    signal = next(each for each in plant.mappings if each.id == made["mapping"]["id"])
    assert status == 200
    assert not fits(SHAPE, made)
    assert (signal.external_tag, signal.metric, signal.asset_id) == (
        "P-1.Temp",
        "temperature",
        house.own.asset.id,
    )
    assert (signal.scale, signal.offset, signal.unit, signal.scan_s) == (0.1, -40.0, "°C", 2.0)
    assert (signal.low, signal.high, signal.normal_low, signal.decimals) == (0, 200, 20, 1)
    assert [(event.event_category, event.asset_id) for event in events] == [
        ("CONFIG_CHANGE", house.own.asset.id)
    ]


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"internal_metric_name": "vibration"}, 409, "an asset has each metric once"),
        ({"scaling_factor": 0}, 422, "scaling factor of 0"),
        ({"scaling_factor": 1e-9}, 422, "scaling factor of 0"),
        ({"range_low": 5, "range_high": 5}, 422, "'range_low' must be below 'range_high'"),
        ({"normal_low": 6, "normal_high": 5}, 422, "'normal_low' must be below 'normal_high'"),
        ({"asset_id": 2_000_000_000}, 404, "There is no asset 2000000000"),
        ({"component_id": 2_000_000_000}, 404, "There is no component"),
        ({"integration_id": 2_000_000_000}, 404, "There is no connection"),
        ({"external_tag": "  "}, 422, ""),
        ({"external_tag": None}, 422, ""),
        ({"external_tag": "x" * 256}, 422, ""),
        ({"asset_id": 2**31}, 422, ""),
        ({"asset_id": 0}, 422, ""),
        ({"scaling_factor": "Infinity"}, 422, ""),
        ({"scaling_factor": "1e400"}, 422, ""),
        ({"offset_value": "NaN"}, 422, ""),
        ({"range_low": 1e300}, 422, ""),
        ({"decimals": 99}, 422, ""),
        ({"scan_s": 0}, 422, ""),
    ],
)
async def test_what_cannot_be_mapped_is_refused(
    house: House, changes: dict[str, object], status: int, says: str
) -> None:
    before = await active(house)
    got, answer = await post(house, **changes)
    row = {key: value for key, value in body(house, **changes).items() if key != "integration_id"}
    bulk_status, bulk = await post(house, f"{PATH}/bulk", mappings=[row], **changes)
    assert (got, bulk_status) == (status, status)
    assert says in str(answer["detail"])
    assert says in str(bulk["detail"])
    assert await active(house) == before


async def test_a_tag_of_a_connection_is_mapped_once(house: House) -> None:
    tag = house.own.vibration.external_tag
    status, answer = await post(house, external_tag=tag)
    assert (status, "is mapped already" in answer["detail"]) == (409, True)


async def test_nothing_of_another_tenant_can_be_mapped(house: House) -> None:
    for changes in (
        {"asset_id": house.other.asset.id},
        {"integration_id": house.other.integration.id},
    ):
        status, _ = await post(house, **changes)
        assert status == 404
    path = f"{PATH}/{house.other.vibration.id}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        moved = await browser.put(f"{PATH}/{house.own.vibration.id}", json={"asset_id": house.other.asset.id})
        assert (await browser.put(path, json={"unit": "x"})).status_code == 404
        assert (await browser.delete(path)).status_code == 404
    assert moved.status_code == 404


async def test_a_component_belongs_to_the_asset(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        asset = await factories.asset(tx, house.own.site)
        part = AssetComponent(tenant_id=asset.tenant_id, asset_id=asset.id, code="DE", name="Bearing")
        tx.session.add(part)
        await tx.session.flush()
    wrong, answer = await post(house, component_id=part.id)
    right, made = await post(house, component_id=part.id, asset_id=asset.id)
    assert (wrong, right) == (422, 200)
    assert "belongs to another asset" in answer["detail"]
    assert made["mapping"]["component_id"] == part.id


async def test_an_asset_out_of_use_gets_no_signal(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        asset = await factories.asset(tx, house.own.site, is_active=False)
    status, answer = await post(house, asset_id=asset.id)
    assert (status, "out of use" in answer["detail"]) == (422, True)


async def test_only_what_is_sent_changes_and_null_clears(house: House) -> None:
    row = house.own.vibration
    async with house.client(Role.TENANT_ADMIN) as browser:
        first = (await browser.put(f"{PATH}/{row.id}", json={"unit": None, "normal_high": 3})).json()
        same = await browser.put(f"{PATH}/{row.id}", json={"unit": None, "tenant_id": 5, "id": 5})
        no_tag = await browser.put(f"{PATH}/{row.id}", json={"external_tag": None})
        taken = await browser.put(f"{PATH}/{row.id}", json={"internal_metric_name": "pressure"})
        crossed = await browser.put(f"{PATH}/{row.id}", json={"normal_high": 0.5})
    mapping = first["mapping"]
    assert not fits(SHAPE, first)
    assert (mapping["id"], mapping["unit"], mapping["normal_high"]) == (row.id, None, 3.0)
    assert (mapping["normal_low"], mapping["external_tag"]) == (row.normal_low, row.external_tag)
    assert [a.status_code for a in (same, no_tag, taken, crossed)] == [200, 422, 409, 422]
    async with house.database.transaction(house.own.tenant.id) as tx:
        audits = (await tx.session.scalars(select(AuditLog))).all()
    assert [(a.old_values, a.new_values) for a in audits] == [
        ({"unit": "mm/s", "normal_high": 4.0}, {"unit": None, "normal_high": 3.0})
    ]


async def test_version_1s_doubles_can_still_be_described(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        double = await factories.mapping(tx, house.own.integration, house.own.asset)
    async with house.client(Role.TENANT_ADMIN) as browser:
        described = await browser.put(f"{PATH}/{double.id}", json={"description": "drive end"})
        renamed = await browser.put(f"{PATH}/{double.id}", json={"external_tag": "P-1.VT2"})
    assert (described.status_code, renamed.status_code) == (200, 409)


async def test_a_deleted_mapping_is_read_no_more_and_its_history_keeps_its_name(house: House) -> None:
    row = house.own.vibration
    async with house.client(Role.TENANT_ADMIN) as browser:
        deleted = await browser.delete(f"{PATH}/{row.id}")
        again = await browser.delete(f"{PATH}/{row.id}")
        changed = await browser.put(f"{PATH}/{row.id}", json={"unit": "x"})
        listed = [each["id"] for each in (await browser.get(PATH)).json()]
        every = (await browser.get(PATH, params={"include_deleted": True})).json()
        shown = (await browser.get(f"/api/integrations/{row.integration_id}")).json()["mappings"]
    status, made = await post(house, external_tag=row.external_tag, internal_metric_name="vibration")
    async with house.database.transaction(house.own.tenant.id) as tx:
        plant = await load_plant(tx, house.own.tenant.id)
    assert (deleted.json(), again.status_code, changed.status_code) == ({"success": True}, 404, 404)
    assert row.id not in listed
    assert row.id not in [each["id"] for each in shown]
    assert {each["id"]: each["is_active"] for each in every}[row.id] is False
    assert status == 200
    ids = {each.id for each in plant.mappings}
    assert row.id not in ids
    assert made["mapping"]["id"] in ids


def rows(count: int, **changes: object) -> list[dict[str, object]]:
    return [{"external_tag": f"T-{n}", "internal_metric_name": f"metric {n}"} | changes for n in range(count)]


async def test_many_are_mapped_at_once(house: House) -> None:
    status, made = await post(house, f"{PATH}/bulk", mappings=rows(2_000, asset_id=house.own.asset.id))
    too_many, _ = await post(house, f"{PATH}/bulk", mappings=rows(2_001))
    none, _ = await post(house, f"{PATH}/bulk", mappings=[])
    assert not fits({"success": "bool", "created_count": "int", "mappings": [SHAPE["mapping"]]}, made)
    assert (status, made["created_count"], len(made["mappings"])) == (200, 2_000, 2_000)
    assert (too_many, none) == (422, 422)
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert len((await tx.session.scalars(select(EventRow))).all()) == 1


@pytest.mark.parametrize(
    ("last", "status", "says"),
    [
        ({"external_tag": "T-1"}, 409, "Row 4 (T-1): The tag T-1 of this connection is mapped already"),
        ({"internal_metric_name": "metric 0"}, 409, "Row 4 (T-9):"),
        ({"asset_id": 2_000_000_000}, 404, "Row 4 (T-9): There is no asset"),
        ({"range_low": 2, "range_high": 1}, 422, "Row 4 (T-9): 'range_low'"),
    ],
)
async def test_all_or_none_and_the_row_is_named(
    house: House, last: dict[str, object], status: int, says: str
) -> None:
    before = await active(house)
    mine = {"asset_id": house.own.asset.id}
    bad = {"external_tag": "T-9", "internal_metric_name": "metric 9", **mine} | last
    got, answer = await post(house, f"{PATH}/bulk", mappings=[*rows(3, **mine), bad])
    assert (got, answer["detail"][: len(says)]) == (status, says)
    assert await active(house) == before


async def test_mappings_are_filtered(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        every = (await browser.get(PATH, params={"asset_id": house.own.asset.id})).json()
        none = (await browser.get(PATH, params={"asset_id": house.other.asset.id})).json()
    assert {row["internal_metric_name"] for row in every} == {"vibration", "pressure"}
    assert none == []


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("POST", "/bulk"), ("PUT", "/{}"), ("DELETE", "/{}")]
)
async def test_only_who_manages_connections_maps(house: House, method: str, path: str) -> None:
    address = PATH + path.format(house.own.vibration.id)
    sent = body(house, mappings=rows(1))
    async with house.client() as stranger:
        assert (await stranger.request(method, address, json=sent)).status_code == 401
    for role in (Role.VIEWER, Role.ENGINEER, Role.OPTIMIZATION_ENGINEER):
        async with house.client(role) as browser:
            assert (await browser.request(method, address, json=sent)).status_code == 403
    async with house.client(Role.PLATFORM_OWNER) as browser:
        assert (await browser.request(method, address, json=sent)).status_code == 422
        chosen = f"{address}?tenant_id={house.own.tenant.id}"
        assert (await browser.request(method, chosen, json=sent)).status_code == 200


async def test_a_mapping_without_an_asset_waits_for_one(house: House) -> None:
    status, made = await post(house, asset_id=None)
    async with house.client(Role.TENANT_ADMIN) as browser:
        bound = await browser.put(f"{PATH}/{made['mapping']['id']}", json={"asset_id": house.own.asset.id})
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert await tx.session.get(AssetRow, house.own.asset.id)
        plant = await load_plant(tx, house.own.tenant.id)
    assert (status, bound.status_code) == (200, 200)
    assert made["mapping"]["id"] in {each.id for each in plant.mappings}


async def test_two_at_once_do_not_both_map_a_tag(database: Database, tmp_path: Path) -> None:
    """Each waits for the other's commit, in transactions of their own."""
    house = await build(database, home=tmp_path)
    answers = await asyncio.gather(*(post(house) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    assert (await active(house)).count("P-1.Temp") == 1
