"""PI Web API without channels, with paging, and with rubbish on the channel."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from optria.connectors import pi_webapi
from optria.connectors.base import LinkState
from optria.connectors.pi_webapi import PiConnector
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import SampleBatch
from optria.kit import clock
from optria.simulator.pi_server import pi_app, web_id
from tests.fakes.plant import FakePlant
from tests.fakes.sources import http_server


def made(plant: FakePlant, *, channels: bool) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.mount("/piwebapi", pi_app(plant, "u", "p", channels=channels))
    return app


def connector(port: int, **changes: object) -> PiConnector:
    config: dict[str, object] = {
        "endpoint_url": f"http://127.0.0.1:{port}/piwebapi",
        "username": "u",
        "password": "p",
        "sampling_interval_ms": 20,
    }
    return PiConnector({**config, **changes}, Path())


async def test_where_channels_are_refused_it_polls_and_says_so() -> None:
    plant = FakePlant(3)
    plant.tick()
    got: list[SampleBatch] = []
    async with http_server(made(plant, channels=False)) as port, asyncio.TaskGroup() as group:
        polling = connector(port)
        task = group.create_task(polling.run(plant.mappings(), got.append))
        async with asyncio.timeout(30):
            while sum(map(len, got)) < 9:
                plant.tick(len(got))
                await asyncio.sleep(0.05)
        task.cancel()
    assert polling.link.rejected["channel refused, polling"] == 1
    times = [(s.tag, s.source_time) for s in SampleBatch.concat(got).rows()]
    assert len(times) == len(set(times))


async def test_long_histories_come_page_by_page() -> None:
    plant = FakePlant(2)
    end = clock.now()
    count = pi_webapi.VALUES_PER_STREAM * 2 + 17
    for n in range(count):
        plant.push([(plant.names[0], end - timedelta(milliseconds=100 * (count - n)), float(n), 0)])
    plant.push([(plant.names[1], end - timedelta(seconds=1), 7.0, 0)])
    async with http_server(made(plant, channels=True)) as port:
        history = await connector(port).read_history(plant.mappings(), end - timedelta(hours=1), end)
    first = history.select(history.tag == 1)
    assert first.value.tolist() == [float(n) for n in range(count)]
    assert len(history) == count + 1


async def test_a_point_whose_history_is_refused_costs_the_others_nothing() -> None:
    plant = FakePlant(3)
    since = plant.fill(10)
    app = made(plant, channels=True)

    @app.middleware("http")
    async def refuse(request: Request, call_next: RequestResponseEndpoint) -> Response:
        asked = request.query_params.getlist("webId")
        is_gone = request.url.path.endswith("/recorded") and asked and web_id(plant.names[1]) in asked
        return Response(status_code=404) if is_gone else await call_next(request)

    async with http_server(app) as port:
        asking = connector(port)
        history = await asking.read_history(plant.mappings(), since, clock.now())
    assert set(history.tag.tolist()) == {1, 3}
    assert asking.link.warning == (
        "The server gives no history of 1 of 3 signals; they are read from now on."
    )


async def test_none_of_the_tags_known_is_a_sentence() -> None:
    plant, other = FakePlant(3), FakePlant(40)
    async with http_server(made(plant, channels=True)) as port:
        lost = connector(port)
        with pytest.raises(ConnectorUnavailable, match="None of the mapped tags exists"):
            await lost.run(other.mappings()[30:], lambda _batch: None)
    assert lost.link.state is LinkState.LOST
    assert len(lost.link.missing) == 10
