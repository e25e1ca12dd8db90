"""Moving cards, working without a connection and meeting somebody else's change, in a real browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Dialog, Locator, Page, expect
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.session import Database
from optria.db.work import WorkOrderHistory, WorkOrderRow
from tests import factories
from tests.web.browsers import served, signed_in
from tests.web.house import House, build

pytestmark = pytest.mark.e2e
LINES = [{"text": text, "text_ar": None, "done": False} for text in ("Isolate the fan", "Replace the belt")]


@dataclass(frozen=True)
class Yard:
    url: str
    house: House
    row: WorkOrderRow

    async def kinds(self) -> list[str]:
        """What the order's history holds, oldest first."""
        query = select(WorkOrderHistory.kind).where(WorkOrderHistory.work_order_id == self.row.id)
        async with self.house.database.transaction(self.house.own.tenant.id) as tx:
            return list(await tx.session.scalars(query.order_by(WorkOrderHistory.id)))

    async def now(self) -> WorkOrderRow:
        async with self.house.database.transaction(self.house.own.tenant.id) as tx:
            return await tx.session.get_one(WorkOrderRow, self.row.id)

    async def by_somebody_else(self, verb: str, body: dict[str, object] | None = None) -> None:
        async with self.house.client(Role.TENANT_ADMIN) as browser:
            answer = await browser.post(f"/api/work-orders/{self.row.id}/{verb}", json=body or {})
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def yard(database: Database) -> AsyncIterator[Yard]:
    house = await build(database)
    mine = {"assigned_to": house.own.users[Role.ENGINEER].id, "status": "open", "checklist": LINES}
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.order(tx, house.own.asset, **mine)
    async with served(house) as url:
        yield Yard(url, house, row)


async def drag(page: Page, card: Locator, column: Locator) -> None:
    """Take the card and hold it over the column."""
    await card.hover()
    await page.mouse.down()
    await column.hover(position={"x": 40, "y": 60}, force=True)


def unasked(errors: list[str]) -> list[str]:
    """Console errors that are not the browser's own word for a connection taken away, or for a conflict."""
    known = ("ERR_INTERNET_DISCONNECTED", "409")
    return [error for error in errors if not any(word in error for word in known)]


@pytest.mark.clause("V9")
async def test_a_card_goes_where_it_may_and_says_why_it_may_not(browser: Browser, yard: Yard) -> None:
    page, errors = await signed_in(browser, yard.url, yard.house.user(Role.ENGINEER), "/work-orders")
    keys: list[str | None] = []
    page.on(
        "request",
        lambda sent: keys.append(sent.headers.get("idempotency-key")) if sent.method == "POST" else None,
    )
    card = page.locator(f'[data-card="{yard.row.id}"]')
    waiting, running = (page.locator(f'[data-column="{key}"]') for key in ("pending_approval", "in_progress"))
    await drag(page, card, waiting)
    await expect(waiting.locator("[data-why]")).to_have_text("An approval is not taken back.")
    await expect(running).to_have_attribute("data-drop", "yes")
    await page.keyboard.press("Escape")
    await expect(page.locator(".order-ghost")).to_have_count(0)
    await page.mouse.up()
    await drag(page, card, running)
    await page.mouse.up()
    await expect(running.locator(f'[data-card="{yard.row.id}"]')).to_be_visible()
    assert (await yard.now()).status == "in_progress"
    assert len(keys) == 1
    assert keys[0]
    await card.get_by_role("button", name="Move").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem").first).to_be_focused()
    await page.get_by_role("menuitem", name="Complete").press("Enter")
    dialog = page.get_by_role("dialog", name="Complete the work order")
    await expect(dialog.get_by_label("Hours of work")).to_have_value("0.25")
    assert errors == []


async def test_work_without_a_connection_is_sent_once_and_conflicts_are_asked(
    browser: Browser, yard: Yard
) -> None:
    address = f"/work-orders?id={yard.row.id}"
    page, errors = await signed_in(browser, yard.url, yard.house.user(Role.ENGINEER), "/work-orders")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(yard.url + address, wait_until="load")
    order, outbox = page.locator('[data-region="order"]'), page.locator("[data-outbox]")
    await page.context.set_offline(True)
    await order.get_by_role("button", name="Start work").click()
    await order.get_by_label("Isolate the fan").check()
    await order.get_by_label("Add a note", exact=True).fill("Belt is off")
    await order.get_by_role("button", name="Add the note").click()
    await expect(outbox).to_contain_text("Waiting to send (3)")
    await expect(order.locator("[data-history] > [data-pending]")).to_contain_text("Belt is off")
    await expect(order.get_by_role("button", name="Start work")).to_be_hidden()
    await expect(order.get_by_role("button", name="Complete", exact=True)).to_be_visible()
    assert await yard.kinds() == []
    await page.context.set_offline(False)
    await expect(outbox).to_be_hidden()
    await expect(order).to_contain_text("In progress")
    assert await yard.kinds() == ["moved", "ticked", "note"]

    await page.context.set_offline(True)
    await order.get_by_role("button", name="Complete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Complete the work order")
    await dialog.get_by_role("radio", name="No Fault Found").check()
    await dialog.get_by_label("Hours of work").fill("0.5")
    await dialog.get_by_label("Hours of downtime").fill("1")
    await dialog.get_by_role("button", name="Complete", exact=True).click()
    await expect(dialog).to_be_hidden()
    await order.get_by_label("Replace the belt").check()
    await expect(outbox).to_contain_text("Waiting to send (2)")
    await yard.by_somebody_else("pause")
    await page.context.set_offline(False)
    conflict = page.get_by_role("dialog", name="The order was changed meanwhile")
    await expect(conflict.locator("[data-line]")).to_have_count(1)
    await expect(conflict).to_contain_text("from In progress to Open")
    await conflict.get_by_role("button", name="Try mine again").click()
    await expect(outbox).to_be_hidden()
    await expect(order).to_contain_text("Completed")
    assert (await yard.now()).status == "completed"
    assert (await yard.kinds())[3:] == ["moved", "moved", "moved", "ticked"]
    assert await page.evaluate("Object.keys(localStorage).filter((k) => k.includes('outbox')).length") == 0
    assert unasked(errors) == []


async def test_signing_out_asks_about_changes_that_wait_and_forgets_them(
    browser: Browser, yard: Yard
) -> None:
    page, _ = await signed_in(browser, yard.url, yard.house.user(Role.ENGINEER), "/work-orders")
    await page.goto(f"{yard.url}/work-orders?id={yard.row.id}", wait_until="load")
    await page.route("**/api/work-orders/**", lambda route: route.abort())
    await page.get_by_label("Isolate the fan").check()
    await expect(page.locator("[data-outbox]")).to_contain_text("Waiting to send (1)")
    asked: list[str] = []

    async def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.accept()

    page.on("dialog", agree)
    await page.evaluate("sessionStorage.setItem('optria.work', 'INC-7')")
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/login**")
    assert len(asked) == 1
    assert await page.evaluate("sessionStorage.getItem('optria.work')") is None
    assert await page.evaluate("Object.keys(localStorage).filter((k) => k.includes('outbox')).length") == 0
    assert await yard.kinds() == []
