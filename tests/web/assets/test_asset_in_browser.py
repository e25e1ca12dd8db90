"""The page of an asset in a browser: live values, trends with their marks, everything by keyboard."""

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.session import Database
from tests import factories
from tests.web.browsers import served, signed_in
from tests.web.house import build

pytestmark = pytest.mark.e2e


@pytest.mark.clause("D3", "V6")
async def test_the_page_of_an_asset_is_live_and_has_trends(database: Database, browser: Browser) -> None:
    house = await build(database)
    own = house.own
    own.stream.put(*(house.sample(2.0 + n / 100, age_s=60.0 - n) for n in range(59)))
    async with house.database.transaction(own.tenant.id) as tx:
        incident = await factories.incident(tx, own.asset)
    async with served(house) as url:
        user = own.users[Role.OPTIMIZATION_ENGINEER]
        page, errors = await signed_in(browser, url, user, f"/assets/{own.asset.id}")
        trend = page.locator('[data-trend="vibration"]')
        await expect(trend.locator("canvas")).to_have_count(1)
        drawn = page.locator('[data-trend="vibration"] [data-part="plot"]')
        await expect(drawn).to_have_attribute(
            "aria-label", f"{await trend.get_attribute('data-name')}, 2.00 to 2.58 mm/s"
        )
        anchor = page.locator('[data-part="lane"] a')
        await expect(anchor).to_have_attribute("href", f"/blackbox/incidents/{incident.id}")
        await anchor.focus()
        await expect(anchor).to_be_focused()
        own.stream.put(house.sample(3.33, age_s=0.0))
        await expect(trend.locator('[data-part="value"]')).to_have_text("3.33")
        slider = page.get_by_role("slider", name="Read the values at a time")
        await slider.press("End")
        await slider.press("ArrowLeft")
        await expect(trend.locator('[data-part="read"]')).not_to_have_text("")
        await page.get_by_role("button", name="24 h").press("Enter")
        await expect(page.get_by_role("button", name="24 h")).to_have_attribute("aria-pressed", "true")
        await expect(page.locator("[data-trends]")).not_to_have_attribute("aria-busy", "true")
        await page.get_by_role("button", name="Pause").press("Enter")
        await expect(page.locator('[data-part="state"]')).to_contain_text("Paused")
        await page.get_by_role("button", name="Learn anew").click()
        await expect(page.get_by_role("heading", name=f"Learn {own.asset.code} anew?")).to_be_visible()
        assert errors == []


async def test_a_gap_is_hatched_and_read_as_no_values(database: Database, browser: Browser) -> None:
    house = await build(database)
    own = house.own
    ages = [*range(900, 600, -1), *range(200, 1, -1)]
    own.stream.put(*(house.sample(2.0 + age % 7 / 10, age_s=float(age)) for age in ages))
    async with served(house) as url:
        user = own.users[Role.OPTIMIZATION_ENGINEER]
        page, errors = await signed_in(browser, url, user, f"/assets/{own.asset.id}")
        trend = page.locator('[data-trend="vibration"]')
        await expect(trend.locator("canvas")).to_have_count(1)
        slider = page.get_by_role("slider", name="Read the values at a time")
        read = trend.locator('[data-part="read"]')
        await slider.fill(str(round(1000 * (1 - 400 / 3600))))
        await expect(read).to_have_text("no values")
        await slider.fill(str(round(1000 * (1 - 700 / 3600))))
        await expect(read).not_to_have_text("no values")
        assert errors == []
