"""The plant is controlled over HTTP."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from optria.simulator.control import control_app
from optria.simulator.fault_kinds import FAULT_KINDS
from optria.simulator.plant import SimulatedPlant
from optria.simulator.replay import ReplayedPlant
from tests.simulator.serving import served


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = control_app(SimulatedPlant(preheat_minutes=1))
    async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def test_the_state_has_every_tag(client: httpx.AsyncClient) -> None:
    state = (await client.get("/plant/state")).json()
    assert len(state["readings"]) == 120
    assert state["active_faults"] == 0
    reading = next(r for r in state["readings"] if r["tag"] == "P-102B.VT-1022")
    assert (reading["quality"], reading["unit"]) == ("good", "mm/s")
    assert 1.3 < reading["value"] < 3.1
    assert datetime.fromisoformat(reading["source_time"]).tzinfo is not None


async def test_the_catalogue(client: httpx.AsyncClient) -> None:
    catalogue = (await client.get("/plant/catalogue")).json()
    assert {key: len(rows) for key, rows in catalogue.items()} == {
        "sites": 2,
        "assets": 18,
        "tags": 120,
        "links": 16,
    }


@pytest.mark.clause("C8")
async def test_a_fault_is_injected_listed_and_cleared(client: httpx.AsyncClient) -> None:
    body = {"kind": "bearing-wear", "asset": "P-102B", "severity": 0.8, "ramp_s": 30}
    made = await client.post("/plant/faults", json=body)
    assert made.status_code == 201
    label = made.json()
    assert (label["cause"], label["asset"], label["ended_at"]) == ("Bearing Fault", "P-102B", None)
    listed = (await client.get("/plant/faults")).json()
    assert [kind["kind"] for kind in listed["kinds"]] == list(FAULT_KINDS)
    assert listed["active"] == listed["labels"] == [label]
    cleared = await client.delete(f"/plant/faults/{label['id']}")
    assert cleared.status_code == 200
    assert cleared.json()["ended_at"] is not None
    assert (await client.get("/plant/faults")).json()["active"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "bearing-wear", "asset": "P-1"}, "no asset 'P-1'; bearing-wear fits: PUMP-001"),
        ({"kind": "rust", "asset": "P-102B"}, "no fault 'rust'; choose one of: bearing-wear"),
        ({"kind": "surge", "asset": "P-102B"}, "P-102B is a Pump; surge fits: COMP-001, COMP-002"),
        ({"kind": "surge", "asset": "COMP-002", "severity": 2}, "severity is 2"),
        ({"kind": "surge"}, "asset: Field required"),
        ({"kind": "surge", "asset": "COMP-002", "loud": True}, "loud"),
        ({"kind": "surge", "asset": "COMP-002", "ramp_s": "long"}, "ramp_s"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    client: httpx.AsyncClient, body: dict[str, object], words: str
) -> None:
    refused = await client.post("/plant/faults", json=body)
    assert refused.status_code == 422
    assert words in refused.json()["detail"]


async def test_a_body_that_is_no_json_is_refused(client: httpx.AsyncClient) -> None:
    refused = await client.post("/plant/faults", content=b"{", headers={"content-type": "application/json"})
    assert refused.status_code == 422
    assert isinstance(refused.json()["detail"], str)


async def test_an_unknown_fault_is_not_found(client: httpx.AsyncClient) -> None:
    missing = await client.delete("/plant/faults/F9999")
    assert missing.status_code == 404
    assert "F9999" in missing.json()["detail"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://[bad"]
)
async def test_pages_of_other_origins_may_not_change_the_plant(
    client: httpx.AsyncClient, origin: str
) -> None:
    body = {"kind": "surge", "asset": "COMP-002"}
    refused = await client.post("/plant/faults", json=body, headers={"origin": origin})
    assert refused.status_code == 403
    assert "detail" in refused.json()
    assert (await client.get("/plant/faults")).json()["labels"] == []


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
async def test_pages_of_this_machine_may(client: httpx.AsyncClient, origin: str) -> None:
    body = {"kind": "surge", "asset": "COMP-002"}
    made = await client.post("/plant/faults", json=body, headers={"origin": origin})
    assert made.status_code == 201


async def test_a_replay_says_how_its_times_are_moved(tmp_path: Path) -> None:
    path = tmp_path / "loop.csv"
    path.write_text("time,x\n2020-03-09 10:00:00,1\n2020-03-09 10:00:05,2\n", encoding="utf-8")
    plant = ReplayedPlant(path, speed=1000.0)
    async with served(control_app(plant)) as url, httpx.AsyncClient(base_url=url) as client:
        before = (await client.get("/plant/replay")).json()
        await plant.run()
        after = (await client.get("/plant/replay")).json()
    assert (before["source_start"], before["delivered"], before["rows"]) == (None, 0, 2)
    assert after["recorded_start"] == "2020-03-09T10:00:00Z"
    first = plant.source_time_of(datetime.fromisoformat(after["recorded_start"]))
    assert datetime.fromisoformat(after["source_start"]) == first
    assert after["delivered"] == 2


async def test_the_simulated_plant_has_no_replay(client: httpx.AsyncClient) -> None:
    assert (await client.get("/plant/replay")).status_code == 404
