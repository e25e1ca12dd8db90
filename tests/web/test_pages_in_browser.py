"""Signing in, acknowledging and working on an order in a real browser, on the real application."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from optria.web.runner import serve
from tests import factories
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.house import House, build

pytestmark = pytest.mark.e2e

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@dataclass
class Site:
    """The application as it is served, with one incident that the Black Box has ordered work for."""

    url: str
    house: House
    incident: IncidentRow


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    stop = anyio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        hub = tasks.create_task(house.app.state.hub.run())
        tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, port.set_result))
        yield f"http://127.0.0.1:{await port}"
        stop.set()
        hub.cancel()


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    await priced(house)
    vibrate(house)
    incident = await detected(house, install(house))
    async with served(house) as url:
        yield Site(url, house, incident)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield launched
        await launched.close()


async def signed_in(browser: Browser, site: Site, user: User, then: str) -> tuple[Page, list[str]]:
    """A page of its own session, signed in through the form, and its console errors."""
    page = await (await browser.new_context(viewport={"width": 1440, "height": 900})).new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(site.url + then)
    await expect(page).to_have_url(f"{site.url}/login?next={then.replace('/', '%2F')}")
    await page.get_by_label("E-mail").fill(user.email)
    await page.get_by_label("Password").fill(factories.PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(site.url + then, wait_until="load")  # its scripts have run by then
    return page, errors


@pytest.mark.clause("V9", "W7")
async def test_an_engineer_starts_and_completes_the_order(browser: Browser, site: Site) -> None:
    async with site.house.database.transaction(site.house.own.tenant.id) as tx:
        incident = await tx.session.get_one(IncidentRow, site.incident.id)
        order = incident.auto_work_order_id
        assignee = (await tx.session.get_one(WorkOrderRow, order)).assigned_to
    worker = next(user for user in site.house.own.users.values() if user.id == assignee)
    page, errors = await signed_in(browser, site, worker, "/work-orders")
    await page.locator(f'[data-key="order-{order}"]').click()
    drawer = page.locator('[data-region="order"]')
    await drawer.get_by_role("button", name="Start work").click()
    await expect(drawer).to_contain_text("In progress")
    await drawer.get_by_role("button", name="Complete").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Actual cause").select_option("Bearing Fault")
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
    watching, watching_errors = await signed_in(browser, site, admin, address)
    acting, acting_errors = await signed_in(browser, site, optimizer, address)
    await expect(watching.locator("[data-connection]")).to_have_attribute("data-state", "live")
    await acting.get_by_role("button", name="Acknowledge").click()
    await expect(acting.get_by_role("button", name="Acknowledge")).to_have_count(0)
    await expect(watching.locator('[data-region="stages"]')).to_contain_text(optimizer.full_name or "")
    assert watching_errors + acting_errors == []


async def test_the_playhead_reads_the_trends(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site, admin, f"/blackbox/incidents/{site.incident.id}")
    value = page.locator(f'[data-track="{site.house.own.vibration.id}"] [data-part="value"]')
    last = await value.text_content()
    slider = page.get_by_role("slider", name="Time in the window")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.locator("[data-rec-offset]")).to_have_text("+00:00")
    await expect(value).not_to_have_text(last or "")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("[data-rec-offset]")).to_have_text("\u221200:01")
    await expect(page.locator("[data-playhead]").first).to_have_attribute("visibility", "visible")
    assert errors == []


async def test_play_becomes_pause_while_it_plays(browser: Browser, site: Site) -> None:
    admin = site.house.user(Role.TENANT_ADMIN)
    page, errors = await signed_in(browser, site, admin, f"/blackbox/incidents/{site.incident.id}")
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
    page, errors = await signed_in(browser, site, admin, f"/blackbox/incidents/{site.incident.id}")
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


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("language", ["en", "ar"])
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
    for path in (*paths, f"/work-orders?id={order}", "/notifications"):
        await page.goto(site.url + path)
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0, path
    assert errors == []
