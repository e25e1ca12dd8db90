"""A throw-away site and a real browser on it; skipped where there is no Chromium."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, Page

from tests.frontend.fake_site import fake_site, serving
from tests.web.browsers import launched


@pytest.fixture
def site_app() -> FastAPI:
    return fake_site()


@pytest.fixture
async def site(site_app: FastAPI) -> AsyncIterator[str]:
    """The address of the served fake site."""
    async with serving(site_app) as url:
        yield url
        site_app.state.analysed.set()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as opened:
        yield opened


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(viewport={"width": 1440, "height": 900})
    yield made
    await made.close()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """A page whose console errors, CSP refusals included, are collected in ``page.errors``."""
    return await context.new_page()


@pytest.fixture
def console_errors(page: Page) -> list[str]:
    """Errors of the page so far: refusals of the content security policy are among them."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors
