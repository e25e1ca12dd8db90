"""Mappings leave as CSV and come from it: each row is looked at, and all are stored or none."""

from typing import Any

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.db.plant import MappingRow
from tests import factories
from tests.web.house import House

PATH = "/api/integrations/mappings/csv"
HEAD = "external_tag,asset,internal_metric_name,unit,normal_high\n"


async def sent(house: House, text: str | bytes, **query: object) -> tuple[int, dict[str, Any]]:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.post(
            PATH,
            params={"integration_id": house.own.integration.id, **{k: str(v) for k, v in query.items()}},
            content=text if isinstance(text, bytes) else text.encode(),
            headers={"Content-Type": "text/csv", "X-Requested-With": "optria"},
        )
    return answer.status_code, answer.json()


async def taken_out(house: House) -> bytes:
    async with house.client(Role.TENANT_ADMIN) as browser:
        answer = await browser.get(PATH, params={"integration_id": house.own.integration.id})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.content


async def stored(house: House) -> dict[str, MappingRow]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        rows = await tx.session.scalars(select(MappingRow).where(MappingRow.is_active.is_not(False)))
        return {row.external_tag: row for row in rows}


@pytest.mark.clause("C3")
async def test_what_was_taken_out_goes_in_unchanged(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.mapping(
            tx,
            house.own.integration,
            house.own.asset,
            external_tag="=HYPERLINK(1)",
            internal_metric_name="flow",
            offset_value=-40,
            description="-ve, 'quoted' \"text\"",
        )
    before, content = await stored(house), await taken_out(house)
    status, answer = await sent(house, content, store=True)
    assert (status, answer["counts"]) == (200, {"new": 0, "changed": 0, "same": 3, "wrong": 0})
    assert b"'=HYPERLINK" in content
    assert {tag: row.updated_at for tag, row in (await stored(house)).items()} == {
        tag: row.updated_at for tag, row in before.items()
    }


async def test_it_goes_into_another_connection_as_it_was(house: House) -> None:
    content = await taken_out(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        for row in await tx.session.scalars(select(MappingRow)):
            row.is_active = False
        second = await factories.integration(tx, house.own.tenant.id)
    status, answer = await sent(house, content, integration_id=second.id, store=True)
    rows = await stored(house)
    assert (status, answer["counts"]["new"], set(rows)) == (
        200,
        2,
        {house.own.vibration.external_tag, house.own.pressure.external_tag},
    )
    again = rows[house.own.vibration.external_tag]
    assert (again.integration_id, again.asset_id) == (second.id, house.own.asset.id)
    for name in ("unit", "range_low", "range_high", "normal_low", "normal_high", "decimals", "scan_s"):
        assert getattr(again, name) == getattr(house.own.vibration, name)


async def test_looking_at_a_file_stores_nothing(house: House) -> None:
    code, tag = house.own.asset.code, house.own.vibration.external_tag
    text = f"{HEAD}NEW-1,{code},flow,m3/h,\n{tag},{code},vibration,mm/s,3.5\n"
    status, answer = await sent(house, text)
    rows = [(row["line"], row["state"], row["changes"]) for row in answer["rows"]]
    assert (status, answer["stored"], rows) == (200, False, [(2, "new", []), (3, "changed", ["normal_high"])])
    after = await stored(house)
    assert (set(after) & {"NEW-1"}, after[tag].normal_high) == (set(), 4.0)


WRONG = [
    ("X-1,NOWHERE,flow,,", "there is no asset NOWHERE"),
    ("X-1,{code},,,", "internal_metric_name"),
    ("X-1,{code},flow,,much", "normal_high"),
    ("X-1,{code},vibration,,", "an asset has each metric once"),
    ("GOOD,{code},temperature,,", "GOOD is in line 2 already"),
    (",{code},flow,,", "external_tag"),
]


@pytest.mark.parametrize(("line", "says"), WRONG)
async def test_a_wrong_row_is_named_and_keeps_all_others_out(house: House, line: str, says: str) -> None:
    code = house.own.asset.code
    text = f"{HEAD}GOOD,{code},power,kW,\n{line.format(code=code)}\n"
    before = set(await stored(house))
    _, looked = await sent(house, text)
    status, refused = await sent(house, text, store=True)
    assert [(row["line"], row["state"]) for row in looked["rows"]] == [(2, "new"), (3, "wrong")]
    assert says in " ".join(looked["rows"][1]["errors"])
    assert (status, refused["detail"].startswith("Line 3: ")) == (409, True)
    assert set(await stored(house)) == before
    status, answer = await sent(house, text, store=True, skip_wrong=True)
    assert (status, set(await stored(house)) - before) == (200, {"GOOD"})
    assert answer["counts"]["wrong"] == 1


async def test_an_import_is_written_down_once_and_counts_for_the_plant(house: House) -> None:
    code, tag = house.own.asset.code, house.own.vibration.external_tag
    text = f"{HEAD}NEW-1,{code},flow,m3/h,\n{tag},{code},vibration,mm/s,3.5\n"
    status, _ = await sent(house, text, store=True)
    async with house.database.transaction(house.own.tenant.id) as tx:
        query = select(AuditLog).where(AuditLog.action == "mappings_imported")
        (written,) = (await tx.session.scalars(query)).all()
    rows = await stored(house)
    assert (status, rows[tag].normal_high, rows["NEW-1"].unit) == (200, 3.5, "m3/h")
    assert list((written.new_values or {})["new"].values()) == ["NEW-1"]
    assert list((written.new_values or {})["changed"].values()) == [tag]


async def test_columns_that_are_left_out_stay_as_they_are(house: House) -> None:
    tag = house.own.vibration.external_tag
    status, _ = await sent(house, f"tag,metric,description\n{tag},vibration,drive end\n", store=True)
    row = (await stored(house))[tag]
    assert (status, row.description, row.asset_id, row.normal_high) == (
        200,
        "drive end",
        house.own.asset.id,
        4.0,
    )


@pytest.mark.clause("G10")
async def test_files_are_for_those_who_manage_connections_and_of_their_own(house: House) -> None:
    own, other = house.own.integration.id, house.other.integration.id
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(PATH, params={"integration_id": other})).status_code == 404
    foreign, _ = await sent(house, f"{HEAD}X,,flow,,\n", integration_id=other)
    no_asset, answer = await sent(house, f"{HEAD}X,{house.other.asset.code},flow,,\n")
    assert (foreign, no_asset, answer["rows"][0]["state"]) == (404, 200, "wrong")
    for role in (Role.VIEWER, Role.ENGINEER, Role.OPTIMIZATION_ENGINEER):
        async with house.client(role) as browser:
            assert (await browser.get(PATH, params={"integration_id": own})).status_code == 403
            assert (await browser.post(PATH, params={"integration_id": own}, content=b"x")).status_code == 403


async def test_what_is_no_table_is_refused(house: House) -> None:
    assert (await sent(house, b""))[0] == 422
    assert (await sent(house, b"a,b\n1,2\n"))[0] == 422
    assert (await sent(house, b"x" * 1_100_000))[0] == 413
