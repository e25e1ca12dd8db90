"""Every page that a route declares: axe-core and the console find nothing, and Tab reaches all of it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, BrowserContext
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.blackbox import IncidentRow, RcaRule
from optria.db.session import Database
from tests.web.black_box import failing_pump
from tests.web.browsers import served
from tests.web.house import House, build
from tests.web.screens import AXE, dressed, filled, look, page_paths

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not AXE.exists(), reason="`npm install` in frontend/ to check accessibility"),
]


@dataclass
class Site:
    """The application as it is served, with an incident and its order, and what addresses are filled with."""

    url: str
    house: House
    parts: Mapping[str, object]


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    house = await build(database)
    incident = await failing_pump(house)
    async with served(house) as url:
        yield Site(url, house, await _parts(house, incident))


async def _parts(house: House, incident: IncidentRow) -> Mapping[str, object]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = (await tx.session.get_one(IncidentRow, incident.id)).auto_work_order_id
        rule = await tx.session.scalar(select(RcaRule.id).limit(1))
    return {
        "incident_id": incident.id,
        "work_order_id": order,
        "site_code": house.own.site.code,
        "asset_id": house.own.asset.id,
        "integration_id": house.own.integration.id,
        "rule_id": rule,
    }


@pytest.mark.parametrize(
    ("theme", "language", "width", "keyboard"),
    [("dark", "en", 1440, True), ("light", "ar", 390, False)],
)
async def test_every_page(
    browser: Browser, site: Site, theme: str, language: str, width: int, keyboard: bool
) -> None:
    token = await site.house.token(site.house.user(Role.PLATFORM_OWNER))
    context = await dressed(browser, site.url, token, theme, language, width, 900)
    found = {}
    for path, address in filled(page_paths(), site.parts):
        tenant = f"?tenant_id={site.house.own.tenant.id}"
        found[path] = await _faults(context, site.url + address + tenant, width, keyboard=keyboard)
    await context.close()
    assert {path: faults for path, faults in found.items() if faults} == {}


async def _faults(context: BrowserContext, url: str, width: int, *, keyboard: bool) -> list[str]:
    page = await context.new_page()
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    answer = await page.goto(url)
    faults = [] if answer and answer.ok else [f"answered {answer and answer.status}"]
    faults += (await look(page, console, keyboard=keyboard)).faults
    root = "document.documentElement"
    if await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") > 0:
        faults.append(f"wider than a screen of {width}")
    await page.close()
    return faults
