"""The page of the work orders, as the server writes it."""

from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.orders.work_order_views import by_status, by_urgency
from optria.web.page_words import cause_word, keep_codes
from tests import factories
from tests.web.house import House

PAGE = "/work-orders"


async def stored(house: House, **values: object) -> WorkOrderRow:
    defaults = {"assigned_to": house.own.users[Role.ENGINEER].id, "title": "Grease P-102B"}
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.order(tx, house.own.asset, **defaults | values)


@pytest.mark.clause("V8")
@pytest.mark.parametrize("view", ["board", "list"])
async def test_board_and_list_show_the_orders(house: House, view: str) -> None:
    row = await stored(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = await browser.get(f"{PAGE}?view={view}")
    assert page.status_code == 200
    assert row.code in page.text
    assert "style=" not in page.text


@pytest.mark.clause("V8")
async def test_the_drawer_shows_description_checklist_and_history(house: House) -> None:
    lines = [{"text": "Schedule maintenance within 12 hours.", "text_ar": "جدولة", "done": True}]
    row = await stored(house, description="At 09:41 the system detected.", checklist=lines)
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"/api/work-orders/{row.id}/notes", json={"body": "Standby is up."})
        english = (await browser.get(f"{PAGE}?id={row.id}")).text
        arabic = (await browser.get(f"{PAGE}?id={row.id}&lang=ar")).text
    for text in ("At 09:41 the system detected.", "Schedule maintenance within 12 hours.", "Standby is up."):
        assert text in english
    assert "جدولة" in arabic
    assert "ابدأ العمل" in arabic


@pytest.mark.clause("V9")
@pytest.mark.parametrize(
    ("role", "status", "verbs"),
    [
        (Role.ENGINEER, "pending_approval", set()),
        (Role.ENGINEER, "open", {"/start"}),
        (Role.ENGINEER, "completed", {"/close"}),
        (Role.OPTIMIZATION_ENGINEER, "pending_approval", {"/approve", "/cancel"}),
        (Role.TENANT_ADMIN, "open", {"/start", "/cancel"}),
        (Role.TENANT_ADMIN, "closed", set()),
    ],
)
async def test_buttons_are_those_of_the_role_and_status(
    house: House, role: Role, status: str, verbs: set[str]
) -> None:
    row = await stored(house, status=status)
    async with house.client(role) as browser:
        page = (await browser.get(f"{PAGE}?id={row.id}")).text
    base = f'data-post="/api/work-orders/{row.id}'
    offered = {verb for verb in ("/start", "/approve", "/close", "/cancel") if base + verb in page}
    assert offered == verbs
    assert ("Waits for an optimization engineer" in page) is (
        role is Role.ENGINEER and status == "pending_approval"
    )


async def test_a_viewer_may_not_open_it(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get(PAGE)).status_code == 403


async def test_somebody_elses_order_is_said_to_be_missing(house: House) -> None:
    row = await stored(house, assigned_to=None, description="Secret work")
    async with house.client(Role.ENGINEER) as browser:
        page = await browser.get(f"{PAGE}?id={row.id}")
    assert "There is no such work order" in page.text
    assert "Secret work" not in page.text


async def test_a_platform_owner_sees_every_tenant_but_makes_no_order_here(house: House) -> None:
    row = await stored(house)
    async with house.database.transaction(house.other.tenant.id) as tx:
        foreign = await factories.order(tx, house.other.asset)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        page = (await browser.get(PAGE)).text
    assert row.code in page
    assert foreign.code in page
    assert "new-order" not in page


@pytest.mark.parametrize(
    ("role", "words"),
    [(Role.ENGINEER, "No work is assigned to you"), (Role.TENANT_ADMIN, "No work orders yet")],
)
async def test_an_empty_page_says_why(house: House, role: Role, words: str) -> None:
    async with house.client(role) as browser:
        assert words in (await browser.get(PAGE)).text


def test_the_most_urgent_order_is_first() -> None:
    now = clock.now()
    orders: list[dict[str, object]] = [
        {"status": "open", "priority": "low", "due_at": None},
        {"status": "open", "priority": "high", "due_at": now + timedelta(hours=2)},
        {"status": "open", "priority": "high", "due_at": now},
        {"status": "open", "priority": "emergency", "due_at": now + timedelta(days=2)},
        {"status": "closed", "priority": "emergency", "due_at": now},
    ]
    assert by_status(orders)["open"] == [orders[3], orders[2], orders[1], orders[0]]
    assert by_urgency(orders)[-1] is orders[4]


def test_codes_stay_on_one_line_and_text_stays_text() -> None:
    kept = str(keep_codes("Check <b> FT-3031 & P-102B on X-ray"))
    assert kept.count('class="whitespace-nowrap"') == 2
    assert "&lt;b&gt;" in kept
    assert "X-ray" in kept


def test_causes_are_said_in_the_language_of_the_page() -> None:
    assert cause_word("BEARING_FAULT", "en") == "Bearing Fault"
    assert cause_word("Bearing Fault", "ar") == "عطل في المحمل"
    assert cause_word(None, "ar") == ""


async def test_the_address_of_an_order_opens_it_and_that_of_none_says_so(house: House) -> None:
    row = await stored(house)
    async with house.client(Role.TENANT_ADMIN) as browser:
        known = await browser.get(f"{PAGE}/{row.id}", headers={"Accept": "text/html"})
        unknown = await browser.get(f"{PAGE}/999999", headers={"Accept": "text/html"})
    assert (known.status_code, known.headers["location"]) == (303, f"{PAGE}?id={row.id}")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"].startswith("text/html")


async def test_history_is_told_in_the_language_of_the_page(house: House) -> None:
    row = await stored(house, status="open")
    async with house.client(Role.ENGINEER) as browser:
        await browser.post(f"/api/work-orders/{row.id}/start", json={"version": row.version})
        arabic = (await browser.get(f"{PAGE}?id={row.id}&lang=ar")).text
    assert "من «مفتوح» إلى «قيد التنفيذ»" in arabic
    assert "open → in progress" not in arabic


async def test_a_new_order_is_cancelled_by_a_button_that_says_so(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(PAGE)).text
    dialog = page[page.index('id="new-order"') :]
    assert "Keep as it is" not in dialog
    assert ">Cancel<" in dialog


async def test_an_order_whose_fix_did_not_hold_says_so(house: House) -> None:
    reopened = await stored(house, not_effective_count=2)
    async with house.client(Role.ENGINEER) as browser:
        board = (await browser.get(PAGE)).text
        drawer = (await browser.get(f"{PAGE}?id={reopened.id}")).text
    assert "fix not effective" in board
    assert '<bdi dir="ltr">× 2</bdi>' in drawer
