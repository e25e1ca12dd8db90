"""Script and SQL in every writable field, and script in every stored text of every screen: inert."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page
from sqlalchemy import update

from optria.core.roles import Role
from optria.db.session import Database
from optria.db.tables import TABLES
from tests.faults.figures import Figures, Scale
from tests.web.browsers import served, signed_in
from tests.web.furnished import furnish, rows_of
from tests.web.house import House, build
from tests.web.test_access_matrix import Case, address, cases, undone

SCRIPTS: Final = (
    "<script>window.pwned=1</script>",
    '<img src=x onerror="window.pwned=1">',
    '"><svg onload=window.pwned=1>',
    "';window.pwned=1;//",
    "{{ 7*7 }}${7*7}<%= 7*7 %>",
    "javascript:window.pwned=1",
)
SQL: Final = (
    "'; DROP TABLE users; --",
    "' OR '1'='1",
    "1); SELECT pg_sleep(9); --",
    "\\'; UPDATE users SET role='platform_owner' --",
    "%' UNION SELECT password_hash FROM users --",
)
ODD: Final = ("\x00", "\ud800", "\u202e\u2066", "A" * 5_000, "🙂" * 60)
PAYLOADS: Final = SCRIPTS + SQL + ODD
LEAVES_THE_PRODUCT: Final = ("/api/integrations/probe", "/api/integrations/{integration_id}/read")
"""Routes that go out to an address: their own tests try bad ones."""


def strings(body: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every text in a body."""
    if isinstance(body, str):
        yield path
    elif isinstance(body, dict):
        for key, value in body.items():
            yield from strings(value, (*path, key))
    elif isinstance(body, list):
        for index, value in enumerate(body):
            yield from strings(value, (*path, index))


def replaced(body: object, path: tuple[Any, ...], payload: str) -> object:
    changed: Any = copy.deepcopy(body)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    if path:
        inner[path[-1]] = payload
    return changed if path else payload


def writes(house: House) -> Iterator[Case]:
    return (
        case
        for case in cases(house)
        if case.body is not None and case.route.startswith("/api/") and case.route not in LEAVES_THE_PRODUCT
    )


async def test_script_and_sql_in_every_writable_field_break_nothing(
    house: House, scale: Scale, figures: Figures
) -> None:
    """Every payload in every field at full scale; else each field has the next ones of the row."""
    at_once = scale.of(len(PAYLOADS), 4)
    row = cycle(PAYLOADS)
    furnished = await furnish(house)
    before = await rows_of(house, house.other.tenant.id)
    counts: Counter[str] = Counter()
    wrong: list[tuple[object, ...]] = []
    fields = 0
    async with house.client(Role.PLATFORM_OWNER) as browser:
        for case in writes(house):
            path = f"{address(case, furnished.own)}?tenant_id={house.own.tenant.id}"
            for field in strings(case.body):
                fields += 1
                for payload in islice(row, at_once):
                    body = replaced(case.body, field, payload)
                    async with undone(house):
                        answer = await browser.request(case.method, path, content=_json(body), headers=JSON)
                    counts[f"{answer.status_code // 100}xx"] += 1
                    is_page = "html" in answer.headers.get("content-type", "")
                    if answer.status_code >= 500 or is_page:
                        wrong.append((case.method, case.route, field, payload[:30], answer.status_code))
    figures.load = f"{fields} writable texts, {at_once} payloads each"
    figures.notes.append(f"answers: {dict(counts)}")
    assert fields > 50
    assert wrong == []
    assert await rows_of(house, house.other.tenant.id) == before


def _json(body: object) -> bytes:
    return json.dumps(body).encode()  # surrogates travel as escapes, as a hostile client would send them


JSON: Final = {"content-type": "application/json"}
PAGES: Final = (
    "/digital-twin",
    "/digital-twin/{site_code}?asset={asset_code}",
    "/blackbox/incidents?status=all",
    "/blackbox/incidents/{incident_id}",
    "/blackbox/incidents/{incident_id}/report",
    "/work-orders?id={work_order_id}",
    "/work-orders?view=list",
    "/notifications",
    "/assets",
    "/integrations",
    "/users",
    "/docs",
)
MARK: Final = SCRIPTS[1]


async def poison(house: House) -> None:
    """Write script into every text that a person or a plant may set."""
    tenant_id = house.own.tenant.id
    names = {
        "sites": ("name", "name_ar", "location"),
        "assets": ("name", "name_ar", "manufacturer", "asset_type"),
        "tenant_integrations": ("name", "last_sync_message"),
        "external_signal_mappings": ("description", "unit", "external_tag"),
    }
    async with house.database.transaction(tenant_id) as tx:
        for name, columns in names.items():
            ours = TABLES[name].c.tenant_id == tenant_id
            await tx.session.execute(update(TABLES[name]).where(ours).values(dict.fromkeys(columns, MARK)))
    async with house.database.platform("test") as tx:
        people = {"full_name": MARK, "full_name_ar": MARK}
        await tx.session.execute(update(TABLES["users"]).values(people))
        await tx.session.execute(update(TABLES["tenants"]).values(name=MARK, name_ar=MARK))


@pytest.mark.e2e
async def test_script_in_every_stored_text_is_inert_on_every_page(
    browser: Browser, database: Database
) -> None:
    house = await build(database)
    furnished = await furnish(house, MARK)
    await poison(house)
    admin = house.user(Role.TENANT_ADMIN)
    known = furnished.own | {"asset_code": house.own.asset.code}
    seen = 0
    async with served(house) as url:
        page, errors = await signed_in(browser, url, admin, "/digital-twin")
        for path in PAGES:
            for language in ("en", "ar"):
                shown = path.format(**known)
                answer = await page.goto(f"{url}{shown}{'&' if '?' in shown else '?'}lang={language}")
                assert answer is not None
                assert answer.ok, (shown, answer.status)
                assert await page.evaluate("window.pwned === undefined"), path
                seen += await written_out(page)
    assert seen > len(PAGES)
    assert [error for error in errors if "status of 404" not in error] == []


async def written_out(page: Page) -> int:
    """How often the script stands on a page as plain text."""
    return (await page.locator("body").inner_text()).count("onerror=")
