"""Costs of downtime over HTTP: what an estimate uses is what was approved."""

from decimal import Decimal

import pytest

from optria.blackbox import references
from optria.db.configuration import asset_of
from optria.kit import clock
from optria.rca.case import CostReference
from optria.rca.impact import cost_reference
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import change_events, deeds, done, items, refused


async def used(house: House) -> CostReference | None:
    """The cost that an analysis of the own asset would use now."""
    asset = asset_of(house.own.asset)
    async with house.database.transaction(house.own.tenant.id) as tx:
        known = await references.load(tx, asset, clock.now())
    return cost_reference(known["cost_references"], asset)


async def approved(house: House, body: Json) -> dict[str, object]:
    proposed = await done(house, "POST", "cost-references", body)
    return await done(house, "POST", f"cost-references/{proposed['id']}/approve")


@pytest.mark.clause("A22", "I8")
async def test_only_an_approved_cost_counts_and_the_narrowest_first(house: House) -> None:
    own = house.own
    proposed = await done(house, "POST", "cost-references", {"cost_per_hour": 500})
    assert await used(house) is None
    await done(house, "POST", f"cost-references/{proposed['id']}/approve")
    scopes: list[Json] = [
        {},
        {"asset_type": "pump"},
        {"site_id": own.site.id},
        {"asset_id": own.asset.id, "currency": "USD"},
    ]
    for amount, scope in enumerate(scopes, 5):
        if scope:
            await approved(house, {"cost_per_hour": amount * 100, **scope})
        found = await used(house)
        assert found is not None
        assert found.cost_per_hour == Decimal(amount * 100)
    assert found is not None
    assert found.currency == "USD"


@pytest.mark.clause("A22")
async def test_a_new_cost_ends_the_old_one(house: House) -> None:
    old = await approved(house, {"cost_per_hour": "8000.50", "source": "Plan 2026"})
    new = await done(house, "POST", "cost-references", {"cost_per_hour": 9000, "replaces_id": old["id"]})
    await done(house, "POST", f"cost-references/{new['id']}/approve")
    found = await used(house)
    assert found is not None
    assert found.cost_per_hour == 9000
    assert [row["id"] for row in await items(house, "cost-references?status=ended")] == [old["id"]]
    assert "instead of 8000.50 SAR an hour" in str((await change_events(house))[-1].summary)


async def test_a_retired_cost_counts_no_more(house: House) -> None:
    row = await approved(house, {"cost_per_hour": 700, "asset_id": house.own.asset.id})
    await done(house, "POST", f"cost-references/{row['id']}/retire")
    assert await used(house) is None
    assert (await change_events(house))[-1].asset_id == house.own.asset.id
    assert await deeds(house) == [f"cost_reference_{deed}" for deed in ("proposed", "approved", "retired")]


async def test_a_cost_is_turned_down(house: House) -> None:
    row = await done(house, "POST", "cost-references", {"cost_per_hour": 700})
    ended = await done(house, "POST", f"cost-references/{row['id']}/reject", {"reason": "Too little"})
    assert (ended["turned_down"], ended["reason"]) == (True, "Turned down: Too little")
    assert await done(house, "GET", f"cost-references/{row['id']}") == ended


@pytest.mark.parametrize(
    "changes",
    [
        {"cost_per_hour": -1},
        {"cost_per_hour": 1.234},
        {"cost_per_hour": 1e14},
        {"cost_per_hour": "Infinity"},
        {"currency": "sar"},
        {"currency": "ABC"},
        {"currency": "RIYAL"},
        {"asset_type": "Pump", "site_id": 1},
    ],
)
async def test_what_is_no_cost_is_refused(house: House, changes: Json) -> None:
    await refused(house, 422, "POST", "cost-references", {"cost_per_hour": 5} | changes)


async def test_a_scope_has_one_cost(house: House) -> None:
    row = await approved(house, {"cost_per_hour": 700, "asset_type": "Pump"})
    again: Json = {"cost_per_hour": 800, "asset_type": "PUMP"}
    assert "replaces_id" in await refused(house, 409, "POST", "cost-references", again)
    elsewhere: Json = {"cost_per_hour": 800, "replaces_id": row["id"]}
    assert "another asset" in await refused(house, 422, "POST", "cost-references", elsewhere)
    assert len(await items(house, "cost-references?asset_type=pump&status=in_force")) == 1
    assert await items(house, f"cost-references?asset_id={house.own.asset.id}") == []
    assert await items(house, f"cost-references?site_id={house.own.site.id}") == []


async def test_a_foreign_asset_or_site_does_not_exist(house: House) -> None:
    for scope in ({"asset_id": house.other.asset.id}, {"site_id": house.other.site.id}):
        await refused(house, 404, "POST", "cost-references", {"cost_per_hour": 5, **scope})
