"""What is sent compressed, and what is not."""

import pytest

from optria.core.roles import Role
from optria.web.rendering import static
from tests.web.house import House

PACKED, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("name", ["app.css", "js/app.js", "icons.svg"])
async def test_assets_are_smaller_on_the_way_and_the_same_on_arrival(house: House, name: str) -> None:
    async with house.client() as client:
        plain = await client.get(static(name), headers=PLAIN)
        packed = await client.get(static(name), headers=PACKED)
    assert packed.content == plain.content
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["cache-control"] == plain.headers["cache-control"]
    assert packed.headers["content-type"] == plain.headers["content-type"]


async def test_fonts_are_compressed_already(house: House) -> None:
    async with house.client() as client:
        font = await client.get(static("fonts/ibm-plex-mono-latin-400-normal.woff2"), headers=PACKED)
    assert font.status_code == 200
    assert "content-encoding" not in font.headers


async def test_pages_are_compressed_and_the_api_is_not(house: House) -> None:
    async with house.client(Role.ENGINEER) as client:
        plain = await client.get("/digital-twin", headers=PLAIN | {"Accept": "text/html"})
        packed = await client.get("/digital-twin", headers=PACKED | {"Accept": "text/html"})
        answer = await client.get("/api/twins/assets", headers=PACKED)
    assert "</html>" in packed.text
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert "content-encoding" not in answer.headers


async def test_a_client_that_takes_no_gzip_gets_none(house: House) -> None:
    async with house.client() as client:
        answer = await client.get(static("app.css"), headers={"Accept-Encoding": "br, x-gzip;q=0.5"})
        missing = await client.get(static("no.css"), headers=PACKED)
    assert "content-encoding" not in answer.headers
    assert missing.status_code == 404
