"""Headers, and pages of other origins."""

import httpx
import pytest
from fastapi import FastAPI

from optria.core.roles import Role
from optria.web.security import CONTENT_SECURITY_POLICY, HEADERS
from tests.web.house import House, build


@pytest.mark.parametrize("path", ["/health", "/api/auth/me", "/nowhere", "/api/assets/x"])
async def test_every_answer_carries_the_headers(house: House, path: str) -> None:
    async with house.client() as browser:
        answer = await browser.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


async def test_an_unexpected_failure_is_a_sentence_with_the_headers(house: House) -> None:
    app: FastAPI = house.app

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://plant.test") as browser:
        answer = await browser.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_no_inline_and_no_foreign_script() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://plant.test", "sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
async def test_a_foreign_page_changes_nothing(house: House, headers: dict[str, str], status: int) -> None:
    async with house.client(Role.VIEWER) as browser:
        answer = await browser.post("/api/notifications/mark-all-read", headers=headers)
    assert answer.status_code == status


async def test_a_page_asks_to_sign_in_and_comes_back(house: House) -> None:
    async with house.client() as browser:
        page = await browser.get("/api/../digital", headers={"accept": "text/html"})
        api = await browser.get("/api/twins/summary", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert api.status_code == 401
    assert api.json() == {"detail": "Please sign in."}


async def test_a_foreign_name_for_this_machine_does_not_reach_the_demo(house: House) -> None:
    demo = await build(house.database, demo=True)
    async with demo.client() as browser:
        ours = await browser.get("/health/live")
        rebound = await browser.get("/health/live", headers={"host": "evil.test"})
    assert (ours.status_code, rebound.status_code) == (200, 400)
