"""A row of the audit log that was changed, removed or moved is found, and so is a chain that was cut off."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from optria.core.roles import Role
from optria.db.audit import GENESIS, HASHED, digest
from optria.db.audit_check import Break, ChainReport, check_chain, read_heads
from optria.db.identity import AuditHead, AuditLog
from optria.db.session import Database, Tx
from tests import factories


def deed(tenant_id: int | None, action: str = "deed", **values: object) -> AuditLog:
    return AuditLog(tenant_id=tenant_id, action=action, **values)


async def new_tenant(database: Database) -> int:
    async with database.platform("test") as tx:
        return (await factories.tenant(tx)).id


async def write(database: Database, tenant_id: int, rows: int) -> None:
    """So many deeds, a transaction each."""
    for number in range(rows):
        async with database.transaction(tenant_id) as tx:
            tx.session.add(deed(tenant_id, new_values={"number": number, "share": number / 3}))


async def check(
    database: Database,
    tenant_id: int | None,
    exported: dict[int, str] | None = None,
    newest: int | None = None,
) -> ChainReport:
    async with database.platform("test") as tx:
        return await check_chain(tx, tenant_id, exported, newest)


async def rows_of(tx: Tx, tenant_id: int | None) -> list[AuditLog]:
    query = select(AuditLog).where(AuditLog.tenant_id.is_not_distinct_from(tenant_id))
    return list(await tx.session.scalars(query.order_by(AuditLog.sequence)))


async def fail(tx: Tx) -> None:
    """A deed in a savepoint whose flush fails."""
    async with tx.session.begin_nested():
        tx.session.add_all([deed(tx.tenant_id, "lost too"), AuditHead(tenant_id=tx.tenant_id)])
        await tx.session.flush()


@pytest.fixture
async def owner(fresh_database: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


async def test_rows_follow_each_other_from_one(tx: Tx, rolled_back: Database) -> None:
    assert tx.tenant_id is not None
    await write(rolled_back, tx.tenant_id, 3)
    first, second, third = await rows_of(tx, tx.tenant_id)
    assert [row.sequence for row in (first, second, third)] == [1, 2, 3]
    assert first.id < second.id < third.id
    assert [first.previous_hash, second.previous_hash] == [GENESIS, first.hash]
    head = await tx.session.get_one(AuditHead, tx.tenant_id)
    assert (head.sequence, head.hash) == (3, third.hash)
    assert await check_chain(tx, tx.tenant_id) == ChainReport(3, 3, 0, None)


async def test_a_deed_of_nobodys_tenant_has_a_chain_of_its_own(tx: Tx, rolled_back: Database) -> None:
    assert tx.tenant_id is not None
    async with rolled_back.platform("test") as other:
        other.session.add_all([deed(None), deed(tx.tenant_id), deed(None)])
    assert (await check(rolled_back, None)).checked == 2
    assert (await check(rolled_back, tx.tenant_id)).checked == 1
    async with rolled_back.platform("test") as other:
        heads = await read_heads(other)
    assert [(head.tenant_id, head.tenant is None, head.sequence) for head in heads] == [
        (None, True, 2),
        (tx.tenant_id, False, 1),
    ]


async def test_what_is_rolled_back_is_not_written(tx: Tx, rolled_back: Database) -> None:
    assert tx.tenant_id is not None
    async with rolled_back.transaction(tx.tenant_id) as inner:
        inner.session.add(deed(tx.tenant_id))
        await inner.session.flush()
        await inner.session.rollback()
    assert await rows_of(tx, tx.tenant_id) == []
    assert (await check_chain(tx, tx.tenant_id)).length == 0


async def test_a_savepoint_takes_its_deeds_back_alone(tx: Tx, rolled_back: Database) -> None:
    tenant_id = tx.tenant_id
    async with rolled_back.transaction(tenant_id or 0) as inner:
        inner.session.add(deed(tenant_id, "before"))
        async with inner.session.begin_nested():
            inner.session.add(deed(tenant_id, "kept"))
        savepoint = await inner.session.begin_nested()
        inner.session.add(deed(tenant_id, "lost"))
        await inner.session.flush()
        await savepoint.rollback()
        with pytest.raises(IntegrityError):
            await fail(inner)
        inner.session.add(deed(tenant_id, "after"))
    assert [row.action for row in await rows_of(tx, tenant_id)] == ["before", "kept", "after"]
    assert (await check_chain(tx, tenant_id)).first_bad is None


async def test_odd_values_come_back_as_they_were_hashed(tx: Tx, rolled_back: Database) -> None:
    values = {"b": 1e2, "a": 1e-7, "ratio": 1 / 3, "big": 10**40, "Ä": "ä\n\"\\'\t€😀", "deep": [{"": None}]}
    moment = datetime(2026, 11, 22, 12, 0, 0, 1, UTC)
    async with rolled_back.transaction(tx.tenant_id or 0) as inner:
        inner.session.add(deed(tx.tenant_id, old_values={}, new_values=values, created_at=moment))
        inner.session.add(deed(tx.tenant_id, "x" * 100, user_agent="ä", ip_address="::1", entity_id=7))
    assert await check_chain(tx, tx.tenant_id) == ChainReport(2, 2, 0, None)
    first, second = await rows_of(tx, tx.tenant_id)
    assert (first.old_values, first.new_values, first.created_at) == ({}, values, moment)
    assert second.old_values is None


@pytest.mark.parametrize("wrong", ["\x00", "\ud800"])
async def test_what_cannot_be_stored_is_refused_by_the_database(
    tx: Tx, rolled_back: Database, wrong: str
) -> None:
    with pytest.raises(DBAPIError):
        async with rolled_back.transaction(tx.tenant_id or 0) as inner:
            inner.session.add(deed(tx.tenant_id, new_values={"text": wrong}))


async def test_the_hash_covers_every_other_column() -> None:
    assert {*HASHED, "hash"} == set(AuditLog.__table__.columns.keys())
    row: dict[str, object] = dict.fromkeys(HASHED)
    assert len({digest(row | {name: 1}) for name in HASHED} | {digest(row)}) == len(HASHED) + 1


async def test_rows_without_a_hash_are_refused_of_the_serving_role(tx: Tx, rolled_back: Database) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with rolled_back.transaction(tx.tenant_id or 0) as inner:
            await inner.session.execute(insert(AuditLog).values(tenant_id=tx.tenant_id, action="by hand"))


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_logs SET action = 'x'", "DELETE FROM audit_logs", "DELETE FROM audit_heads"]
)
async def test_the_serving_role_changes_and_deletes_nothing(
    tx: Tx, rolled_back: Database, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with rolled_back.transaction(tx.tenant_id or 0) as inner:
            await inner.session.execute(text(statement))


async def test_fifty_deeds_at_once_make_one_chain_each_tenant(database: Database) -> None:
    tenants = [await new_tenant(database) for _ in range(3)]

    async def act(number: int) -> None:
        chosen = tenants[0] if number < 50 else tenants[number % 3]
        if number % 5:
            async with database.transaction(chosen) as tx:
                tx.session.add(deed(chosen))
        else:
            async with database.platform("test") as tx:
                tx.session.add_all(deed(tenant) for tenant in (*reversed(tenants), None))

    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(act(number))
    by_tenant = {tenant: await check(database, tenant) for tenant in (*tenants, None)}
    assert {report.first_bad for report in by_tenant.values()} == {None}
    assert sum(report.checked for report in by_tenant.values()) == 80 + 20 * 4
    assert by_tenant[None].checked == 20
    async with database.platform("test") as tx:
        for tenant in tenants:
            ids = [row.id for row in await rows_of(tx, tenant)]
            assert ids == sorted(ids)


async def test_rows_of_version_1_are_counted_and_no_error(
    database: Database, owner: asyncpg.Connection
) -> None:
    tenant = await new_tenant(database)
    for _ in range(2):
        await owner.execute("INSERT INTO audit_logs (tenant_id, action) VALUES ($1, 'login')", tenant)
        await write(database, tenant, 2)
    assert await check(database, tenant) == ChainReport(4, 4, 2, None)


TAMPERED = {
    "a changed value": (
        """UPDATE audit_logs SET new_values = '{"number": 9}' WHERE sequence = 3""",
        Break(3, "the row was changed"),
    ),
    "a number that is equal only as a float": (
        """UPDATE audit_logs SET new_values = new_values || '{"number": 2.00000000000000000001}'
           WHERE sequence = 3""",
        Break(3, "the row was changed"),
    ),
    "another doer": ("UPDATE audit_logs SET user_id = 7 WHERE sequence = 2", Break(2, "the row was changed")),
    "another time": (
        "UPDATE audit_logs SET created_at = created_at + interval '1 microsecond' WHERE sequence = 2",
        Break(2, "the row was changed"),
    ),
    "a changed value with a hash of its own": (
        "UPDATE audit_logs SET previous_hash = repeat('a', 64) WHERE sequence = 4",
        Break(4, "the row was changed"),
    ),
    "a removed row": ("DELETE FROM audit_logs WHERE sequence = 2", Break(2, "the row is missing")),
    "a removed first row": ("DELETE FROM audit_logs WHERE sequence = 1", Break(1, "the row is missing")),
    "a row taken out of the chain": (
        "UPDATE audit_logs SET sequence = NULL, hash = NULL, previous_hash = NULL WHERE sequence = 4",
        Break(4, "the row is missing"),
    ),
    "swapped rows": (
        """UPDATE audit_logs SET sequence = 100 WHERE sequence = 2;
           UPDATE audit_logs SET sequence = 2 WHERE sequence = 3;
           UPDATE audit_logs SET sequence = 3 WHERE sequence = 100""",
        Break(2, "the row was changed"),
    ),
    "a removed tail": ("DELETE FROM audit_logs WHERE sequence > 3", Break(4, "the row is missing")),
    "a changed head": (
        "UPDATE audit_heads SET hash = repeat('b', 64)",
        Break(5, "the head of the chain has another hash"),
    ),
    "a head put back": (
        "UPDATE audit_heads SET sequence = 3",
        Break(4, "the row lies beyond the head of the chain"),
    ),
    "a removed head": ("DELETE FROM audit_heads", Break(1, "the row lies beyond the head of the chain")),
}


@pytest.mark.parametrize(("tamper", "found"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_tampering_is_found_at_its_place(
    database: Database, owner: asyncpg.Connection, tamper: str, found: Break
) -> None:
    tenant = await new_tenant(database)
    await write(database, tenant, 5)
    assert (await check(database, tenant)).first_bad is None
    await owner.execute(tamper)
    assert (await check(database, tenant)).first_bad == found


CUT = """
    DELETE FROM audit_logs WHERE sequence > 3;
    UPDATE audit_heads SET sequence = 3, hash = (SELECT hash FROM audit_logs WHERE sequence = 3)
"""
EMPTIED = "DELETE FROM audit_logs; DELETE FROM audit_heads"


@pytest.mark.parametrize(("tamper", "first_bad"), [(CUT, 4), (EMPTIED, 1)], ids=["cut off", "emptied"])
async def test_a_chain_cut_off_is_found_by_an_exported_head(
    database: Database, owner: asyncpg.Connection, tamper: str, first_bad: int
) -> None:
    tenant = await new_tenant(database)
    await write(database, tenant, 5)
    async with database.platform("test") as tx:
        (head,) = await read_heads(tx)
    await owner.execute(tamper)
    assert (await check(database, tenant)).first_bad is None
    bad = (await check(database, tenant, {head.sequence: head.hash})).first_bad
    assert bad is not None
    assert bad.sequence == first_bad
    assert "exported head has sequence 5" in bad.reason


async def test_a_chain_written_anew_is_found_by_an_exported_head(
    database: Database, owner: asyncpg.Connection
) -> None:
    tenant = await new_tenant(database)
    await write(database, tenant, 3)
    async with database.platform("test") as tx:
        (head,) = await read_heads(tx)
    await owner.execute(EMPTIED)
    await write(database, tenant, 4)
    assert (await check(database, tenant)).first_bad is None
    found = (await check(database, tenant, {head.sequence: head.hash})).first_bad
    assert found == Break(3, "the row is not the one of the exported head")


async def test_the_newest_rows_alone_can_be_checked(database: Database, owner: asyncpg.Connection) -> None:
    tenant = await new_tenant(database)
    await write(database, tenant, 5)
    await owner.execute("UPDATE audit_logs SET user_id = 7 WHERE sequence = 2")
    assert await check(database, tenant, newest=3) == ChainReport(5, 3, 0, None)
    assert (await check(database, tenant, newest=4)).first_bad == Break(2, "the row was changed")
    assert (await check(database, tenant, newest=99)).first_bad == Break(2, "the row was changed")


async def test_a_tenant_sees_the_head_of_its_own_chain_alone(database: Database) -> None:
    ours, theirs = await new_tenant(database), await new_tenant(database)
    for tenant in (ours, theirs):
        await write(database, tenant, 1)
    async with database.transaction(ours) as tx:
        assert list(await tx.session.scalars(select(AuditHead.tenant_id))) == [ours]
        changed = await tx.session.execute(text("UPDATE audit_heads SET sequence = 9 RETURNING tenant_id"))
        assert list(changed.scalars()) == [ours]
        await tx.session.rollback()


async def test_the_existing_ways_of_writing_are_chained(database: Database) -> None:
    """Autoflush in the middle of a transaction stores nothing unchained."""
    tenant = await new_tenant(database)
    async with database.transaction(tenant) as tx:
        tx.session.add(deed(tenant))
        await factories.user(tx, tenant, Role.ENGINEER)
        assert await rows_of(tx, tenant) == []
    assert await check(database, tenant) == ChainReport(1, 1, 0, None)
