"""The mission's scenario by hand, once for each role: twin, asset, analysis, incident, order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from optria.core.roles import Permission, Role, can
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.session import Database
from optria.db.work import WorkOrderRow
from tests.web.black_box import failing_pump
from tests.web.browsers import served, signed_in
from tests.web.house import House, build

pytestmark = pytest.mark.e2e

RUN = "Run Black Box analysis"


@dataclass
class Plant:
    """The application as it is served, with an incident, its order and the one it is assigned to."""

    url: str
    house: House
    incident: IncidentRow
    order: WorkOrderRow

    def person(self, role: Role) -> User:
        assignee = self.house.own.users[Role.ENGINEER]
        assert assignee.id == self.order.assigned_to
        return assignee if role is Role.ENGINEER else self.house.user(role)

    @property
    def number(self) -> str:
        return self.incident.incident_number or ""

    def at(self, path: str, role: Role) -> str:
        """The platform's owner says whose plant is meant."""
        return f"{path}?tenant_id={self.house.own.tenant.id}" if role is Role.PLATFORM_OWNER else path


@pytest.fixture
async def plant(database: Database) -> AsyncIterator[Plant]:
    house = await build(database)
    incident = await failing_pump(house)
    async with house.database.transaction(house.own.tenant.id) as tx:
        stored = await tx.session.get_one(IncidentRow, incident.id)
        order = await tx.session.get_one(WorkOrderRow, stored.auto_work_order_id)
    async with served(house) as url:
        yield Plant(url, house, stored, order)


@pytest.mark.clause("V6", "V7", "V8", "V9")
@pytest.mark.parametrize("role", Role)
async def test_what_each_role_sees_and_may_do(browser: Browser, plant: Plant, role: Role) -> None:
    twin = plant.at(f"/digital-twin/{plant.house.own.site.code}", role)
    page, errors = await signed_in(browser, plant.url, plant.person(role), twin)
    await _analyse(page, plant, role)
    await _read_the_incident(page, plant, role)
    if can(role, Permission.VIEW_WORK_ORDERS):
        await _work_on_the_order(page, plant, role)
        assert errors == []
    else:
        await _find_the_orders_closed(page, plant, role)


async def _analyse(page: Page, plant: Plant, role: Role) -> None:
    """V6: pick the asset on the twin and have it analysed there, if the role may."""
    await page.locator(f'a[data-asset="{plant.house.own.asset.code}"]').first.click()
    panel = page.locator('[data-region="panel"]')
    await expect(panel).to_contain_text(plant.number)
    button = panel.get_by_role("button", name=RUN)
    if can(role, Permission.RUN_RCA):
        await button.click()
        await expect(page.locator("[data-analysis]")).to_contain_text("Root cause")
    elif can(role, Permission.VIEW_RCA):
        await expect(button).to_be_disabled()
        await expect(panel).to_contain_text("Your role may look at analyses, not start one.")
    else:
        await expect(button).to_have_count(0)


async def _read_the_incident(page: Page, plant: Plant, role: Role) -> None:
    """V7: the Black Box page lists the incident, and its own page has causes and impact."""
    await page.goto(plant.url + plant.at("/blackbox/incidents", role))
    await expect(page.locator("main")).to_contain_text(plant.number)
    await page.goto(plant.url + plant.at(f"/blackbox/incidents/{plant.incident.id}", role))
    main = page.locator("main")
    if can(role, Permission.VIEW_RCA):
        await expect(main.locator('[data-region="causes"]')).to_contain_text("Sum of the evidence")
        await expect(main).to_contain_text("Financial impact")
        await expect(main).to_contain_text("What happened")
    else:
        await expect(main).to_contain_text(plant.number)
        await expect(main.locator('[data-region="causes"]')).to_have_count(0)
        await expect(main).not_to_contain_text("Financial impact")
        await expect(main.get_by_role("button", name="Acknowledge")).to_have_count(0)


async def _work_on_the_order(page: Page, plant: Plant, role: Role) -> None:
    """V8, V9: the order says what the analysis said; who may, writes on it."""
    await page.goto(plant.url + plant.at(f"/work-orders/{plant.order.id}", role))
    drawer = page.locator('[data-region="order"]')
    await expect(drawer).to_contain_text(plant.order.work_order_number or plant.order.code)
    async with plant.house.database.transaction(plant.house.own.tenant.id) as tx:
        told = (await tx.session.get_one(IncidentRow, plant.incident.id)).event_story or ""
    await expect(drawer).to_contain_text(told.splitlines()[0])
    note = f"Seen by the {role.value}."
    await drawer.get_by_label("Add a note").fill(note)
    await drawer.get_by_role("button", name="Add the note").click()
    await expect(drawer).to_contain_text(note)


async def _find_the_orders_closed(page: Page, plant: Plant, role: Role) -> None:
    """V9: who may not see orders is told which roles may, and cannot change one past the screens either."""
    await page.goto(plant.url + plant.at("/work-orders", role))
    await expect(page.locator("main")).to_contain_text("Your role may not open this page")
    await expect(page.get_by_role("link", name="Work orders")).to_have_count(0)
    refused = await page.request.put(
        f"{plant.url}/api/work-orders/{plant.order.id}",
        data={"priority": "low"},
        headers={"Origin": plant.url},
    )
    assert refused.status == 403
