"""Clock corrections over HTTP: the stream and the analysis take them off."""

import pytest

from optria.blackbox import references
from optria.db.configuration import asset_of, load_plant
from optria.db.plant import ClockDrift
from optria.kit import clock
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import change_events, done, items, refused


@pytest.mark.clause("A2")
async def test_the_clock_of_a_connection_is_corrected_in_its_stream(house: House) -> None:
    source = f"integration:{house.own.integration.id}"
    row = await done(house, "PUT", "clock-drifts", {"source": source, "drift_s": 90})
    assert await _in_stream(house) == {house.own.integration.id: 90.0}
    again = await done(house, "PUT", "clock-drifts", {"source": source, "drift_s": -1.5})
    assert again == row | {"drift_s": -1.5}
    assert await _in_stream(house) == {house.own.integration.id: -1.5}
    await done(house, "DELETE", f"clock-drifts/{row['id']}")
    assert await _in_stream(house) == {}
    assert len(await change_events(house)) == 3


async def _in_stream(house: House) -> dict[int, float]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return dict((await load_plant(tx, house.own.tenant.id)).clock_drift_s)


@pytest.mark.clause("A1", "A2")
async def test_the_clock_of_a_source_system_is_corrected_in_the_analysis(house: House) -> None:
    body: Json = {"source": "SCADA", "drift_s": 12, "time_zone": "Asia/Riyadh"}
    row = await done(house, "PUT", "clock-drifts", body)
    async with house.database.transaction(house.own.tenant.id) as tx:
        known = await references.load(tx, asset_of(house.own.asset), clock.now())
    assert known["clock_drift_s"] == {"SCADA": 12.0}
    assert known["time_zones"] == {"SCADA": "Asia/Riyadh"}
    assert await items(house, "clock-drifts") == [row]


@pytest.mark.parametrize(
    "wrong",
    [
        {"drift_s": 86_401},
        {"drift_s": -86_401},
        {"drift_s": "NaN"},
        {"time_zone": "Asia/Atlantis"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "Asia"},
        {"source": ""},
        {"source": "integration:x"},
        {"source": "integration:0"},
        {"source": "integration:9999999999"},
        {"source": "Integration:1"},
    ],
)
async def test_what_is_no_correction_is_refused(house: House, wrong: Json) -> None:
    await refused(house, 422, "PUT", "clock-drifts", {"source": "SCADA", "drift_s": 1} | wrong)


async def test_a_foreign_connection_is_not_known(house: House) -> None:
    source = f"integration:{house.other.integration.id}"
    said = await refused(house, 422, "PUT", "clock-drifts", {"source": source, "drift_s": 1})
    assert "no connection" in said


async def test_a_correction_of_no_connection_leaves_the_plant_readable(house: House) -> None:
    """Rows may have been written by hand."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(ClockDrift(tenant_id=house.own.tenant.id, source="integration:two", drift_s=3))
    assert await _in_stream(house) == {}
