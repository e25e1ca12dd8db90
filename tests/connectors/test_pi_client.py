"""What a PI Web API refuses, in sentences, over a real socket."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fastapi import FastAPI, Response

from optria.connectors.allowed_hosts import EVERYWHERE
from optria.connectors.pi_client import (
    LONGEST_QUERY,
    ChannelRefused,
    PiConfig,
    pi_client,
    short_queries,
)
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


async def test_a_channel_is_not_sent_on_to_another_address() -> None:
    """The WebSocket library follows redirects by itself; a plant's server could send us anywhere."""
    called: list[str] = []

    def server(name: str, answer: bytes) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
        async def talk(reader: StreamReader, writer: StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            called.append(name)
            writer.write(answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        return talk

    nothing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with await asyncio.start_server(server("elsewhere", nothing), "127.0.0.1", 0) as elsewhere:
        other = elsewhere.sockets[0].getsockname()[1]
        moved = f"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n"
        async with await asyncio.start_server(server("plant", moved.encode()), "127.0.0.1", 0) as plant:
            url = f"http://127.0.0.1:{plant.sockets[0].getsockname()[1]}/piwebapi"
            async with pi_client(PiConfig(endpoint_url=url), EVERYWHERE) as client:
                with pytest.raises(ChannelRefused):
                    async with client.channel(["x"]):
                        pass
    assert called == ["plant"]


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
