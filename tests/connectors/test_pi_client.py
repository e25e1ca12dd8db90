"""What a PI Web API refuses, in sentences, over a real socket."""

from pathlib import Path

import pytest
from fastapi import FastAPI, Response

from optria.connectors.pi_client import LONGEST_QUERY, short_queries
from optria.connectors.pi_webapi import PiConnector
from tests.fakes.sources import http_server


async def message_for(status: int, body: bytes, tmp_path: Path, **headers: str) -> str:
    app = FastAPI(openapi_url=None)

    @app.get("/piwebapi/{path:path}")
    async def answer(path: str) -> Response:
        return Response(body, status, headers)

    async with http_server(app) as port:
        patient = {"endpoint_url": f"http://127.0.0.1:{port}/piwebapi", "request_timeout_s": 60}
        connector = PiConnector(patient, tmp_path)
        found = await connector.probe()
    assert not found.ok
    return found.message


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "refused the user name or password"),
        (403, "does not let this user read"),
        (404, "There is no PI Web API"),
        (429, "asks to slow down"),
        (500, "has a fault of its own"),
        (503, "has a fault of its own"),
        (418, "refused the request"),
    ],
)
async def test_a_status_is_a_sentence(status: int, sentence: str, tmp_path: Path) -> None:
    assert sentence in await message_for(status, b"{}", tmp_path)


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    said = await message_for(302, b"", tmp_path, location="http://169.254.169.254/latest")
    assert "redirects to another address" in said


@pytest.mark.parametrize("body", [b"<html>", b"{", b'{"a":' + b"[" * 100_000])
async def test_what_is_no_json_is_a_sentence(body: bytes, tmp_path: Path) -> None:
    assert "no PI Web API data" in await message_for(200, body, tmp_path)


async def test_a_missing_data_server_is_named(tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/piwebapi/{path:path}")
    async def answer(path: str) -> dict[str, object]:
        return {"Items": [{"Name": "PLANT-PI", "WebId": "x"}]}

    async with http_server(app) as port:
        config = {"endpoint_url": f"http://127.0.0.1:{port}/piwebapi", "data_server": "OTHER"}
        found = await PiConnector(config, tmp_path).probe()
    assert "has no data server 'OTHER'. It has: PLANT-PI." in found.message


def test_queries_stay_under_the_limit_of_iis() -> None:
    ids = [f"F1DP{'x' * 60}{n}" for n in range(200)]
    groups = list(short_queries(ids))
    assert [one for group in groups for one in group] == ids
    assert all(sum(len(one) + 7 for one in group) <= LONGEST_QUERY for group in groups)
    assert list(short_queries([])) == []
    assert list(short_queries(["a", "b", "c"], most=2)) == [["a", "b"], ["c"]]
