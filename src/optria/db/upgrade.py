"""Bringing a database up to date: an empty one, ours, or one of the existing application (v1).

An existing database was made without migrations. It is recognised by its tables, compared with the baseline
revision, stamped with it, and then gets what the later revisions add.
"""

import io
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import anyio
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db import revisions, roles
from optria.db.baseline import V1_TABLES, differences
from optria.db.giving_way import IN_USE, alone, giving_way
from optria.db.partitions import ensure_partitions
from optria.db.url import first_cause, normalise, place, plain_errors
from optria.kit import clock

log = structlog.get_logger(__name__)

BASELINE = "0001"
OLDEST_SERVER = 150_000
PAUSE_S = (0.1, 0.8)
BUSY_PATIENCE_S = 120.0
"""For so long the same revision is tried again."""
COMPATIBLE_SINCE = "0015"
"""Programs whose newest revision is this one may go on with the tables as they are today: migrations add."""


class Found(StrEnum):
    """What a database was before the upgrade."""

    EMPTY = "empty"
    OURS = "ours"
    NEWER = "newer"
    V1 = "v1"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What the upgrade found and did; ``before`` is None where there was no revision."""

    found: Found
    before: str | None
    after: str

    def __str__(self) -> str:
        if self.before == self.after and self.found is not Found.NEWER:
            return f"The database is up to date (revision {self.after}); nothing to do."
        if self.found is Found.NEWER:
            return f"The database is at revision {self.after}, of a newer program; nothing was done to it."
        origin = {
            Found.EMPTY: "The database was empty",
            Found.OURS: f"The database was at revision {self.before}",
            Found.V1: "The database is one of OPTRIA IQ v1; its tables and rows stay as they are",
        }
        return f"{origin[self.found]}. It is now at revision {self.after}."


async def upgrade(owner_url: str, role: str = roles.APP_ROLE, password: str | None = None) -> Upgraded:
    """Bring the database to the newest revision, and make and equip the serving role.

    Args:
        owner_url: URL of the role that owns the tables.
        role: the serving role.
        password: its password, for the case that it has to be made.

    Raises:
        ConfigurationError: the URL is bad, the server too old, or the tables are neither ours nor v1's.
        DatabaseUnavailable: the server cannot be reached, or is too busy to be upgraded.
    """
    address, arguments = normalise(owner_url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    try:
        with plain_errors(owner_url):
            async with alone(engine):
                return await _upgrade(engine, place(owner_url), role, password)
    finally:
        await engine.dispose()


async def require_current(app_url: str) -> None:
    """Refuse to serve a database that is not ready for this program, or with a role that can bypass security.

    A newer one is served where its own program says that this one may (docs/upgrading.md).

    Raises:
        ConfigurationError: with what to do.
    """
    address, arguments = normalise(app_url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    try:
        with plain_errors(app_url):
            async with engine.connect() as connection:
                await roles.refuse_bypass(connection)
                revision, since = await connection.run_sync(revisions.read)
    finally:
        await engine.dispose()
    if revision == newest():
        return
    if revisions.serves(newest(), since) and not _is_known(revision):
        log.warning("database_is_newer", revision=revision, this_program=newest())
        return
    raise ConfigurationError(
        f"The database at {place(app_url)} is at revision {revision or 'none'}, this program needs "
        f"{newest()}. "
        + ("Run `optria db upgrade`." if _is_known(revision) else "Install a newer OPTRIA IQ.")
    )


def migrations_folder() -> Path:
    """The migrations in the wheel, or in the checkout for an editable install."""
    package = Path(__file__).resolve().parents[1]
    packed = package / "_migrations"
    return packed if packed.is_dir() else package.parents[1] / "migrations"


def newest() -> str:
    """The newest revision."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def as_sql() -> dict[str, str]:
    """Each revision as SQL, oldest first."""
    revisions = list(ScriptDirectory.from_config(_config()).walk_revisions())[::-1]
    return {step.revision: _step_as_sql(step.down_revision, step.revision) for step in revisions}


def _step_as_sql(before: object, revision: str) -> str:
    config = _config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{before or 'base'}:{revision}", sql=True)
    return config.output_buffer.getvalue()


async def _upgrade(engine: AsyncEngine, where: str, role: str, password: str | None) -> Upgraded:
    async with engine.connect() as connection:
        _refuse_old_server(int(await connection.scalar(text("SHOW server_version_num")) or 0))
        found, before = await connection.run_sync(_recognise, where)
        await connection.rollback()
    if found is Found.NEWER:
        return Upgraded(found, before, str(before))
    await _migrate(engine, found)
    async with engine.begin() as connection:
        await connection.run_sync(revisions.declare, COMPATIBLE_SINCE)
        await roles.ensure_role(connection, role, password)
        await roles.grant(connection, role)
        await ensure_partitions(connection, clock.now().date() - timedelta(days=8), days=16)
    return Upgraded(found, before, newest())


def _refuse_old_server(version: int) -> None:
    if version < OLDEST_SERVER:
        raise ConfigurationError(
            f"The server is PostgreSQL {version // 10_000}; OPTRIA IQ needs 15 or newer."
        )


def _recognise(connection: Connection, where: str) -> tuple[Found, str | None]:
    revision = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    if revision is not None:
        if not _is_known(revision):
            if revisions.serves(newest(), revisions.read(connection)[1]):
                return Found.NEWER, revision
            raise ConfigurationError(
                f"The database at {where} is at revision {revision}, which this version does not know. "
                "Install a newer OPTRIA IQ, or name another database."
            )
        return Found.OURS, revision
    present = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    if not present & V1_TABLES:
        return Found.EMPTY, None
    odd = differences(connection, script.get_revision(BASELINE).module.upgrade)
    if odd:
        others = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
        raise ConfigurationError(
            f"The database at {where} has tables with our names, but is none of OPTRIA IQ v1: "
            f"{'; '.join(odd[:5])}{others}. Name another database."
        )
    return Found.V1, None


async def _migrate(engine: AsyncEngine, found: Found) -> None:
    """Each revision is a transaction, so a busy table costs a repetition of one revision only."""
    reached, deadline, tries = None, 0.0, 0
    while True:
        try:
            async with engine.connect() as connection, giving_way(engine, connection, tries):
                await connection.run_sync(_run_revisions, found)
            return
        except DBAPIError as error:
            if not isinstance(first_cause(error), IN_USE):
                raise
            before, reached = reached, await _revision(engine)
            tries += 1
            if reached != before or not deadline:
                deadline, tries = time.monotonic() + BUSY_PATIENCE_S, 1
            elif time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    "Other programs keep the tables locked, so the database could not be upgraded. "
                    "Nothing is half done; run `optria db upgrade` again when it is quieter."
                ) from error
        log.info("revision_postponed", after=reached, tries=tries)
        await anyio.sleep(random.uniform(*PAUSE_S))


async def _revision(engine: AsyncEngine) -> str | None:
    async with engine.connect() as connection:
        return (await connection.run_sync(revisions.read))[0]


def _run_revisions(connection: Connection, found: Found) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if found is Found.V1 and MigrationContext.configure(connection).get_current_revision() is None:
        connection.rollback()
        command.stamp(config, BASELINE)
    connection.rollback()
    command.upgrade(config, "head")


def _is_known(revision: str | None) -> bool:
    """Whether a revision is one of this program's; so is that of an empty database."""
    script = ScriptDirectory.from_config(_config())
    return revision is None or revision in {known.revision for known in script.walk_revisions()}


def _config() -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config
