"""A backup of the database as of one moment, while it is in use; without any program of PostgreSQL's."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria import __version__
from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.backup_file import BackupWriter, Header, Manifest
from optria.db.tables import TABLES
from optria.db.url import normalise, place, plain_errors
from optria.kit import clock

LEFT_OUT: Final = frozenset({"user_sessions", "request_keys", "stream_leases"})
"""Tables whose rows mean nothing elsewhere: who is signed in, and what is going on at the moment."""
UNKNOWN_YET: Final = frozenset({"alembic_version"})
SESSION: Final = """
SET LOCAL row_security = off;
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '30s'
"""
"""Text that is read back the same; and an error instead of rows that a policy hides."""
RECORDED: Final = """
EXISTS (
    SELECT FROM incident_seals AS s
    JOIN blackbox_incidents AS i ON i.tenant_id = s.tenant_id AND i.id = s.incident_id
    CROSS JOIN LATERAL jsonb_array_elements(s.content -> 'samples') AS sealed
    WHERE s.tenant_id = c.tenant_id AND (sealed ->> 'tag')::int = c.tag_id
      AND i.window_start <= c.t0 + interval '1 minute' AND i.window_end >= c.t0
)
"""
COLUMNS: Final = """
SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' GROUP BY 1
"""
SEQUENCES: Final = """
SELECT s.relname AS sequence FROM pg_class AS s
JOIN pg_depend AS d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
JOIN pg_class AS t ON t.oid = d.refobjid
WHERE s.relkind = 'S' AND t.relname = ANY($1) AND t.relnamespace = 'public'::regnamespace ORDER BY 1
"""
DAYS: Final = """
SELECT to_date(right(p.relname, 8), 'YYYYMMDD')::text AS day,
       obj_description(p.oid, 'pg_class') IS NOT DISTINCT FROM 'recordings only' AS is_retired
FROM pg_inherits JOIN pg_class AS p ON p.oid = inhrelid
WHERE inhparent = 'history_chunks'::regclass AND p.relname ~ '^history_chunks_[0-9]{8}$' ORDER BY 1
"""

Told = Callable[[str], None]
Driver = Any
"""A connection of asyncpg, which is not typed."""


@asynccontextmanager
async def owner_connection(owner_url: str) -> AsyncGenerator[Driver]:
    """The owner's connection to a database, as asyncpg's own.

    Raises:
        ConfigurationError: the URL is none.
        DatabaseUnavailable: it cannot be reached, or is lost meanwhile.
    """
    address, arguments = normalise(owner_url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    try:
        with plain_errors(owner_url):
            async with engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                if driver is None:
                    raise DatabaseUnavailable(f"The connection to {place(owner_url)} was closed.")
                yield driver
    finally:
        await engine.dispose()


async def back_up(
    owner_url: str,
    backup: BackupWriter,
    history_days: int | None,
    told: Told,
    keys: Mapping[str, object] | None = None,
) -> Manifest:
    """Write every row of the product as of now into a backup.

    Args:
        history_days: samples of the last days, besides the recordings of incidents; None: all.
        told: hears how far it has come.
        keys: what :func:`optria.kit.backup_keys.sealed_keys` made.

    Raises:
        ConfigurationError: there is nothing of the product, or the file cannot be written.
        DatabaseUnavailable: the server cannot be reached.
    """
    async with owner_connection(owner_url) as driver:
        async with driver.transaction(isolation="repeatable_read", readonly=True):
            await driver.execute(SESSION)
            header = await _header(driver, place(owner_url), history_days)
            backup.header(header)
            for number, (table, columns) in enumerate(header.tables.items(), 1):
                rows, size = await _copy(driver, backup, table, columns, history_days)
                told(f"{number:>3} of {len(header.tables)}  {table}: {rows:,} rows, {size / 1e6:,.1f} MB")
            sequences = await _sequences(driver, list(header.tables))
        if keys is not None:
            backup.keys(keys)
        return backup.finish(sequences)


async def _header(driver: Driver, where: str, history_days: int | None) -> Header:
    found = {row["table"]: list(row["columns"]) for row in await driver.fetch(COLUMNS)}
    if "alembic_version" not in found:
        raise ConfigurationError(f"The database at {where} holds nothing of OPTRIA IQ, or only of version 1.")
    ours = [table for table in sorted(TABLES) if table in found and table not in LEFT_OUT]
    return Header(
        taken_at=clock.now().isoformat(),
        version=__version__,
        revision=str(await driver.fetchval("SELECT version_num FROM alembic_version")),
        history_days=history_days,
        tables={table: found[table] for table in ours},
        days={row["day"]: row["is_retired"] for row in await driver.fetch(DAYS)},
        left_out=sorted(LEFT_OUT & found.keys()),
        others=sorted(found.keys() - TABLES.keys() - UNKNOWN_YET),
    )


async def _copy(
    driver: Driver, backup: BackupWriter, table: str, columns: list[str], history_days: int | None
) -> tuple[int, int]:
    writer = backup.table(table)
    names = ", ".join(f'c."{name}"' for name in columns)
    only = ""
    if table == "history_chunks" and history_days is not None:
        only = f" WHERE c.t0 >= now() - interval '{int(history_days)} days' OR {RECORDED}"
    query = f'SELECT {names} FROM "{table}" AS c{only}'  # noqa: S608
    said = await driver.copy_from_query(query, output=writer.write, format="text")
    rows = int(said.split()[-1])
    writer.close(rows)
    return rows, writer.bytes


async def _sequences(driver: Driver, tables: list[str]) -> dict[str, tuple[int, bool]]:
    """Read after the rows: numbers that are given out meanwhile do no harm."""
    found = {}
    for row in await driver.fetch(SEQUENCES, tables):
        last = await driver.fetchrow(f'SELECT last_value, is_called FROM "{row["sequence"]}"')  # noqa: S608
        found[row["sequence"]] = (last["last_value"], last["is_called"])
    return found
