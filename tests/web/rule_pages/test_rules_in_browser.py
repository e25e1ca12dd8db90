"""A causal rule in a real browser: edited, drawn, tried, published and put back, on the real application."""

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.session import Database
from tests.web.browsers import served, signed_in
from tests.web.config.test_config_rules import RULE, incident
from tests.web.house import build
from tests.web.screens import violations
from tests.web.settings import done

pytestmark = pytest.mark.e2e


async def test_a_rule_is_edited_tried_published_and_put_back(browser: Browser, database: Database) -> None:
    house = await build(database)
    await incident(house)
    rule = await done(house, "POST", "rules", RULE)
    async with served(house) as url:
        admin = house.user(Role.TENANT_ADMIN)
        page, errors = await signed_in(browser, url, admin, f"/rules/causal/{rule['id']}")
        graph = page.locator("[data-causal-graph]")
        await expect(graph.get_by_role("img")).to_have_accessible_name(
            "What is seen leads to the cause: vibration high \u2066≥ 3 σ\u2069 → Seal Leak"
        )
        await page.get_by_role("button", name="Add a condition").nth(1).click()
        row = page.locator('[data-group="also"] [data-condition]')
        await row.locator('[data-part="metric"]').select_option("pressure")
        await row.locator('[data-part="direction"]').select_option("low")
        await expect(graph.locator(".graph-node")).to_have_count(3)
        await page.get_by_label("Weight").fill("0.55")

        await page.get_by_role("button", name="Try", exact=True).click()
        answer = page.locator('[data-trial] [data-part="answer"]')
        await expect(answer).to_contain_text("The rule holds")
        await expect(answer.get_by_role("row", name="Seal Leak")).to_be_visible()

        await page.get_by_role("button", name="Save draft").click()
        state = page.locator('[data-region="rule-state"]')
        await expect(state).to_contain_text("Draft waits")
        await expect(page.locator('[data-region="rule-history"]')).to_contain_text("pressure")
        assert await violations(page) == []

        await state.get_by_role("button", name="Publish", exact=True).click()
        dialog = page.get_by_role("dialog", name="Publish without a back-test?")
        await dialog.get_by_role("button", name="Publish without").click()
        await expect(state).to_contain_text("version 3")
        await expect(state).not_to_contain_text("Draft waits")
        assert (await done(house, "GET", f"rules/{rule['id']}"))["confidence"] == 0.55

        await page.get_by_role("button", name="Put version 1 back in force").click()
        await expect(state).to_contain_text("version 4")
        found = await done(house, "GET", f"rules/{rule['id']}")
        assert (found["confidence"], found["pattern"]) == (0.9, RULE["pattern"])
        assert errors == []
        await page.close()
