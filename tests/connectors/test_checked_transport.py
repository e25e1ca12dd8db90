"""A host name cannot lead elsewhere between the check and the call."""

import ssl

import httpx
import pytest
from fastapi import FastAPI, Request

from optria.connectors.checked_transport import CheckedTransport
from tests.fakes.sources import http_server


async def test_a_name_is_called_at_the_addresses_that_were_checked() -> None:
    """The name would lead nowhere; the first address does not answer, the second one does."""
    hosts: list[str] = []
    app = FastAPI(openapi_url=None)

    @app.get("/{path:path}")
    async def answer(request: Request) -> dict[str, str]:
        hosts.append(request.headers["host"])
        return {}

    async with http_server(app) as port:
        transport = CheckedTransport(["127.0.0.9", "127.0.0.1"], ssl.create_default_context())
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            url = f"http://no-such-plant.invalid:{port}/piwebapi"
            for _ in range(2):
                assert (await client.get(url)).status_code == 200
    assert hosts == [f"no-such-plant.invalid:{port}"] * 2
    assert transport.address == "127.0.0.1"


async def test_when_no_address_answers_it_is_said() -> None:
    transport = CheckedTransport(["127.0.0.9", "127.0.0.8"], ssl.create_default_context())
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")
