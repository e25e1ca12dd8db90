"""Search, keys, the overview and one's preferences in a real browser."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.session import Database
from tests import factories
from tests.web.browsers import served, signed_in
from tests.web.house import House, build
from tests.web.screens import violations

pytestmark = pytest.mark.e2e


@pytest.fixture
async def house(database: Database) -> House:
    return await build(database)


@pytest.fixture
async def site(house: House) -> AsyncIterator[str]:
    async with served(house) as url:
        yield url


async def incident_of(house: House) -> IncidentRow:
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.incident(tx, house.own.asset, severity="CRITICAL", incident_number="I-77")


async def test_everything_is_reached_from_the_keyboard(browser: Browser, house: House, site: str) -> None:
    incident = await incident_of(house)
    page, errors = await signed_in(browser, site, house.user(Role.TENANT_ADMIN), "/dashboard")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    assert await violations(page) == []
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await page.keyboard.press("j")
    await expect(page.locator(f'[data-key="unit-{house.own.site.code}"]')).to_be_focused()
    await page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Find asset, tag, incident or order")
    await expect(box).to_be_focused()
    await page.keyboard.type("i-77")
    await expect(page.get_by_role("option")).to_contain_text("I-77")
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site}/blackbox/incidents/{incident.id}")
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await page.wait_for_url(f"{site}/dashboard")
    assert errors == []


async def test_an_arabic_keyboard_has_the_same_keys(browser: Browser, house: House, site: str) -> None:
    page, errors = await signed_in(browser, site, house.user(Role.VIEWER), "/dashboard")
    await page.goto(f"{site}/dashboard?lang=ar")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-state", "live")
    assert await violations(page) == []
    await page.evaluate(
        """() => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key: "ظ", code: "Slash", bubbles: true, cancelable: true }))"""
    )
    box = page.get_by_role("combobox")
    await expect(box).to_be_focused()
    await page.keyboard.type("?")
    await expect(box).to_have_value("?")
    await expect(page.locator("#shortcuts")).to_be_hidden()
    assert errors == []


async def test_a_phone_searches_in_a_sheet_and_finds_more_places(
    browser: Browser, house: House, site: str
) -> None:
    page, errors = await signed_in(browser, site, house.user(Role.TENANT_ADMIN), "/dashboard")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="More").click()
    await expect(page.get_by_role("link", name="Rules")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Search").click()
    await page.keyboard.type("nothing like it")
    await expect(page.locator(".search-state")).to_contain_text("Nothing is called")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert await violations(page) == []
    assert errors == []


async def test_quiet_hours_are_kept(browser: Browser, house: House, site: str) -> None:
    page, errors = await signed_in(browser, site, house.user(Role.ENGINEER), "/notifications")
    await page.get_by_label("Hold notifications back at certain hours").check()
    await page.get_by_label("From", exact=True).fill("21:30")
    await page.get_by_label("Friday").uncheck()
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-toast]")).to_have_text("Saved")
    assert await violations(page) == []
    async with house.client(Role.ENGINEER) as client:
        kept = (await client.get("/api/notifications/preferences")).json()
        assert kept["quiet_hours"]["start"] == "21:30"
        assert sorted(kept["quiet_hours"]["weekdays"]) == [1, 2, 3, 4, 6, 7]
        await page.get_by_label("Hold notifications back at certain hours").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator('form[data-method="PUT"] button[data-busy]')).to_have_count(0)
        await expect(page.locator("[data-toast]")).to_have_text("Saved")
        kept = (await client.get("/api/notifications/preferences")).json()
    assert kept["quiet_hours"] is None
    assert errors == []
