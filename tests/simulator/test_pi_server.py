"""The simulated PI Web API: the JSON of the real one."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from optria.connectors.pi_answers import decode
from optria.kit import clock
from optria.simulator.pi_server import pi_app, pi_time, web_id
from tests.fakes.hosting import hosted
from tests.fakes.plant import FakePlant
from tests.fakes.sources import http_server

pytestmark = pytest.mark.asyncio(loop_scope="module")
AUTH = ("pi", "secret")


@pytest.fixture(scope="module")
def plant() -> FakePlant:
    plant = FakePlant(12)
    plant.fill(30)
    return plant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def port(plant: FakePlant) -> AsyncIterator[int]:
    app = FastAPI(openapi_url=None)
    app.mount("/piwebapi", pi_app(plant, *AUTH))
    async for made in hosted(http_server(app)):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(port: int) -> AsyncIterator[httpx.AsyncClient]:
    base = f"http://127.0.0.1:{port}/piwebapi"
    async with httpx.AsyncClient(base_url=base, auth=AUTH, trust_env=False) as client:
        yield client


@pytest.mark.clause("C2")
@pytest.mark.parametrize(
    "path", ["system", "dataservers", "points?path=x", "streamsets/value?webId=a", "batch"]
)
async def test_nothing_without_signing_in(http: httpx.AsyncClient, path: str) -> None:
    method = "POST" if path == "batch" else "GET"
    answer = await http.request(method, path, auth=("pi", "wrong"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.clause("C2")
async def test_from_the_server_to_a_value_by_links(http: httpx.AsyncClient, plant: FakePlant) -> None:
    server = (await http.get("dataservers")).json()["Items"][0]
    found = (await http.get(f"dataservers/{server['WebId']}/points", params={"nameFilter": "*0003"})).json()
    (point,) = found["Items"]
    assert point["Path"] == f"\\\\{server['Name']}\\{plant.names[3]}"
    assert (point["Zero"], point["Span"], point["EngineeringUnits"]) == (0.0, 150.0, "°C")
    assert (await http.get(point["Links"]["Self"])).json()["WebId"] == point["WebId"]
    value = (await http.get(f"streams/{point['WebId']}/value")).json()
    assert set(value) == {
        "Timestamp",
        "UnitsAbbreviation",
        "Good",
        "Questionable",
        "Substituted",
        "Annotated",
        "Value",
    }


async def test_points_come_in_pages(http: httpx.AsyncClient) -> None:
    path = f"dataservers/{web_id('')}/points"
    page = (await http.get(path, params={"startIndex": 10, "maxCount": 5})).json()["Items"]
    assert len(page) == 2


@pytest.mark.parametrize(
    "path",
    [
        "points?path=\\\\OPTRIA-PI\\NONE",
        "points?path=\\\\OTHER\\P-0.TT-0001",
        "points/F1DPnone",
        "streams/F1DPnone/value",
        "streams/F1DPnone/recorded",
        "streamsets/value?webId=F1DPnone",
        "dataservers/F1DPnone/points",
    ],
)
async def test_unknown_things_are_404_with_errors(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json()["Errors"]


@pytest.mark.clause("C2")
async def test_bad_values_are_digital_states(http: httpx.AsyncClient, plant: FakePlant) -> None:
    now = clock.now()
    plant.push(
        [(plant.names[0], now, 5.0, 2), (plant.names[1], now, 6.0, 1), (plant.names[2], now, math.nan, 0)]
    )
    ids = [web_id(name) for name in plant.names[:3]]
    answer = (await http.get("streamsets/value", params=[("webId", one) for one in ids])).json()
    bad, doubtful, nan = (item["Value"] for item in answer["Items"])
    assert bad["Value"] == {"Name": "Bad Input", "Value": 255, "IsSystem": True}
    assert (bad["Good"], doubtful["Good"], doubtful["Questionable"]) == (False, True, True)
    assert nan["Value"]["IsSystem"]
    assert doubtful["Timestamp"].endswith("0Z")
    assert len(doubtful["Timestamp"]) == len("2026-11-22T13:12:01.1234567Z")


@pytest.mark.clause("C2")
async def test_recorded_values_by_relative_time_and_count(http: httpx.AsyncClient, plant: FakePlant) -> None:
    webid = web_id(plant.names[7])
    query = "startTime=*-20s&endTime=*&maxCount=5"
    items = (await http.get(f"streams/{webid}/recorded?{query}")).json()["Items"]
    assert len(items) == 5
    oldest = pi_time(round((clock.now() - timedelta(seconds=60)).timestamp()) * 1_000_000)
    assert oldest < items[0]["Timestamp"] < items[-1]["Timestamp"]
    both = f"webId={webid}&webId={web_id(plant.names[8])}&startTime=*-1h"
    sets = (await http.get(f"streamsets/recorded?{both}")).json()["Items"]
    assert [len(one["Items"]) for one in sets] == [len(plant.rows[n]) for n in plant.names[7:9]]


async def test_a_time_nobody_can_read_is_400(http: httpx.AsyncClient, plant: FakePlant) -> None:
    answer = await http.get(f"streams/{web_id(plant.names[0])}/recorded", params={"startTime": "soon"})
    assert answer.status_code == 400
    assert "soon" in answer.json()["Errors"][0]


@pytest.mark.clause("C2")
async def test_a_batch_answers_each_request_by_itself(http: httpx.AsyncClient, plant: FakePlant) -> None:
    base = str(http.base_url)
    asked = {
        "one": {"Method": "GET", "Resource": f"{base}points?path=%5C%5COPTRIA-PI%5C{plant.names[4]}"},
        "two": {"Method": "GET", "Resource": f"{base}points?path=%5C%5COPTRIA-PI%5CNONE"},
        "three": {"Method": "DELETE", "Resource": f"{base}points/x"},
    }
    answer = await http.post("batch", json=asked)
    assert answer.status_code == 207
    body = answer.json()
    assert {name: one["Status"] for name, one in body.items()} == {"one": 200, "two": 404, "three": 405}
    assert body["one"]["Content"]["WebId"] == web_id(plant.names[4])
    assert body["one"]["Content"]["Links"]["Self"].startswith(base)


@pytest.mark.clause("C2")
async def test_a_channel_gives_the_present_then_changes_then_heartbeats(
    http: httpx.AsyncClient, port: int, plant: FakePlant
) -> None:
    query = f"webId={web_id(plant.names[9])}&includeInitialValues=true&heartbeatRate=0.2"
    url = f"ws://pi:secret@127.0.0.1:{port}/piwebapi/streamsets/channel?{query}"
    async with asyncio.timeout(20), connect(url, proxy=None) as socket:
        first = decode(await socket.recv())
        plant.push([(plant.names[9], clock.now(), 77.0, 0), (plant.names[8], clock.now(), 78.0, 0)])
        second = decode(await socket.recv())
        while (beat := decode(await socket.recv())) != {"Links": {}, "Items": []}:
            second = beat
    assert [item["Name"] for item in first["Items"]] == [plant.names[9]]  # type: ignore[index]
    assert [item["Items"][0]["Value"] for item in second["Items"]] == [77.0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("user", "webid", "status"), [("wrong", "P-0.TT-0001", 401), ("secret", "NONE", 404)]
)
async def test_a_channel_is_denied(port: int, user: str, webid: str, status: int) -> None:
    url = f"ws://pi:{user}@127.0.0.1:{port}/piwebapi/streamsets/channel?webId={web_id(webid)}"
    with pytest.raises(InvalidStatus) as denied:
        async with connect(url, proxy=None):
            pass
    assert denied.value.response.status_code == status


async def test_a_client_that_leaves_frees_its_subscription(port: int, plant: FakePlant) -> None:
    before = len(plant.callbacks)
    url = f"ws://pi:secret@127.0.0.1:{port}/piwebapi/streamsets/channel?webId={web_id(plant.names[1])}"
    async with connect(url, proxy=None):
        for _ in range(100):
            if len(plant.callbacks) > before:
                break
            await asyncio.sleep(0.02)
        assert len(plant.callbacks) == before + 1
    for _ in range(100):
        if len(plant.callbacks) == before:
            break
        await asyncio.sleep(0.02)
    assert len(plant.callbacks) == before
