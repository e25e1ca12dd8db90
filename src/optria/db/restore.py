"""A backup read back into a database: all of it or nothing.

The tables are made at the backup's revision, filled in one transaction that also compares the numbers of
rows, and then brought up to date. Cut off before its commit, it leaves a database without rows.
"""

import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria.core.errors import ConfigurationError
from optria.db.backup import LEFT_OUT, SESSION, Driver, Told, owner_connection
from optria.db.backup_reading import BackupReader
from optria.db.roles import APP_ROLE
from optria.db.tables import TABLES
from optria.db.upgrade import migrations_folder, upgrade
from optria.db.url import normalise, place, plain_errors

TELLING: Final = ("tenants", "users", "audit_logs", "blackbox_incidents", "history_chunks")
"""A database without rows in these is empty."""
TABLE_NAMES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
REFERENCES: Final = """
SELECT conrelid::regclass::text AS table, conname::text AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY($1::regclass[])
"""
CLIENTS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = $1 AND pid <> pg_backend_pid()
"""
FUNCTIONS: Final = """
SELECT oid::regprocedure::text AS function FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'optria\\_%'
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was read back: the rows of the backup, all of them counted, and the revision now."""

    rows: int
    tables: int
    revision: str


async def restore(
    owner_url: str,
    backup: BackupReader,
    told: Told,
    *,
    replace: bool = False,
    role: str = APP_ROLE,
    password: str | None = None,
) -> Restored:
    """Fill an empty database with a backup.

    Args:
        replace: what is in the database goes; its tables of other programs stay.
        role: the serving role, made as by an upgrade.

    Raises:
        ConfigurationError: the database is not empty or is being served, or the backup is damaged or of a
            newer version.
        DatabaseUnavailable: the server cannot be reached.
    """
    _known(backup)
    backup.check()
    async with owner_connection(owner_url) as driver:
        await _refuse_served(driver, role, place(owner_url))
        revision = await _revision(driver)
        if not replace:
            await _refuse_full(driver, place(owner_url))
        if revision != backup.header.revision:
            await _drop(driver)
            await migrate_to(owner_url, backup.header.revision)
        async with driver.transaction():
            await driver.execute(SESSION)
            await _fill(driver, backup, told)
    done = await upgrade(owner_url, role, password)
    return Restored(backup.manifest.rows, len(backup.manifest.tables), done.after)


def _known(backup: BackupReader) -> None:
    script = ScriptDirectory.from_config(_config())
    if backup.header.revision not in {known.revision for known in script.walk_revisions()}:
        raise ConfigurationError(
            f"The backup is of revision {backup.header.revision} (OPTRIA IQ {backup.header.version}), which "
            "this version does not know. Restore it with that version or a newer one."
        )
    if strange := sorted(backup.header.tables.keys() - TABLES.keys()):
        raise ConfigurationError(
            f"The backup holds tables that are not of OPTRIA IQ: {', '.join(strange)}. Take another one."
        )


async def _revision(driver: Driver) -> str | None:
    if await driver.fetchval("SELECT to_regclass('public.alembic_version')") is None:
        return None
    return str(await driver.fetchval("SELECT version_num FROM alembic_version"))


async def _refuse_served(driver: Driver, role: str, where: str) -> None:
    clients = await driver.fetchval(CLIENTS, role)
    if clients:
        raise ConfigurationError(
            f"The database at {where} is being served ({clients} connections of {role}). "
            "Stop `optria serve` first."
        )


async def _refuse_full(driver: Driver, where: str) -> None:
    present = await driver.fetch(TABLE_NAMES)
    there = {row["tablename"] for row in present}
    for table in (name for name in TELLING if name in there):
        if await driver.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):  # noqa: S608
            raise ConfigurationError(
                f"The database at {where} is not empty: there are rows in {table}. Name an empty one with "
                "--into, or let the backup take its place with --replace."
            )


async def _drop(driver: Driver) -> None:
    """Our tables and functions; those of other programs stay."""
    ours = ", ".join(f'public."{table}"' for table in (*sorted(TABLES), "alembic_version"))
    async with driver.transaction():
        await driver.execute("SET LOCAL lock_timeout = '30s'")
        for row in await driver.fetch(FUNCTIONS):
            await driver.execute(f"DROP FUNCTION {row['function']}")
        await driver.execute(f"DROP TABLE IF EXISTS {ours} CASCADE")


async def migrate_to(owner_url: str, revision: str) -> None:
    """Make the tables of a revision in a database without them."""
    address, arguments = normalise(owner_url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    try:
        with plain_errors(owner_url):
            async with engine.connect() as connection:
                await connection.run_sync(_run_revisions, revision)
    finally:
        await engine.dispose()


def _run_revisions(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


async def _fill(driver: Driver, backup: BackupReader, told: Told) -> None:
    """Without foreign keys, which are made anew at the end and so are checked then."""
    tables = list(backup.header.tables)
    present = [row["tablename"] for row in await driver.fetch(TABLE_NAMES)]
    ours = sorted((set(tables) | LEFT_OUT) & set(present))
    references = await driver.fetch(REFERENCES, ours)
    for each in references:
        await driver.execute(f'ALTER TABLE {each["table"]} DROP CONSTRAINT "{each["name"]}"')
    await _empty(driver, ours)
    for day in backup.header.days:
        await driver.execute("SELECT optria_ensure_history_partitions($1, 1)", date.fromisoformat(day))
    for number, table in enumerate(tables, 1):
        await _load(driver, backup, table)
        rows = backup.manifest.tables[table].rows
        told(f"{number:>3} of {len(tables)}  {table}: {rows:,} rows")
    for each in references:
        await driver.execute(
            f'ALTER TABLE {each["table"]} ADD CONSTRAINT "{each["name"]}" {each["definition"]}'
        )
    for name, (last, called) in backup.manifest.sequences.items():
        await driver.execute("SELECT setval($1::text::regclass, $2, $3)", name, last, called)
    await _mark_retired(driver, backup)


async def _empty(driver: Driver, tables: list[str]) -> None:
    """What migrations put there, or what a replaced database held."""
    names = ", ".join(f'"{table}"' for table in tables)
    try:
        await driver.execute(f"TRUNCATE {names}")
    except asyncpg.FeatureNotSupportedError as error:
        raise ConfigurationError(
            f"A table of another program refers to tables of OPTRIA IQ ({error}). Restore into an empty "
            "database with --into."
        ) from error


async def _load(driver: Driver, backup: BackupReader, table: str) -> None:
    async def text() -> AsyncGenerator[bytes]:
        for part in backup.text(table):
            yield part

    columns = backup.header.tables[table]
    said = await driver.copy_to_table(table, source=text(), columns=columns, format="text")
    wanted, counted = backup.manifest.tables[table].rows, int(said.split()[-1])
    stored = await driver.fetchval(f'SELECT count(*) FROM "{table}"')  # noqa: S608
    if not wanted == counted == stored:
        raise ConfigurationError(
            f"Of {table}, {wanted:,} rows are in the backup and {stored:,} came back. Nothing was restored."
        )


async def _mark_retired(driver: Driver, backup: BackupReader) -> None:
    for day, is_retired in backup.header.days.items():
        if is_retired:
            part = f"history_chunks_{day.replace('-', '')}"
            await driver.execute(f"COMMENT ON TABLE \"{part}\" IS 'recordings only'")
