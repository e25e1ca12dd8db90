import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import asyncpg
import pytest

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db import upgrade as subject
from optria.db.baseline import V1_TABLES
from optria.db.tables import TABLES
from optria.db.upgrade import Found, newest, require_current, upgrade
from tests.conftest import APP_PASSWORD

V1 = Path(__file__).with_name("v1.sql")
Schema = set[tuple[object, ...]]


async def connect(owner_url: str) -> asyncpg.Connection:
    return await asyncpg.connect(owner_url)


async def run(owner_url: str, script: str) -> None:
    connection = await connect(owner_url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def schema(owner_url: str) -> Schema:
    """Everything that information_schema says on columns and constraints of tables."""
    connection = await connect(owner_url)
    try:
        columns = await connection.fetch(
            """SELECT 'column', table_name, column_name, data_type, udt_name, character_maximum_length,
                      numeric_precision, numeric_scale, is_nullable, column_default, is_generated
               FROM information_schema.columns WHERE table_schema = 'public'"""
        )
        constraints = await connection.fetch(
            """SELECT 'constraint', table_name, constraint_name, constraint_type
               FROM information_schema.table_constraints
               WHERE table_schema = 'public' AND constraint_name !~ '_not_null$'"""
        )
        indexes = await connection.fetch(
            "SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'"
        )
        triggers = await connection.fetch("SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal")
        return {tuple(row.values()) for rows in (columns, constraints, indexes, triggers) for row in rows}
    finally:
        await connection.close()


async def columns_of(owner_url: str) -> dict[str, str]:
    connection = await connect(owner_url)
    try:
        rows = await connection.fetch(
            """SELECT table_name, string_agg(quote_ident(column_name), ', ' ORDER BY column_name) AS columns
               FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1"""
        )
        return {row["table_name"]: row["columns"] for row in rows}
    finally:
        await connection.close()


async def until(connection: asyncpg.Connection, query: str) -> None:
    while not await connection.fetchval(query):  # noqa: ASYNC110 the event is in the database
        await asyncio.sleep(0.02)


async def checksums(owner_url: str, columns: Mapping[str, str]) -> dict[str, tuple[int, str | None]]:
    """Number and checksum of the rows of each table, over the named columns."""
    connection = await connect(owner_url)
    try:
        sums = {}
        for table, names in columns.items():
            row = await connection.fetchrow(
                f"SELECT count(*), md5(string_agg(md5(r::text), '' ORDER BY r::text))"
                f" FROM (SELECT {names} FROM {table}) AS r"
            )
            sums[table] = (row[0], row[1])
        return sums
    finally:
        await connection.close()


@pytest.mark.clause("G9")
async def test_v1_database_keeps_every_column_and_row_and_gets_the_rest(empty_database: str) -> None:
    await run(empty_database, V1.read_text("utf-8"))
    before, columns = await schema(empty_database), await columns_of(empty_database)
    rows = await checksums(empty_database, columns)
    assert len(columns) == 28

    done = await upgrade(empty_database, password=APP_PASSWORD)

    assert (done.found, done.before, done.after) == (Found.V1, None, newest())
    after = await schema(empty_database)
    assert before < after
    assert await checksums(empty_database, columns) == rows
    assert TABLES.keys() <= (await columns_of(empty_database)).keys()

    again = await upgrade(empty_database, password=APP_PASSWORD)

    assert "nothing to do" in str(again)
    assert await schema(empty_database) == after
    assert await checksums(empty_database, columns) == rows


@pytest.mark.clause("G9")
async def test_v1_application_still_writes_as_it_did(empty_database: str) -> None:
    script = V1.read_text("utf-8")
    await run(empty_database, script)
    await upgrade(empty_database, password=APP_PASSWORD)
    rows_again = script[script.index("INSERT INTO sites") :]
    await run(empty_database, rows_again)  # numbers and codes twice, statuses as before
    await run(empty_database, "UPDATE work_orders SET status = 'anything'; DELETE FROM twin_nodes")


async def test_empty_database_gets_what_the_pipeline_needs_and_no_more_of_v1(empty_database: str) -> None:
    done = await upgrade(empty_database, password=APP_PASSWORD)
    assert (done.found, done.before, done.after) == (Found.EMPTY, None, newest())
    made = {name for name in await columns_of(empty_database) if not name.startswith("history_chunks_")}
    assert made == TABLES.keys() | {"alembic_version"}
    assert "nothing to do" in str(await upgrade(empty_database, password=APP_PASSWORD))


async def test_upgrade_begun_twice_at_once_is_done_once(empty_database: str) -> None:
    await run(empty_database, V1.read_text("utf-8"))
    done = await asyncio.gather(*(upgrade(empty_database, password=APP_PASSWORD) for _ in range(3)))
    assert sorted(one.found for one in done) == [Found.OURS, Found.OURS, Found.V1]


async def test_upgrade_cut_off_while_it_builds_an_index_is_finished_by_the_next(empty_database: str) -> None:
    await run(empty_database, V1.read_text("utf-8"))
    holder = await connect(empty_database)
    try:
        await holder.execute("BEGIN; UPDATE users SET full_name = 'somebody at work'")
        cut_off = asyncio.ensure_future(upgrade(empty_database, password=APP_PASSWORD))
        await until(holder, "SELECT 1 FROM pg_index WHERE NOT indisvalid")
        await holder.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(DatabaseUnavailable):
            await cut_off
        await holder.execute("COMMIT")
        done = await upgrade(empty_database, password=APP_PASSWORD)
        assert (done.found, done.after) == (Found.OURS, newest())
        assert not await holder.fetchval("SELECT 1 FROM pg_index WHERE NOT indisvalid")
        assert await holder.fetchval("SELECT 1 FROM pg_constraint WHERE conname = 'uq_users_tenant_id_id'")
    finally:
        await holder.close()


async def test_upgrade_waits_for_a_table_in_use(empty_database: str) -> None:
    await run(empty_database, V1.read_text("utf-8"))
    holder = await connect(empty_database)
    try:
        await holder.execute("BEGIN; UPDATE work_orders SET notes = 'somebody at work'")
        waiting = asyncio.ensure_future(upgrade(empty_database, password=APP_PASSWORD))
        await until(holder, "SELECT 1 FROM pg_locks WHERE NOT granted")
        await holder.execute("COMMIT")
        assert (await waiting).after == newest()
    finally:
        await holder.close()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("DROP TABLE notifications", "table notifications is missing"),
        ("ALTER TABLE work_orders DROP COLUMN priority", "column work_orders.priority is missing"),
        ("ALTER TABLE users ALTER email TYPE text", "column users.email is text, not varchar"),
        ("ALTER TABLE assets ALTER code TYPE varchar(9)", "column assets.code is too short"),
        ("ALTER TABLE sites ALTER location SET NOT NULL", "sites.location must be named by every insert"),
    ],
)  # fmt: skip
async def test_database_that_is_neither_ours_nor_v1_is_refused_untouched(
    empty_database: str, damage: str, says: str
) -> None:
    await run(empty_database, V1.read_text("utf-8") + "UPDATE sites SET location = '';")
    await run(empty_database, damage)
    before = await schema(empty_database)
    with pytest.raises(ConfigurationError, match=says):
        await upgrade(empty_database, password=APP_PASSWORD)
    assert await schema(empty_database) == before


async def test_v1_with_more_tables_and_wider_columns_is_still_v1(empty_database: str) -> None:
    await run(empty_database, V1.read_text("utf-8"))
    await run(
        empty_database, "CREATE TABLE somebody_elses (id int); ALTER TABLE sites ALTER code TYPE varchar(80)"
    )
    assert (await upgrade(empty_database, password=APP_PASSWORD)).found is Found.V1


async def test_database_of_a_newer_program_is_refused(
    fresh_database: str, serving: Callable[[str], str]
) -> None:
    await run(
        fresh_database,
        "UPDATE alembic_version SET version_num = '9999'; COMMENT ON TABLE alembic_version IS ''",
    )
    with pytest.raises(ConfigurationError, match="newer OPTRIA IQ"):
        await upgrade(fresh_database, password=APP_PASSWORD)
    with pytest.raises(ConfigurationError, match="newer OPTRIA IQ"):
        await require_current(serving(fresh_database))


@pytest.mark.parametrize("since", ["0001", newest()])
async def test_newer_tables_that_only_add_are_served_as_they_are(
    fresh_database: str, serving: Callable[[str], str], since: str
) -> None:
    await run(
        fresh_database,
        "UPDATE alembic_version SET version_num = '9999';"
        f"COMMENT ON TABLE alembic_version IS 'programs since {since}'",
    )
    before = await schema(fresh_database)
    done = await upgrade(fresh_database, password=APP_PASSWORD)
    assert (done.found, done.after) == (Found.NEWER, "9999")
    assert "nothing was done" in str(done)
    await require_current(serving(fresh_database))
    assert await schema(fresh_database) == before


async def test_newer_tables_that_need_a_newer_program_are_refused(
    fresh_database: str, serving: Callable[[str], str]
) -> None:
    await run(
        fresh_database,
        "UPDATE alembic_version SET version_num = '9999';"
        "COMMENT ON TABLE alembic_version IS 'programs since 9998'",
    )
    with pytest.raises(ConfigurationError, match="newer OPTRIA IQ"):
        await require_current(serving(fresh_database))


async def test_nobody_waits_long_for_an_upgrade_that_waits(empty_database: str) -> None:
    """Somebody's long transaction holds a table: the upgrade stands aside for those who come after it."""
    await run(empty_database, V1.read_text("utf-8"))
    holder = await connect(empty_database)
    try:
        await holder.execute("BEGIN; UPDATE work_orders SET notes = 'somebody at work'")
        waiting = asyncio.ensure_future(upgrade(empty_database, password=APP_PASSWORD))
        await until(holder, "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
        await run(empty_database, "SELECT count(*) FROM work_orders")  # for ever, if the upgrade just waited
        assert not waiting.done()
        await holder.execute("COMMIT")
        assert (await waiting).after == newest()
    finally:
        await holder.close()


async def test_serving_needs_the_newest_revision(fresh_database: str, serving: Callable[[str], str]) -> None:
    await require_current(serving(fresh_database))
    await run(fresh_database, "UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(ConfigurationError, match="optria db upgrade"):
        await require_current(serving(fresh_database))


@pytest.mark.clause("G8")
async def test_external_server_with_neons_parameters(
    empty_database: str, serving: Callable[[str], str]
) -> None:
    external = f"{empty_database}?sslmode=disable&channel_binding=prefer&connect_timeout=10&pgbouncer=true"
    assert (await upgrade(external, password=APP_PASSWORD)).found is Found.EMPTY
    await require_current(serving(external))


async def test_old_server_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="PostgreSQL 14"):
        subject._refuse_old_server(140_011)


def test_pipeline_uses_these_tables_of_v1() -> None:
    assert {"tenants", "users", "assets", "blackbox_incidents", "work_orders", "notifications"} < V1_TABLES
    assert len(V1_TABLES) < 28
