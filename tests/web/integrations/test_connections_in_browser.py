"""From an empty tenant to a live value, as an administrator does it, against a real OPC UA server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from optria.app.server import run_server
from optria.core.roles import Role
from optria.db.identity import User
from optria.db.session import Database
from optria.kit.settings import Settings
from tests import factories
from tests.fakes.plant import FakePlant
from tests.fakes.sources import PASSWORD, USER, Rig, opcua_rig
from tests.web.browsers import signed_in

pytestmark = pytest.mark.e2e


@dataclass
class Installed:
    url: str
    admin: User
    asset_code: str
    rig: Rig


@asynccontextmanager
async def installed(url: str, home: Path) -> AsyncIterator[Installed]:
    """A running server over a tenant with one asset and nothing else, beside a plant that delivers."""
    database, stop = Database(url), anyio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
    async with database.transaction(tenant.id) as tx:
        asset = await factories.asset(tx, await factories.site(tx, tenant.id))
    plant = FakePlant(12)
    async with opcua_rig(plant, home) as rig, asyncio.TaskGroup() as group:
        ticking = group.create_task(plant.run(0.2))
        settings = Settings.model_validate({"home": home, "port": 0})
        running = group.create_task(run_server(settings, url, port.set_result, stop))
        yield Installed(f"http://127.0.0.1:{await port}", admin, asset.code, rig)
        stop.set()
        await running
        ticking.cancel()
    await database.dispose()


def field(page: Page, name: str) -> Locator:
    """A field of the form that is open."""
    return page.locator(f'form [name="{name}"]:visible')


async def connect(page: Page, rig: Rig) -> None:
    await page.get_by_role("link", name="Add a connection").first.click()
    await field(page, "name").fill("Plant DCS")
    await field(page, "config.endpoint_url").fill(str(rig.config["endpoint_url"]))
    await field(page, "config.auth_type").select_option("username")
    await field(page, "config.username").fill(USER)
    await field(page, "config.password").fill("wrong")
    await page.get_by_role("button", name="Test these settings").click()
    found = page.locator("[data-stages]")
    await expect(found).to_contain_text("The connection does not work")
    await expect(found.locator("li").nth(1)).to_have_attribute("data-state", "failed")
    await field(page, "config.password").fill(PASSWORD)
    await page.get_by_role("button", name="Test these settings").click()
    await expect(found).to_contain_text("The connection works")
    await expect(found.locator('li[data-state="done"]')).to_have_count(4)
    await page.get_by_role("button", name="Add the connection").click()


async def map_one(page: Page, tag: str, asset_code: str) -> None:
    await page.get_by_role("searchbox", name="Search the source").fill(tag)
    await page.get_by_role("button", name="Search the source").click()
    await page.get_by_role("button", name=f"Map {tag}", exact=True).click()
    dialog = page.get_by_role("dialog")
    code = await field(page, "asset_id").locator("option").filter(has_text=asset_code).inner_text()
    await field(page, "asset_id").select_option(label=code)
    await field(page, "internal_metric_name").fill("vibration")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Mapped", exact=True)).to_be_visible()


@pytest.mark.clause("C2", "C3", "D6")
async def test_an_empty_tenant_comes_to_its_first_live_value(
    browser: Browser, fresh_database: str, serving: Callable[[str], str], tmp_path: Path
) -> None:
    async with installed(serving(fresh_database), tmp_path) as at:
        page, errors = await signed_in(browser, at.url, at.admin, "/integrations")
        await expect(page.locator('.first-step[aria-current="step"]')).to_contain_text("Add a connection")
        await connect(page, at.rig)
        await expect(page.locator(".tag-tree li").first).to_be_visible()
        await map_one(page, at.rig.plant.names[5], at.asset_code)
        await page.get_by_role("link", name="Signals").click()
        value = page.locator("[data-tag] [data-part=value]")
        await expect(value).to_have_text("–")
        await expect(value).not_to_have_text("–", timeout=30_000)
        await expect(page.locator('[data-region="head"]')).to_contain_text("Live", timeout=30_000)
        await page.get_by_role("button", name="Read", exact=False).first.click()
        await expect(page.locator("[data-read-answer]").first).to_contain_text("Raw:")
        await page.goto(f"{at.url}/integrations")
        await expect(page.locator(".first-steps")).to_have_count(0)
        await expect(page.get_by_role("listitem").filter(has_text="Plant DCS")).to_contain_text("Live")
        assert errors == []
        await page.context.close()
