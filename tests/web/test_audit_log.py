"""Who may read the audit log, what of it, and whether its chain is whole."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from optria.core.roles import Permission, Role, can
from optria.db.audit import GENESIS
from optria.db.identity import AuditLog
from tests.web.house import House

LOGS = "/api/audit-logs"
VERIFY = f"{LOGS}/verify"
MORNING, NOON = datetime(2026, 11, 22, 8, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)


async def write(house: House, tenant_id: int | None, **values: object) -> None:
    async with house.database.platform("test") as tx:
        tx.session.add(AuditLog(**{"tenant_id": tenant_id, "action": "deed"} | values))


async def test_a_deed_is_told_with_who_and_its_place_in_the_chain(house: House) -> None:
    admin, tenant_id = house.user(Role.TENANT_ADMIN), house.own.tenant.id
    await write(
        house, tenant_id, user_id=admin.id, entity_type="site", entity_id=3, old_values={"name": "<b>"}
    )
    async with house.client(admin) as browser:
        answer = await browser.get(LOGS)
    told = answer.json()
    (row,) = told["audit_logs"]
    assert (told["total"], told["limit"], told["offset"]) == (1, 50, 0)
    assert (row["user_id"], row["user_email"], row["action"]) == (admin.id, admin.email, "deed")
    assert (row["entity_type"], row["entity_id"]) == ("site", 3)
    assert (row["old_values"], row["new_values"]) == ({"name": "<b>"}, None)
    assert (row["sequence"], row["previous_hash"], len(row["hash"])) == (1, GENESIS, 64)


async def test_a_tenant_reads_its_own_rows_and_a_platform_owner_all(house: House) -> None:
    own, other = house.own.tenant.id, house.other.tenant.id
    for tenant_id in (own, other, None):
        await write(house, tenant_id)
    query = {"action": "deed"}
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert {row["tenant_id"] for row in (await browser.get(LOGS)).json()["audit_logs"]} == {own}
        assert (await browser.get(LOGS, params={"tenant_id": other})).status_code == 404
    async with house.client(Role.PLATFORM_OWNER) as browser:
        every = (await browser.get(LOGS, params=query)).json()
        chosen = (await browser.get(LOGS, params={**query, "tenant_id": other})).json()
    assert {row["tenant_id"] for row in every["audit_logs"]} == {own, other, None}
    assert {row["tenant_id"] for row in chosen["audit_logs"]} == {other}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("path", [LOGS, VERIFY])
async def test_only_administrators_read_it(house: House, role: Role, path: str) -> None:
    async with house.client(role) as browser:
        answer = await browser.get(path)
    assert answer.status_code == (200 if can(role, Permission.VIEW_AUDIT_LOG) else 403)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"action": "late"}, ["late"]),
        ({"user_id": "7"}, ["late"]),
        ({"entity_type": "site"}, ["late", "early"]),
        ({"entity_type": "site", "entity_id": "1"}, ["early"]),
        ({"from": NOON.isoformat()}, ["late"]),
        ({"to": NOON.isoformat()}, ["early"]),
        ({"from": "2026-11-22T08:00:00", "to": "2026-11-22T15:00:00+03:00"}, ["early"]),
        ({"limit": "1"}, ["late"]),
        ({"limit": "1", "offset": "1"}, ["early"]),
        ({"offset": "2"}, []),
    ],
)
async def test_rows_are_found_newest_first(house: House, asked: Mapping[str, str], found: list[str]) -> None:
    tenant_id = house.own.tenant.id
    await write(house, tenant_id, action="late", user_id=7, created_at=NOON, entity_type="site", entity_id=2)
    await write(house, tenant_id, action="early", created_at=MORNING, entity_type="site", entity_id=1)
    async with house.client(Role.TENANT_ADMIN) as browser:
        told = (await browser.get(LOGS, params=asked)).json()
    assert [row["action"] for row in told["audit_logs"]] == found
    paged = asked.keys() & {"limit", "offset"}
    assert told["total"] == (2 if paged else len(found))


@pytest.mark.parametrize(
    "asked",
    [
        {"user_id": "0"},
        {"entity_id": "99999999999"},
        {"from": "yesterday"},
        {"to": "99999-01-01"},
        {"limit": "501"},
        {"offset": "-1"},
        {"action": "x" * 101},
    ],
)
async def test_malformed_filters_are_refused(house: House, asked: Mapping[str, str]) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(LOGS, params=asked)).status_code == 422


async def test_the_end_of_the_chain_is_checked(house: House) -> None:
    tenant_id = house.own.tenant.id
    for _ in range(3):
        await write(house, tenant_id)
    async with house.client(Role.TENANT_ADMIN) as browser:
        whole = (await browser.get(VERIFY)).json()
        end = (await browser.get(VERIFY, params={"newest": 2})).json()
    assert whole == {
        "tenant_id": tenant_id,
        "intact": True,
        "length": 3,
        "checked": 3,
        "checked_from": 1,
        "unchained": 0,
        "first_bad": None,
    }
    assert (end["checked"], end["checked_from"]) == (2, 2)


async def test_a_forged_row_is_told(house: House) -> None:
    tenant_id = house.own.tenant.id
    await write(house, tenant_id)
    async with house.database.transaction(tenant_id) as tx:
        forged = {"sequence": 2, "previous_hash": "a" * 64, "hash": "b" * 64}
        await tx.session.execute(insert(AuditLog).values(tenant_id=tenant_id, action="forged", **forged))
    async with house.client(Role.TENANT_ADMIN) as browser:
        told = (await browser.get(VERIFY)).json()
    assert not told["intact"]
    assert told["first_bad"] == {"sequence": 2, "reason": "the row lies beyond the head of the chain"}


async def test_a_platform_owner_checks_their_own_chain_or_a_tenants(house: House) -> None:
    tenant_id = house.own.tenant.id
    await write(house, tenant_id)
    async with house.client(Role.PLATFORM_OWNER) as browser:
        own = (await browser.get(VERIFY)).json()
        theirs = (await browser.get(VERIFY, params={"tenant_id": tenant_id})).json()
    assert (own["tenant_id"], own["length"], own["intact"]) == (None, 1, True)
    assert (theirs["tenant_id"], theirs["length"], theirs["intact"]) == (tenant_id, 2, True)
