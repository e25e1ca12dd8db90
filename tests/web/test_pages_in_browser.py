"""Signing in, acknowledging and working on an order in a real browser, on the real application."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, expect

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.browsers import served, signed_in
from tests.web.house import House, build

pytestmark = pytest.mark.e2e


@dataclass
class Site:
    """The application as it is served, with one incident that the Black Box has ordered work for."""

    url: str
    house: House
    incident: IncidentRow


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    await priced(house)
    vibrate(house)
    incident = await detected(house, install(house))
    async with served(house) as url:
        yield Site(url, house, incident)


@pytest.mark.clause("V9", "W7")
async def test_an_engineer_starts_and_completes_the_order(browser: Browser, site: Site) -> None:
    async with site.house.database.transaction(site.house.own.tenant.id) as tx:
        incident = await tx.session.get_one(IncidentRow, site.incident.id)
        order = incident.auto_work_order_id
        assignee = (await tx.session.get_one(WorkOrderRow, order)).assigned_to
    worker = next(user for user in site.house.own.users.values() if user.id == assignee)
    page, errors = await signed_in(browser, site.url, worker, "/work-orders")
    await page.locator(f'[data-key="order-{order}"]').click()
    drawer = page.locator('[data-region="order"]')
    await drawer.get_by_role("button", name="Start work").click()
    await expect(drawer).to_contain_text("In progress")
    await drawer.get_by_role("button", name="Complete").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="Bearing Fault").check()
    await dialog.get_by_label("Hours of work").fill("3.5")
    await dialog.get_by_label("Hours of downtime").fill("6")
    await dialog.get_by_role("button", name="Complete", exact=True).click()
    await expect(dialog).to_be_hidden()
    await expect(drawer).to_contain_text("Completed")
    await expect(drawer).to_contain_text("Bearing Fault")
    assert errors == []


@pytest.mark.clause("V7", "C6")
async def test_an_acknowledgement_reaches_the_other_open_page(browser: Browser, site: Site) -> None:
    address = f"/blackbox/incidents/{site.incident.id}"
    admin = site.house.user(Role.TENANT_ADMIN)
    optimizer = site.house.user(Role.OPTIMIZATION_ENGINEER)
    watching, watching_errors = await signed_in(browser, site.url, admin, address)
    acting, acting_errors = await signed_in(browser, site.url, optimizer, address)
    await expect(watching.locator("[data-connection]")).to_have_attribute("data-state", "live")
    await acting.get_by_role("button", name="Acknowledge").click()
    await expect(acting.get_by_role("button", name="Acknowledge")).to_have_count(0)
    await expect(watching.locator('[data-region="stages"]')).to_contain_text(optimizer.full_name or "")
    assert watching_errors + acting_errors == []


async def test_the_playhead_reads_the_trends(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, f"/blackbox/incidents/{site.incident.id}")
    value = page.locator(f'[data-track="{site.house.own.vibration.id}"] [data-part="value"]')
    last = await value.text_content()
    slider = page.get_by_role("slider", name="Time in the window")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.locator(".rec-head [data-rec-offset]")).to_have_text("+00:00")
    await expect(value).not_to_have_text(last or "")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".rec-head [data-rec-offset]")).to_have_text("\u221200:01")
    await expect(page.locator("[data-playhead]").first).to_have_attribute("visibility", "visible")
    assert errors == []


async def test_play_becomes_pause_while_it_plays(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, f"/blackbox/incidents/{site.incident.id}")
    button = page.locator('[data-rec="play"]')
    await page.get_by_role("slider", name="Time in the window").press("Home")
    await page.get_by_role("button", name="1×", exact=True).click()
    await button.click()
    await expect(button).to_have_attribute("aria-label", "Pause")
    await expect(button.locator("use")).to_have_attribute("href", re.compile("#pause$"))
    await button.click()
    await expect(button).to_have_attribute("aria-label", "Play")
    await expect(button.locator("use")).to_have_attribute("href", re.compile("#play$"))
    assert errors == []


@pytest.mark.clause("V7")
async def test_an_incident_is_resolved_after_a_question(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site.url, admin, f"/blackbox/incidents/{site.incident.id}")
    head, dialog = page.locator('[data-region="incident-head"]'), page.get_by_role("dialog")
    await head.get_by_role("button", name="Resolve").click()
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    await expect(head).not_to_contain_text("Resolved")
    await head.get_by_role("button", name="Resolve").click()
    await dialog.get_by_label("What was done").fill("Bearing replaced.")
    await dialog.get_by_role("button", name="Resolve").click()
    await expect(dialog).to_be_hidden()
    await expect(head).to_contain_text("Resolved")
    await expect(head.get_by_role("button", name="Resolve")).to_have_count(0)
    async with site.house.database.transaction(site.house.own.tenant.id) as tx:
        row = await tx.session.get_one(IncidentRow, site.incident.id)
        assert (row.status, row.resolution) == ("RESOLVED", "Bearing replaced.")
    assert errors == []


@pytest.mark.parametrize(("width", "language"), [(1024, "en"), (390, "ar")])
async def test_no_page_is_wider_than_its_screen(
    browser: Browser, site: Site, width: int, language: str
) -> None:
    house = site.house
    context = await browser.new_context(viewport={"width": width, "height": 844})
    token = await house.token(house.user(Role.TENANT_ADMIN))
    await context.add_cookies(
        [
            {"name": "access_token", "value": token, "url": site.url},
            {"name": "optria_lang", "value": language, "url": site.url},
        ]
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = (await tx.session.get_one(IncidentRow, site.incident.id)).auto_work_order_id
    paths = ("/blackbox/incidents", f"/blackbox/incidents/{site.incident.id}", "/work-orders?view=list")
    for path in (*paths, f"/work-orders?id={order}", "/notifications", "/quality", "/rules", "/integrations"):
        await page.goto(site.url + path)
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, path
        entry = page.locator(".rail-link[aria-current]")
        if await entry.count() and (box := await entry.bounding_box()):
            assert box["x"] >= 0, path
            assert box["x"] + box["width"] <= width, path
    assert errors == []
