"""The incident page in a real browser: why not the other causes, and what if something else held."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.session import Database
from tests.web.black_box import failing_pump
from tests.web.browsers import served, signed_in
from tests.web.house import House, build
from tests.web.screens import AXE, dressed, violations

pytestmark = pytest.mark.e2e


@dataclass
class Site:
    url: str
    house: House
    incident: IncidentRow

    @property
    def address(self) -> str:
        return f"/blackbox/incidents/{self.incident.id}"


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    incident = await failing_pump(house)
    async with served(house) as url:
        yield Site(url, house, incident)


@pytest.mark.clause("V7")
async def test_a_losing_cause_opens_to_say_why_not(browser: Browser, site: Site) -> None:
    optimizer = site.house.user(Role.OPTIMIZATION_ENGINEER)
    page, errors = await signed_in(browser, site.url, optimizer, site.address)
    causes = page.locator('[data-region="causes"]')
    top, second = causes.locator("details.evidence").nth(0), causes.locator("details.evidence").nth(1)
    await expect(top.locator("[data-evidence]")).to_contain_text("Sum of the evidence")
    await expect(top.locator("[data-why-not]")).to_have_count(0)
    await expect(second.locator("[data-why-not]")).to_be_hidden()
    await second.locator("summary").click()
    await expect(second.locator("[data-why-not]")).to_be_visible()
    await expect(second.locator("[data-lack]").first).to_contain_text("more speaks for")
    rows = [
        float(row.replace("\u2212", "-"))
        for row in await top.locator("li:not(.evidence-sum) > bdi").all_text_contents()
    ]
    total = await top.locator(".evidence-sum bdi").text_content()
    assert sum(rows) == pytest.approx(float((total or "").removeprefix("= ")))
    assert errors == []


async def test_turning_a_rule_down_shows_another_distribution_and_leaves_no_trace(
    browser: Browser, site: Site
) -> None:
    optimizer = site.house.user(Role.OPTIMIZATION_ENGINEER)
    page, errors = await signed_in(browser, site.url, optimizer, site.address)
    form = page.locator("form[data-what-if]")
    answer = form.locator('[data-part="answer"]')
    await expect(answer).to_be_hidden()
    await form.locator('[data-knob="rule"]').first.fill("0")
    await expect(answer).to_be_visible(timeout=60_000)
    await expect(form.locator("label.knob").first.locator('[data-part="value"]')).to_have_text("0.00")
    turned_down = (site.incident.title or "").partition(" on ")[0]
    changed = answer.locator('[data-part="causes"] li', has_text=turned_down)
    before = await changed.locator('[data-part="before"]').text_content()
    after = await changed.locator('[data-part="after"]').text_content()
    assert float(after or 1) < float(before or 0)
    await expect(answer.locator('[data-part="moved"] li').first).to_be_visible()
    await form.get_by_role("button", name="As it is").click()
    await expect(answer).to_be_hidden(timeout=60_000)
    await page.reload()
    await expect(page.locator('[data-region="revisions"] li')).to_have_count(1)
    assert errors == []


async def test_a_colleague_reads_it_in_arabic(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, site.address)
    await page.goto(f"{site.url}{site.address}?lang=ar")
    second = page.locator('[data-region="causes"] details.evidence').nth(1)
    await second.locator("summary").click()
    await expect(second.locator("[data-why-not]")).to_contain_text("لماذا لا")
    await expect(page.locator('[data-region="what-if"] h2')).to_have_text("ماذا لو")
    assert errors == []


@pytest.mark.skipif(not AXE.exists(), reason="`npm install` in frontend/ to check accessibility")
@pytest.mark.parametrize(
    ("theme", "language", "width"), [("dark", "en", 1440), ("light", "ar", 1440), ("light", "en", 390)]
)
async def test_everything_opened_is_accessible(
    browser: Browser, site: Site, theme: str, language: str, width: int
) -> None:
    token = await site.house.token(site.house.user(Role.OPTIMIZATION_ENGINEER))
    context = await dressed(browser, site.url, token, theme, language, width, 900)
    page = await context.new_page()
    await page.goto(site.url + site.address)
    await page.evaluate("document.querySelectorAll('main details').forEach((d) => (d.open = true))")
    await page.locator('[data-knob="rule"]').first.fill("0")
    await expect(page.locator('[data-part="answer"]')).to_be_visible(timeout=60_000)
    assert await violations(page) == []
