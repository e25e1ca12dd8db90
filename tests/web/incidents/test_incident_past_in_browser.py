"""The recorder, the seal and the past incidents of an incident in a real browser."""

import pytest
from playwright.async_api import Browser, Page, expect

from optria.blackbox.sealing import seal_due
from optria.core.roles import Role
from optria.db.session import Database
from tests.web.browsers import served, signed_in
from tests.web.house import build
from tests.web.incidents.test_incident_past import compared
from tests.web.screens import violations

pytestmark = pytest.mark.e2e


async def test_playhead_overlay_and_seal(browser: Browser, database: Database) -> None:
    house = await build(database)
    row, (past,) = await compared(house)
    await seal_due(database)
    async with served(house) as url:
        optimizer = house.user(Role.OPTIMIZATION_ENGINEER)
        page, errors = await signed_in(browser, url, optimizer, f"/blackbox/incidents/{row.id}")
        await _playhead_follows_the_keys(page, str(house.own.vibration.id))
        await _ticks_choose_what_is_drawn(page, str(past.id))
        await page.locator("[data-verify]").click()
        await expect(page.locator(".rec-seal-check")).to_contain_text("the recording is what was sealed.")
        assert "verify" not in page.url
        assert await violations(page) == []
        assert errors == []


async def _playhead_follows_the_keys(page: Page, tag: str) -> None:
    offset = page.locator(".rec-head [data-rec-offset]")
    await expect(offset).not_to_have_text("")
    slider = page.locator("[data-rec-slider]")
    await slider.focus()
    await slider.press("Home")
    await expect(offset).to_have_text("+00:00")
    for key, text in (("ArrowLeft", "\u221200:01"), ("ArrowRight", "+00:00"), ("ArrowRight", "+00:01")):
        await slider.press(key)
        await expect(offset).to_have_text(text)
    value = page.locator(f'[data-track="{tag}"] [data-part="value"]')
    await expect(value).to_have_text("5.00")


async def _ticks_choose_what_is_drawn(page: Page, past: str) -> None:
    tick = page.locator(f'[data-draw="{past}"]')
    await tick.scroll_into_view_if_needed()
    drawn = page.locator(f'path[data-of="{past}"]')
    await expect(drawn).to_have_count(1)
    await expect(page.locator(".overlay path.ov-own")).to_have_count(1)
    await tick.uncheck()
    await expect(drawn).to_be_hidden()
    await tick.check()
    await expect(drawn).to_be_visible()
