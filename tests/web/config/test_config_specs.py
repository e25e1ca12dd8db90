"""Machine specs over HTTP: what is stored is what the analysis reads."""

from decimal import Decimal

import pytest

from optria.blackbox import references
from optria.db.configuration import asset_of
from optria.kit import clock
from optria.rca.case import MachineSpec, Step
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import change_events, deeds, done, items, refused

DATA: Json = {
    "document": "Data sheet",
    "checklist_page": 22,
    "checklist": ["Look at the seal.", {"text": "Listen.", "text_ar": "أنصت."}],
    "typical_power_kw": 132.5,
    "expected": {"vibration": [0, 4.5]},
    "cause_pages": {"PUMP_CAVITATION": 26},
    "cause_steps": {"Seal Leak": ["Refill the pot."]},
}


async def read(house: House) -> MachineSpec | None:
    """The spec that an analysis of the own asset would go by."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        return (await references.load(tx, asset_of(house.own.asset), clock.now()))["spec"]


@pytest.mark.clause("I3")
async def test_the_analysis_reads_what_was_stored(house: House) -> None:
    await done(house, "POST", "machine-specs", {"asset_type": "pump", "spec": DATA})
    assert await read(house) == MachineSpec(
        document="Data sheet",
        checklist_page=22,
        checklist=(Step("Look at the seal."), Step("Listen.", "أنصت.")),
        typical_power_kw=Decimal("132.5"),
        expected={"vibration": (0.0, 4.5)},
        cause_pages={"Pump Cavitation": 26},
        cause_steps={"Seal Leak": (Step("Refill the pot."),)},
    )


@pytest.mark.clause("I3")
async def test_the_assets_own_goes_before_that_of_its_type(house: House) -> None:
    await done(house, "POST", "machine-specs", {"asset_type": "Pump", "spec": {"document": "Of pumps"}})
    body: Json = {"asset_id": house.own.asset.id, "spec": {"document": "Of this pump"}}
    row = await done(house, "POST", "machine-specs", body)
    path = f"machine-specs/{row['id']}"
    found = await read(house)
    assert found is not None
    assert found.document == "Of this pump"
    changed = await done(house, "PUT", path, {"checklist_page": 3})
    assert changed["spec"] == {"checklist_page": 3}
    assert await done(house, "GET", path) == changed
    await done(house, "DELETE", path)
    found = await read(house)
    assert found is not None
    assert found.document == "Of pumps"
    assert [event.asset_id for event in await change_events(house)] == [None] + [house.own.asset.id] * 3
    assert (await deeds(house))[1:] == [f"machine_spec_{verb}" for verb in ("added", "changed", "removed")]


async def test_a_scope_has_one_spec(house: House) -> None:
    await done(house, "POST", "machine-specs", {"asset_type": "Pump", "spec": DATA})
    body: Json = {"asset_type": "PUMP", "spec": {}}
    assert "same scope" in await refused(house, 409, "POST", "machine-specs", body)
    assert len(await items(house, "machine-specs?asset_type=pump")) == 1
    assert await items(house, f"machine-specs?asset_id={house.own.asset.id}") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"checklist_page": 0},
        {"checklist": [3]},
        {"checklist": [""]},
        {"checklist": [{"text_ar": "أنصت."}]},
        {"typical_power_kw": -1},
        {"typical_power_kw": "NaN"},
        {"expected": {"vibration": [4, 1]}},
        {"expected": {"vibration": [1]}},
        {"expected": {"vibration": 3}},
        {"cause_pages": {"Seal Leak": "last"}},
        {"colour": "red"},
    ],
)
async def test_a_spec_that_could_not_be_read_is_refused(house: House, wrong: Json) -> None:
    await refused(house, 422, "POST", "machine-specs", {"asset_type": "Pump", "spec": wrong})


async def test_a_foreign_asset_does_not_exist(house: House) -> None:
    await refused(house, 404, "POST", "machine-specs", {"asset_id": house.other.asset.id, "spec": {}})
