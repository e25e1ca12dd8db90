"""Fields that nobody asked for, in every body that the API takes: ignored or refused, never assigned."""

from collections import Counter
from typing import Any, Final

from sqlalchemy import Table, select

from optria.core.roles import Role
from optria.db.identity import AuditLog
from optria.db.tables import TABLES
from tests.faults.figures import Figures
from tests.web.furnished import furnish, rows_of
from tests.web.house import House
from tests.web.test_access_matrix import Case, address, ask, undone
from tests.web.test_hostile_input import writes

MARK: Final = "assigned-from-outside"
WORDS: Final = ("role", "password_hash", "token_sha256", "hash", "previous_hash", "source", "created_by_name")
NUMBERS: Final = ("id", "user_id", "created_by", "assigned_by")
FLAGS: Final = ("is_admin", "is_system", "is_superuser", "is_active", "is_final")


def smuggled(body: dict[str, Any], other: int) -> dict[str, Any]:
    """The body with fields beside those that it has: the other tenant, ids, roles, hashes."""
    fields: dict[str, Any] = {
        "tenant_id": other,
        "tenant": {"id": other},
        "created_at": "1999-01-01T00:00:00Z",
    }
    fields |= dict.fromkeys(WORDS, MARK) | dict.fromkeys(NUMBERS, 2_147_000_000) | dict.fromkeys(FLAGS, True)
    return fields | body


async def holding_mark(house: House) -> list[str]:
    """Columns of any table in which a smuggled value stands; the log of what was asked for is none."""
    found = []
    for name, table in TABLES.items():
        if name != AuditLog.__tablename__:
            found += await _marked(house, name, table)
    return found


async def _marked(house: House, name: str, table: Table) -> list[str]:
    columns = [column for column in table.c if column.name in (*WORDS, *NUMBERS)]
    if not columns:
        return []
    async with house.database.platform("test") as tx:
        rows = (await tx.session.execute(select(*columns))).all()
    return [f"{name}: {row}" for row in rows if MARK in row or 2_147_000_000 in row]


async def test_fields_that_nobody_asked_for_are_never_assigned(house: House, figures: Figures) -> None:
    furnished = await furnish(house)
    other = house.other.tenant.id
    before = await rows_of(house, other)
    counts: Counter[str] = Counter()
    wrong: list[tuple[object, ...]] = []
    for case in writes(house):
        if not isinstance(case.body, dict):
            continue
        odd = Case(case.method, case.route, case.permission, smuggled(case.body, other), case.query)
        plain = await ask(house, Role.TENANT_ADMIN, case, address(case, furnished.own))
        answer, marked = await asked_and_searched(house, odd, address(case, furnished.own))
        counts[f"{answer.status_code}"] += 1
        if answer.status_code not in (plain.status_code, 422) or marked:
            wrong.append((case.method, case.route, plain.status_code, answer.status_code, marked[:3]))
    figures.load = f"{counts.total()} bodies with {len(smuggled({}, 0))} more fields"
    figures.notes.append(f"answers: {dict(counts)}")
    assert min(counts["200"], counts["422"]) > 10
    assert wrong == [], "\n" + "\n".join(map(str, wrong))
    assert await rows_of(house, other) == before


async def asked_and_searched(house: House, case: Case, path: str) -> tuple[Any, list[str]]:
    """The answer, and what the request left of the smuggled values before it is undone."""
    async with house.client(Role.TENANT_ADMIN) as browser, undone(house):
        answer = await browser.request(case.method, path, json=case.body)
        return answer, await holding_mark(house)
