"""The application as it is served, and people in front of it in a real browser."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import anyio
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from optria.db.identity import User
from optria.web.runner import serve
from tests import factories
from tests.web.house import House

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    stop = anyio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        hub = tasks.create_task(house.app.state.hub.run())
        tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, port.set_result))
        yield f"http://127.0.0.1:{await port}"
        stop.set()
        hub.cancel()


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Chromium; a test that needs it is skipped, with the reason, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        await browser.close()


async def signed_in(browser: Browser, url: str, user: User, then: str) -> tuple[Page, list[str]]:
    """A page of its own session, signed in through the form, and its console errors."""
    page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url + then)
    await expect(page).to_have_url(f"{url}/login?next={quote(then, safe='')}")
    await page.get_by_label("E-mail").fill(user.email)
    await page.get_by_label("Password").fill(factories.PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(url + then, wait_until="load")  # its scripts have run by then
    return page, errors
