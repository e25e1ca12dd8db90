"""Detectors chosen over HTTP: only those that run reach the stream."""

import pytest

from optria.core.asset import DetectorChoice
from optria.db.configuration import load_plant
from optria.web.shapes import Json
from tests.web.house import House
from tests.web.settings import change_events, done, items, refused

CHOICE: Json = {
    "asset_type": "pump",
    "metric": "vibration",
    "detector": "GaussianScorer",
    "parameters": {"window_size": 600},
}


async def chosen(house: House) -> list[DetectorChoice]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return list((await load_plant(tx, house.own.tenant.id)).detectors)


@pytest.mark.clause("C5")
async def test_a_chosen_detector_reaches_the_stream_until_it_is_removed(house: House) -> None:
    row = await done(house, "POST", "detectors", CHOICE)
    assert await chosen(house) == [
        DetectorChoice("GaussianScorer", {"window_size": 600}, "Pump", "vibration")
    ]
    assert await items(house, "detectors") == [row]
    assert "chooses the same" in await refused(house, 409, "POST", "detectors", CHOICE)
    await done(house, "DELETE", f"detectors/{row['id']}")
    assert await chosen(house) == []
    assert len(await change_events(house)) == 2


async def test_every_name_that_is_offered_may_be_chosen(house: House) -> None:
    offered = (await done(house, "GET", "detectors"))["available"]
    assert isinstance(offered, list)
    assert {"BuiltIn", "GatedLevel", "ZScore", "HalfSpaceTrees", "LODA"} <= set(offered)
    for name in offered:
        await done(house, "POST", "detectors", {"detector": name})
    assert len(await chosen(house)) == len(offered)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"detector": "Crystal ball"}, "no detector"),
        ({"detector": "LocalOutlierFactor"}, "cannot be used"),
        ({"detector": "BuiltIn"}, "no parameter"),
        ({"detector": "BuiltIn", "parameters": {"hold": 99}}, "from 2 to 10"),
        ({"detector": "BuiltIn", "parameters": {"hold": 4}, "metric": "flow"}, "not of a metric"),
        ({"parameters": {"windows": 3}}, "do not fit"),
        ({"parameters": {"window_size": "wide"}}, "GaussianScorer"),
        ({"parameters": {"window_size": [1]}}, "parameters"),
        ({"parameters": {"window_size": 1e9}}, "at most"),
        ({"detector": "HalfSpaceTrees", "parameters": {"height": 30}}, "at most"),
        ({"detector": "HalfSpaceTrees", "parameters": {"n_trees": "many"}}, "fails"),
    ],
)
async def test_a_detector_that_could_not_run_is_refused(house: House, wrong: Json, word: str) -> None:
    assert word in await refused(house, 422, "POST", "detectors", CHOICE | wrong)
    assert await chosen(house) == []
