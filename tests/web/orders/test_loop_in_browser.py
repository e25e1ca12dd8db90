"""Saying what was found, correcting it, and reading how right the analyses were, in a real browser."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.learning import CauseCalibration, CauseConfirmation
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from optria.kit import clock
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.browsers import served, signed_in
from tests.web.house import House, build
from tests.web.screens import violations
from tests.web.test_pages_in_browser import Site

pytestmark = pytest.mark.e2e

LOOKS: Final = (("dark", "en", 1440), ("light", "en", 1440), ("dark", "ar", 1440), ("light", "ar", 390))
SAID: Final = (
    ("Seal Leak", {"Seal Leak": 0.72, "Bearing Fault": 0.2, "Other": 0.08}),
    ("Seal Leak", {"Seal Leak": 0.55, "Pump Cavitation": 0.35, "Other": 0.1}),
    ("Bearing Fault", {"Bearing Fault": 0.91, "Rotor Imbalance": 0.05, "Other": 0.04}),
    ("Shaft Misalignment", {"Rotor Imbalance": 0.6, "Shaft Misalignment": 0.3, "Other": 0.1}),
    ("Bearing Fault", {"Bearing Fault": 0.83, "Other": 0.17}),
)


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    await priced(house)
    vibrate(house)
    incident = await detected(house, install(house))
    await confirmed(house)
    async with served(house) as url:
        yield Site(url, house, incident)


async def confirmed(house: House) -> None:
    """Cases of the last weeks, one of them false and one whose fix did not hold."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        for number, (cause, scores) in enumerate(SAID):
            said = {"scores": scores, "calibration": 1.0, "final": True}
            tx.session.add(case(house, number, cause, ordered_said=said, final_said=said))
        tx.session.add(case(house, 98, None, is_fault=False))
        tx.session.add(case(house, 99, "Seal Leak", is_effective=False))
        tx.session.add(
            CauseCalibration(tenant_id=house.own.tenant.id, factor=1.12, cases=5, fitted_at=clock.now())
        )


def case(house: House, number: int, cause: str | None, **values: object) -> CauseConfirmation:
    return CauseConfirmation(
        tenant_id=house.own.tenant.id,
        subject=f"order:{9000 + number}",
        asset_id=house.own.asset.id,
        asset_type="Pump" if number % 2 else "Compressor",
        cause=cause,
        lead_s=540.0 + 60 * number,
        lead_until="critical",
        confirmed_at=clock.now() - timedelta(days=3 * (number % 20)),
        **values,
    )


async def worker_of(site: Site) -> tuple[User, int]:
    """Who has the order of the incident, and its id."""
    async with site.house.database.transaction(site.house.own.tenant.id) as tx:
        incident = await tx.session.get_one(IncidentRow, site.incident.id)
        order = await tx.session.get_one(WorkOrderRow, incident.auto_work_order_id)
        order.status = "in_progress"
    found = next(user for user in site.house.own.users.values() if user.id == order.assigned_to)
    return found, order.id


async def look(page: Page, url: str, path: str, theme: str, language: str, width: int) -> None:
    await page.context.add_cookies([{"name": "optria_theme", "value": theme, "url": url}])
    await page.set_viewport_size({"width": width, "height": 1000})
    await page.goto(f"{url}{path}{'&' if '?' in path else '?'}lang={language}")


async def test_another_cause_is_written_and_then_corrected(browser: Browser, site: Site) -> None:
    worker, order = await worker_of(site)
    page, errors = await signed_in(browser, site.url, worker, "/work-orders")
    await page.goto(f"{site.url}/work-orders?id={order}")
    await page.get_by_role("button", name="Complete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Complete the work order")
    words = dialog.get_by_label("Which one")
    await expect(words).to_be_hidden()
    await dialog.get_by_role("radio", name="No Fault Found").focus()
    await page.keyboard.press("ArrowDown")
    await expect(dialog.get_by_role("radio", name="Another cause")).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(words).to_be_focused()
    await words.fill("Loose foundation")
    await dialog.get_by_label("Hours of work").fill("3.5")
    await dialog.get_by_label("Hours of downtime").fill("6")
    await dialog.get_by_role("button", name="Complete", exact=True).click()
    await expect(dialog).to_be_hidden()
    drawer = page.locator('[data-region="order"]')
    await expect(drawer).to_contain_text("Loose foundation")
    await drawer.get_by_role("button", name="Correct the cause").click()
    again = page.get_by_role("dialog", name="Correct the cause")
    await again.get_by_role("radio", name="Bearing Fault").check()
    await again.get_by_role("button", name="Correct", exact=True).click()
    await expect(again).to_be_hidden()
    await expect(drawer).to_contain_text("Cause corrected from")
    assert errors == []


async def test_the_dialog_asks_before_it_sends(browser: Browser, site: Site) -> None:
    worker, order = await worker_of(site)
    page, errors = await signed_in(browser, site.url, worker, "/work-orders")
    await page.goto(f"{site.url}/work-orders?id={order}")
    await page.get_by_role("button", name="Complete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Complete the work order")
    await dialog.get_by_role("button", name="Complete", exact=True).click()
    await expect(dialog).to_be_visible()
    assert await dialog.locator("input:invalid").count() > 0
    assert errors == []


@pytest.mark.parametrize(("theme", "language", "width"), LOOKS)
async def test_dialog_and_scoreboard_are_accessible(
    browser: Browser, site: Site, theme: str, language: str, width: int
) -> None:
    worker, order = await worker_of(site)
    page, errors = await signed_in(browser, site.url, worker, "/quality")
    await look(page, site.url, "/quality", theme, language, width)
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await look(page, site.url, f"/work-orders?id={order}", theme, language, width)
    await page.locator('[data-dialog="complete-order"]').click()
    await page.locator("#complete-order [data-cause-other]").check()
    assert await violations(page) == []
    assert errors == []


async def test_engineers_reach_the_scoreboard_from_the_overview(browser: Browser, site: Site) -> None:
    page, errors = await signed_in(browser, site.url, site.house.user(Role.ENGINEER), "/dashboard")
    await page.get_by_role("link", name="Quality of the analyses").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Quality of the analyses")
    await page.get_by_role("link", name="Compressor").click()
    await expect(page.locator(".quality-table tbody")).to_contain_text("Bearing Fault")
    assert errors == []


async def test_a_false_incident_becomes_the_new_normal(browser: Browser, site: Site) -> None:
    async with site.house.database.transaction(site.house.own.tenant.id) as tx:
        incident = await tx.session.get_one(IncidentRow, site.incident.id)
        (await tx.session.get_one(WorkOrderRow, incident.auto_work_order_id)).status = "cancelled"
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, f"/blackbox/incidents/{site.incident.id}")
    await page.get_by_role("button", name="New normal").click()
    dialog = page.get_by_role("dialog", name="Close, and learn the new normal")
    await dialog.get_by_role("radio", name="Nothing was wrong").check()
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Close and learn").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator('[data-region="incident-head"]')).to_contain_text("Closed")
    assert errors == []
