"""The page of the work orders, as the server writes it."""

import html
import json
import re
from datetime import timedelta

import pytest

from optria.core.roles import Role
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.order_pages.work_order_board import ROWS
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
        (Role.ENGINEER, "completed", {"/close", "/reopen"}),
        (Role.OPTIMIZATION_ENGINEER, "pending_approval", {"/approve", "/cancel"}),
        (Role.OPTIMIZATION_ENGINEER, "in_progress", {"/pause", "/cancel"}),
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
    base = rf'data-post(?:-to)?="/api/work-orders/{row.id}'
    known = ("/start", "/approve", "/close", "/cancel", "/pause", "/reopen")
    offered = {verb for verb in known if re.search(base + verb, page)}
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


def told(page: str) -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    """What the page's scripts are told of moves."""
    found = re.search(r'data-orders="([^"]*)"', page)
    assert found
    read: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(html.unescape(found[1]))
    return read


@pytest.mark.clause("V9")
async def test_the_board_knows_each_move_and_why_another_is_none(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        engineer = told((await browser.get(PAGE)).text)["moves"]
    async with house.client(Role.TENANT_ADMIN) as browser:
        admin = told((await browser.get(PAGE)).text)["moves"]
    assert admin["pending_approval"]["open"] == {"verb": "approve", "word": "Approve"}
    assert "approves" in engineer["pending_approval"]["open"]["why"]
    assert engineer["open"]["in_progress"]["verb"] == "start"
    assert "approve it first" in admin["pending_approval"]["completed"]["why"]
    whys = [move for here in admin.values() for move in here.values() if "verb" not in move]
    assert all(move["why"] for move in whys)
    assert all(not any("verb" in move for move in admin[end].values()) for end in ("closed", "cancelled"))


async def test_the_most_urgent_card_is_first_and_terminal_ones_are_quiet(house: House) -> None:
    now = clock.now()
    late = await stored(house, status="open", priority="high", due_at=now - timedelta(hours=1))
    calm = await stored(house, status="open", priority="low", due_at=now - timedelta(days=3))
    first = await stored(house, status="open", priority="emergency", due_at=now + timedelta(days=2))
    done = await stored(house, status="completed", priority="emergency", completed_at=now)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(PAGE)).text
    places = [page.index(f'data-card="{row.id}"') for row in (first, late, calm, done)]
    assert places == sorted(places)
    assert "is-over" in page[places[3] - 60 : places[3]]
    assert "late</b>" in page[places[1] : places[2]]


@pytest.mark.parametrize("status", [None, "on hold"])
async def test_a_status_that_nobody_knows_stands_under_open(house: House, status: str | None) -> None:
    row = await stored(house, status=status)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(PAGE)).text
    assert f'data-card="{row.id}" data-status="open"' in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("priority=high", {"a"}),
        ("q=P-102", {"a", "b"}),
        ("status=completed&view=list", {"c"}),
        ("q=nothing+like+it", set()),
    ],
)
async def test_filters_narrow_what_is_shown(house: House, asked: str, found: set[str]) -> None:
    rows = {
        "a": await stored(house, priority="high"),
        "b": await stored(house, priority="low"),
        "c": await stored(house, status="completed", title="Paint", priority="low"),
    }
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(f"{PAGE}?{asked}")).text
    shown = {name for name, row in rows.items() if f'data-key="order-{row.id}"' in page}
    assert shown == found
    assert ("No work order fits this filter" in page) is (not found)


@pytest.mark.parametrize(
    ("sort", "names"), [("due", "abc"), ("-due", "bac"), ("priority", "bac"), ("no", "bac")]
)
async def test_the_list_is_sorted_as_asked(house: House, sort: str, names: str) -> None:
    now = clock.now()
    rows = {
        "a": await stored(house, status="open", priority="low", due_at=now),
        "b": await stored(house, status="open", priority="high", due_at=now + timedelta(hours=1)),
        "c": await stored(house, status="open", priority="low", due_at=None),
    }
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(f"{PAGE}?view=list&sort={sort}")).text
    places = [page.index(f'data-key="order-{rows[name].id}"') for name in names]
    assert places == sorted(places)


async def test_the_list_has_pages(house: House) -> None:
    rows = [await stored(house, title=f"Work {number}") for number in range(ROWS + 1)]
    async with house.client(Role.TENANT_ADMIN) as browser:
        pages = [(await browser.get(f"{PAGE}?view=list&sort=number&page={page}")).text for page in (1, 2)]
    shown = [{row.id for row in rows if f'data-key="order-{row.id}"' in page} for page in pages]
    assert [len(ids) for ids in shown] == [ROWS, 1]
    assert not shown[0] & shown[1]
    assert 'rel="next"' in pages[0]
    assert 'rel="prev"' in pages[1]


async def test_hours_of_work_begin_with_those_since_the_start(house: House) -> None:
    running = await stored(house, status="in_progress", started_at=clock.now() - timedelta(minutes=100))
    idle = await stored(house, status="in_progress", started_at=clock.now() - timedelta(days=3))
    async with house.client(Role.ENGINEER) as browser:
        pages = [(await browser.get(f"{PAGE}?id={row.id}")).text for row in (running, idle)]
    hours = [re.search(r'name="actual_hours"[^>]*value="([^"]*)"', page) for page in pages]
    assert [found[1] for found in hours if found] == ["1.75", ""]


async def test_changes_that_wait_are_kept_for_whoever_is_signed_in(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(PAGE)).text
    assert f'action="/logout" data-user="{house.user(Role.ENGINEER).email}"' in page
    assert "data-outbox" in page
