"""Carbon factors and downtimes over HTTP: what an estimate uses from then on."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from optria.blackbox import references
from optria.blackbox.references import References
from optria.db.configuration import asset_of
from optria.kit import clock
from optria.rca.impact import downtime_reference
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import change_events, deeds, done, items, refused

GRID: Json = {"energy_type": "electricity", "factor_kg_per_kwh": 0.568, "valid_from": "2026-01-01"}


async def known(house: House, at: datetime | None = None) -> References:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await references.load(tx, asset_of(house.own.asset), at or clock.now())


async def factors(house: House, at: datetime | None = None) -> list[Decimal]:
    return [one.factor_kg_per_kwh for one in (await known(house, at))["carbon_factors"]]


@pytest.mark.clause("A25", "I7")
async def test_a_factor_counts_from_its_day_and_not_once_retired(house: House) -> None:
    await done(house, "POST", "carbon-factors", GRID)
    tomorrow = clock.now() + timedelta(days=1)
    later = GRID | {"factor_kg_per_kwh": 0.4, "valid_from": tomorrow.date().isoformat()}
    row = await done(house, "POST", "carbon-factors", later)
    assert await factors(house) == [Decimal("0.568")]
    assert (await factors(house, tomorrow + timedelta(days=1)))[0] == Decimal("0.4")
    await done(house, "POST", f"carbon-factors/{row['id']}/retire")
    assert await factors(house, tomorrow + timedelta(days=1)) == [Decimal("0.568")]
    assert "not in force" in await refused(house, 409, "POST", f"carbon-factors/{row['id']}/retire")
    assert len(await items(house, "carbon-factors")) == 2
    assert len(await items(house, "carbon-factors?is_active=true")) == 1
    assert await deeds(house) == ["carbon_factor_added"] * 2 + ["carbon_factor_retired"]
    assert len(await change_events(house)) == 3


async def test_two_factors_of_one_energy_begin_on_different_days(house: House) -> None:
    await done(house, "POST", "carbon-factors", GRID)
    again = GRID | {"energy_type": "Electricity"}
    assert "already" in await refused(house, 409, "POST", "carbon-factors", again)


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor_kg_per_kwh": -0.1},
        {"factor_kg_per_kwh": 10},
        {"factor_kg_per_kwh": 0.1234567},
        {"factor_kg_per_kwh": "NaN"},
        {"energy_type": "\u0000"},
        {"valid_from": "0001-01-01"},
    ],
)
async def test_what_is_no_factor_is_refused(house: House, wrong: Json) -> None:
    await refused(house, 422, "POST", "carbon-factors", GRID | wrong)


@pytest.mark.clause("A21")
async def test_a_downtime_of_the_type_goes_before_that_of_every_asset(house: House) -> None:
    async def hours() -> Decimal:
        found = (await known(house))["downtime_references"]
        return downtime_reference(found, "Bearing Fault", "Pump").hours

    await done(house, "PUT", "downtime-references", {"cause": "BEARING_FAULT", "hours": 10})
    assert await hours() == 10
    asked: Json = {"cause": "Bearing Fault", "asset_type": "pump", "hours": 8}
    row = await done(house, "PUT", "downtime-references", asked)
    assert await hours() == 8
    assert await done(house, "PUT", "downtime-references", asked | {"hours": 7}) == row | {"hours": 7}
    assert await hours() == 7
    assert len(await items(house, "downtime-references")) == 2
    assert await items(house, "downtime-references?asset_type=PUMP") == [row | {"hours": 7}]
    await done(house, "DELETE", f"downtime-references/{row['id']}")
    assert await hours() == 10


@pytest.mark.parametrize("wrong", [{"hours": -1}, {"hours": 1e9}, {"cause": ""}, {"hours": 1.234}])
async def test_what_is_no_downtime_is_refused(house: House, wrong: Json) -> None:
    await refused(house, 422, "PUT", "downtime-references", {"cause": "Seal Leak", "hours": 2} | wrong)
