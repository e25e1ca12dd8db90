"""The page that shows the description of the API, in a real browser."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Page, async_playwright, expect

from optria.core.roles import Role
from optria.db.session import Database
from optria.web.runner import serve
from optria.web.security import CONTENT_SECURITY_POLICY
from optria.web.sessions import COOKIE
from tests.web.house import House, build

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


async def test_the_page_has_no_inline_script_and_a_policy_as_strict_as_it_can_bear(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        page = await browser.get("/docs")
        elsewhere = await browser.get("/digital-twin")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert re.findall(r"<script(?![^>]*\bsrc=)", page.text) == []
    linked = re.findall(r'(?:src|href)="([^"]*)', page.text)
    assert [address for address in linked if not address.startswith("/static/")] == []
    assert elsewhere.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.fixture
async def served(database: Database) -> AsyncIterator[tuple[House, str]]:
    house = await build(database)
    stop = anyio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, port.set_result))
        yield house, f"http://127.0.0.1:{await port}"
        stop.set()


@pytest.mark.e2e
async def test_it_shows_every_operation_and_tries_one_out(served: tuple[House, str], tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    house, url = served
    user = house.user(Role.ENGINEER)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await launched.new_context(viewport={"width": 1280, "height": 900})
        await context.add_cookies([{"name": COOKIE, "value": await house.token(user), "url": url}])
        page = await context.new_page()
        errors: list[str] = []
        asked: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{url}/docs")
        operations = sum(len(item) for item in house.app.openapi()["paths"].values())
        assert await _shown(page, operations) == operations
        await page.reload()
        me = page.locator("#operations-auth-auth_me")
        await me.locator(".opblock-summary-control").click()
        await me.get_by_role("button", name="Try it out").click()
        await me.get_by_role("button", name="Execute").click()
        await expect(me.locator(".live-responses-table")).to_contain_text(user.email)
        await page.screenshot(path=tmp_path / "docs.png")
        await launched.close()
    assert errors == []
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []


async def _shown(page: Page, expected: int) -> int:
    """How many operations one sees on the way down; a long list is drawn only where one looks."""
    seen: set[str] = set()
    await page.locator(".opblock").first.wait_for(timeout=60_000)
    await page.mouse.move(640, 450)
    async with asyncio.timeout(120):
        while len(seen) < expected:
            seen |= set(await page.locator(".opblock").evaluate_all("all => all.map(one => one.id)"))
            await page.mouse.wheel(0, 400)
            await page.wait_for_timeout(100)
    return len(seen)
