"""The page of the rules and their back-test."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from optria.backtest.stored import Asked
from optria.backtest.stored_draft import Draft
from optria.core.asset import Threshold
from optria.core.event import Severity
from optria.core.roles import Role
from optria.db.blackbox import RcaRule
from optria.db.session import Database
from optria.kit import clock
from optria.web.rule_pages.backtest_page import outranked
from tests.web.backtests.test_backtest import BEARING, a_day, working
from tests.web.browsers import served, signed_in
from tests.web.house import House, build
from tests.web.screens import violations


async def with_rules(house: House) -> None:
    """One rule out of force that explains the stored day's fault, and one that cannot be read."""
    cells = {"tenant_id": house.own.tenant.id, "root_cause_category": "BEARING_FAULT", "confidence": 0.8}
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(RcaRule(**cells, name="Vibration alone", pattern=BEARING["pattern"], is_active=False))
        tx.session.add(RcaRule(**cells, name="Odd one", pattern={"some": 1}))


@pytest.mark.parametrize(
    ("role", "status", "words"),
    [
        (Role.TENANT_ADMIN, 200, "Run the back-test"),
        (Role.OPTIMIZATION_ENGINEER, 200, "Run the back-test"),
        (Role.ENGINEER, 200, "Back-tests are run by"),
        (Role.PLATFORM_OWNER, 200, "Choose a tenant first"),
        (Role.VIEWER, 403, ""),
    ],
)
async def test_who_sees_the_rules_and_who_may_try(house: House, role: Role, status: int, words: str) -> None:
    await with_rules(house)
    async with house.client(role) as browser:
        page = await browser.get("/rules/backtest", headers={"accept": "text/html"})
        listed = await browser.get("/rules", headers={"accept": "text/html"})
        moved = await browser.get("/backtest", headers={"accept": "text/html"})
    assert page.status_code == status
    assert words in page.text
    assert ("Cannot be read" in listed.text) == (status == 200)
    assert moved.status_code == (303 if status == 200 else 403)


async def test_the_page_speaks_arabic(house: House) -> None:
    await with_rules(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = await browser.get("/rules/backtest?lang=ar", headers={"accept": "text/html"})
    assert "ماذا كان التغيير سيصنع" in page.text
    assert "Run the back-test" not in page.text


@pytest.mark.e2e
async def test_a_rule_is_tried_from_the_screen(browser: Browser, database: Database) -> None:
    house = await build(database)
    start = await a_day(house)
    await with_rules(house)
    end = (start + timedelta(hours=17)).astimezone(ZoneInfo("Asia/Riyadh"))
    async with served(house) as url, working(house):
        admin = house.user(Role.TENANT_ADMIN)
        page, errors = await signed_in(browser, url, admin, "/rules/backtest")
        await page.get_by_label("What is tried").select_option("A rule of the list")
        await page.get_by_label("Period").select_option("6 hours")
        await page.get_by_label("Ending at (site time)").fill(end.strftime("%Y-%m-%dT%H:%M"))
        await page.get_by_role("button", name="Run the back-test").click()
        result = page.locator('[data-region="backtest"]')
        await expect(result.locator(".bt-picture")).to_be_visible(timeout=60_000)
        await expect(result).to_contain_text("Vibration alone")
        hits = result.get_by_role("row").filter(has_text="Hit").filter(has_text="INC-")
        await expect(hits).to_have_count(2)
        await expect(hits.last).to_contain_text("Bearing Fault")
        assert await violations(page) == []
        await page.get_by_role("button", name="Remove").click()
        await expect(result).to_contain_text("No back-test yet")
        await page.wait_for_load_state("load")
        assert errors == []
        await page.close()


async def test_machines_with_limits_of_their_own_are_named(house: House) -> None:
    asset = house.own.plant.assets[0]
    own = Threshold("vibration", "high", 4.0, Severity.MAJOR, asset_id=asset.id)
    plant = replace(house.own.plant, thresholds=(own,))
    now = clock.now()
    tried = Threshold("vibration", "high", 5.0, Severity.MAJOR, asset_type=asset.asset_type)
    asked = Asked(plant.tenant_id, now - timedelta(hours=1), now, Draft(thresholds=(tried,)))
    assert outranked(plant, asked) == [("vibration", [asset.code])]
    elsewhere = replace(tried, asset_type="Valve")
    assert outranked(plant, replace(asked, draft=Draft(thresholds=(elsewhere,)))) == []
    assert outranked(plant, replace(asked, draft=Draft(thresholds=(own,)))) == []
