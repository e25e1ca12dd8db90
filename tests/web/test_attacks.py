"""Attacks on the served application: a foreign page in a real browser, floods of bytes, a stolen moment."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser
from psutil import Process
from sqlalchemy import func, select
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from optria.core.roles import Role
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from optria.web.sessions import COOKIE
from tests.fakes.sources import http_server
from tests.web.browsers import served, signed_in
from tests.web.house import House, build
from tests.web.sockets import opened

MIB = 1024 * 1024
FOREIGN_PAGE = """
<!doctype html><title>elsewhere</title>
<form id="change" method="post" enctype="text/plain" action="{url}/api/work-orders/">
  <input name='{{"code":"WO-EVIL","title":"Evil","x":"' value='"}}'></form>
"""
ATTEMPTS = """
async (url) => {
  const heard = await new Promise((done) => {
    const socket = new WebSocket(url.replace("http", "ws") + "/ws");
    socket.onmessage = () => done("message");
    socket.onopen = () => socket.send('{"op":"sub","topic":"e:incidents"}');
    socket.onclose = (event) => done("closed " + event.code);
  });
  const body = '{"code":"WO-EVIL","title":"x"}';
  const asked = { method: "POST", mode: "no-cors", credentials: "include", body };
  await fetch(url + "/api/work-orders/", asked).catch(() => null);
  const answer = fetch(url + "/api/assets/", { credentials: "include" });
  const read = await answer.then((found) => found.text(), () => "blocked");
  return { heard, read };
}
"""


@pytest.fixture
async def house(database: Database) -> House:
    return await build(database)


@pytest.mark.e2e
async def test_a_foreign_page_reads_changes_and_hears_nothing(browser: Browser, house: House) -> None:
    """The page is of the same site by the cookie's rule (another port), so the cookie does travel."""
    async with served(house) as url:
        elsewhere = FastAPI()

        @elsewhere.get("/")
        def page() -> HTMLResponse:
            return HTMLResponse(FOREIGN_PAGE.format(url=url))

        async with http_server(elsewhere) as port:
            tab, _ = await signed_in(browser, url, house.user(Role.TENANT_ADMIN), "/work-orders")
            await tab.goto(f"http://127.0.0.1:{port}/")
            tried = await tab.evaluate(ATTEMPTS, url)
            async with tab.expect_navigation():
                await tab.evaluate("document.getElementById('change').submit()")
            assert "refused" in await tab.locator("body").inner_text()
    assert tried == {"heard": "closed 1006", "read": "blocked"}
    async with house.database.transaction(house.own.tenant.id) as tx:
        assert (await tx.session.execute(select(func.count()).select_from(WorkOrderRow))).scalar_one() == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_150_megabytes_are_refused_and_not_kept(house: House, announced: bool) -> None:
    async def flood() -> AsyncIterator[bytes]:
        for _ in range(150):
            yield b"x" * MIB

    headers = {"content-type": "application/json"}
    if announced:
        headers["content-length"] = str(150 * MIB)
    cookies = {COOKIE: await house.token(house.user(Role.TENANT_ADMIN))}
    before = Process().memory_info().rss
    async with served(house) as url, httpx.AsyncClient(base_url=url, cookies=cookies, timeout=60) as client:
        answer = await client.post("/api/work-orders/", content=flood(), headers=headers)
    assert answer.status_code == 413
    assert Process().memory_info().rss - before < 75 * MIB


async def test_a_frame_of_17_megabytes_closes_the_socket(house: House) -> None:
    async with served(house) as url, opened(house, f"{url.replace('http', 'ws')}/ws", Role.VIEWER) as browser:
        with contextlib.suppress(ConnectionClosed):
            await browser.socket.send("x" * 17 * MIB)
        assert await browser.closing() == 1009


async def test_a_socket_asked_for_by_a_foreign_page_is_refused(house: House) -> None:
    cookie = f"{COOKIE}={await house.token(house.user(Role.TENANT_ADMIN))}"
    async with served(house) as url:
        headers = {"Cookie": cookie, "Origin": "https://elsewhere.example"}
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{url.replace('http', 'ws')}/ws", additional_headers=headers, proxy=None):
                pass
    assert refused.value.response.status_code == 403
