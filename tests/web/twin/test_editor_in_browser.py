"""Drawing a site in a real browser: place, bind, connect, undo, save, and see it live on the twin."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.core.tag import Quality, Sample
from optria.db.session import Database
from optria.db.twin import TwinLayout
from optria.kit import clock
from tests.web.browsers import served, signed_in
from tests.web.house import House, build

pytestmark = pytest.mark.e2e


@dataclass
class Site:
    url: str
    house: House


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    async with served(house) as url:
        yield Site(url, house)


async def test_a_drawing_is_made_saved_and_live(browser: Browser, site: Site) -> None:
    own = site.house.own
    own.stream.put(Sample(own.vibration.id, clock.now() - timedelta(seconds=1), 3.21, Quality.GOOD))
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, f"/digital-twin/{own.site.code}/edit")
    items = page.locator("[data-overlay] [data-id]")
    await page.locator('[data-place="pump"]').press("Enter")
    panel = page.locator('[data-panel="symbols"]')
    await panel.locator('[name="asset"]').select_option(own.asset.code)
    await expect(items.first).to_have_attribute("aria-label", f"Symbol {own.asset.code}")
    await page.locator('[data-place="boundary"]').press("Enter")
    await items.nth(0).focus()
    await page.keyboard.press("c")
    await items.nth(1).focus()
    await page.keyboard.press("Enter")
    await expect(items).to_have_count(3)
    await items.nth(0).focus()
    await page.keyboard.press("]")
    await expect(items.nth(1)).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Tab")
    await expect(page.locator("[data-panel]:not([hidden]) :focus")).to_have_attribute("name", "symbol")
    await page.locator('[data-place="tank"]').press("Enter")
    await expect(items).to_have_count(4)
    await page.get_by_role("button", name="Undo").click()
    await expect(items).to_have_count(3)
    await page.locator('[data-place="value"]').press("Enter")
    await page.locator('[data-panel="values"]').get_by_label("Signal").fill(own.vibration.external_tag)
    await page.keyboard.press("Tab")
    await expect(page.locator("[data-problems]")).to_be_hidden()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("[data-editor-state]")).to_have_text("Saved")
    await page.goto(f"{site.url}/digital-twin/{own.site.code}")
    drawing = page.locator('[data-region="drawing"]')
    await expect(drawing.locator(f'[data-asset="{own.asset.code}"]')).to_be_visible()
    await expect(drawing.locator(f'[data-tag="{own.vibration.id}"] [data-part="value"]')).to_have_text("3.21")
    assert errors == []


async def test_a_drawing_that_somebody_saved_meanwhile_is_asked_about(browser: Browser, site: Site) -> None:
    own = site.house.own
    async with site.house.database.transaction(own.tenant.id) as tx:
        config = {"symbols": [{"symbol": "pump", "x": 200, "y": 200}]}
        layout = TwinLayout(tenant_id=own.tenant.id, site_id=own.site.id, name="Ours", config=config)
        tx.session.add(layout)
    admin = site.house.user(Role.TENANT_ADMIN)
    page, _errors = await signed_in(browser, site.url, admin, f"/digital-twin/{own.site.code}/edit")
    async with site.house.database.transaction(own.tenant.id) as tx:
        (await tx.session.get_one(TwinLayout, layout.id)).updated_at = clock.now() + timedelta(seconds=1)
    await page.locator('[data-overlay] [data-id="symbols.0"]').focus()
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Somebody has saved this drawing meanwhile")
    await dialog.get_by_role("button", name="Save mine over it").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator("[data-editor-state]")).to_have_text("Saved")
    async with site.house.database.transaction(own.tenant.id) as tx:
        stored = await tx.session.get_one(TwinLayout, layout.id)
        assert stored.config == {"symbols": [{"symbol": "pump", "x": 240, "y": 200}]}
