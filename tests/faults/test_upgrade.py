"""A database is upgraded while it is worked in: nobody waits long, nothing is lost, and old programs go on.

The version before is played by its own statements on the tables as they were then; at full length, where the
history of the sources is there, it also runs itself as the server that it was.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria.core.errors import ConfigurationError
from optria.db import upgrade as subject
from optria.db.roles import app_url
from optria.db.upgrade import Found, newest, require_current, upgrade
from optria.db.url import normalise
from tests.conftest import APP_PASSWORD
from tests.faults.figures import Figures, Scale
from tests.faults.old_program import OldProgram, program_before

V1 = Path(__file__).parents[1] / "db" / "v1.sql"
WRITERS = 3
LONGEST_WAIT_S = 1.0
FREE_S = 0.8
"""Between long transactions the tables are free for this long."""

ROWS = """
INSERT INTO blackbox_events (id, tenant_id, asset_id, source_system, source_type, event_time, severity,
    event_category, summary)
SELECT gen_random_uuid(), 1, 1, 'SCADA', 'ALARM', now(), 'MINOR', 'ALERT', 'event ' || n
FROM generate_series(1, {count}) AS n;
INSERT INTO work_orders (tenant_id, asset_id, code, title, status)
SELECT 1, 1, 'OLD-' || n, 'old ' || n, 'OPEN' FROM generate_series(1, {count}) AS n;
"""
EVENT = """
INSERT INTO blackbox_events (id, tenant_id, asset_id, source_system, source_type, event_time, severity,
    event_category, summary)
VALUES (gen_random_uuid(), 1, 1, 'SCADA', 'ALARM', now(), 'MAJOR', 'ALERT', $1)
"""
INCIDENT = """
INSERT INTO blackbox_incidents (id, tenant_id, incident_number, root_asset_id, incident_type, severity, title,
    start_time, status)
VALUES (gen_random_uuid(), 1, $1, 1, 'ANOMALY', 'MAJOR', $1, now(), 'OPEN')
"""
ORDER = "INSERT INTO work_orders (tenant_id, asset_id, code, title, status) VALUES (1, 1, $1, $1, 'OPEN')"
NOTICE = """
INSERT INTO notifications (id, tenant_id, user_id, notification_type, title)
VALUES (gen_random_uuid(), 1, 2, 'SYSTEM', $1)
"""
CHUNK = """
INSERT INTO history_chunks (tenant_id, tag_id, t0, dt, value, quality)
VALUES (1, split_part($1, ' ', 2)::int, clock_timestamp(), ARRAY[0], ARRAY[1.5], ARRAY[0])
"""
RECENT = """
SELECT e.* FROM blackbox_events AS e JOIN assets AS a ON a.id = e.asset_id ORDER BY event_time DESC LIMIT 20
"""
READS = ("SELECT count(*) FROM work_orders WHERE status = 'OPEN' AND asset_id = 1", RECENT)
V1_STATEMENTS = (EVENT, INCIDENT, ORDER, NOTICE)
"""As version 1 writes: as the owner, without what came later."""
OURS_STATEMENTS = (CHUNK, *V1_STATEMENTS)
"""As the version before writes: as the serving role, on the tables of its time."""
COUNTED = """
SELECT (SELECT count(*) FROM blackbox_events WHERE summary LIKE 'load %')
     + (SELECT count(*) FROM blackbox_incidents WHERE title LIKE 'load %')
     + (SELECT count(*) FROM work_orders WHERE title LIKE 'load %')
     + (SELECT count(*) FROM notifications WHERE title LIKE 'load %')
"""
WAITS = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float8
FROM pg_locks JOIN pg_stat_activity AS who USING (pid)
WHERE NOT granted AND who.application_name = 'load' AND who.datname = current_database()
"""


@dataclass(slots=True)
class Load:
    """People and programs at work in a database, from now until the end of the block."""

    url: str
    statements: tuple[str, ...]
    committed: int = 0
    slowest_s: float = 0.0
    longest_wait_s: float = 0.0
    errors: list[str] = field(default_factory=list)
    _numbers: int = 0

    @asynccontextmanager
    async def at_work(self, owner_url: str, held_s: float) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        tasks += [asyncio.create_task(self._read()), asyncio.create_task(self._hold(held_s))]
        tasks.append(asyncio.create_task(self._measure(owner_url)))
        try:
            await asyncio.sleep(0.3)
            yield
            await asyncio.sleep(0.3)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            self.errors += [repr(end) for end in ended if not isinstance(end, asyncio.CancelledError)]

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self.url, server_settings={"application_name": "load"})
        await connection.execute("SELECT set_config('app.tenant_id', '1', false)")
        return connection

    async def _write(self) -> None:
        connection = await self._connect()
        try:
            while True:
                for statement in self.statements:
                    self._numbers += 1
                    await self._timed(connection.fetch(statement, f"load {self._numbers}"))
                    self.committed += "history_chunks" not in statement
                await asyncio.sleep(0.01)
        finally:
            connection.terminate()

    async def _read(self) -> None:
        connection = await self._connect()
        try:
            while True:
                for statement in READS:
                    await self._timed(connection.fetch(statement))
                await asyncio.sleep(0.01)
        finally:
            connection.terminate()

    async def _hold(self, held_s: float) -> None:
        """Somebody whose transactions are long: the tables are free for moments only."""
        connection = await self._connect()
        try:
            while True:
                async with connection.transaction():
                    await connection.execute("UPDATE work_orders SET description = 'x' WHERE code = 'OLD-1'")
                    await asyncio.sleep(held_s)
                await asyncio.sleep(FREE_S)
        finally:
            connection.terminate()

    async def _timed(self, work: Awaitable[object]) -> None:
        begun = time.monotonic()
        await work
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    async def _measure(self, owner_url: str) -> None:
        """The longest wait for a lock, as the server knows it."""
        connection = await asyncpg.connect(owner_url)
        try:
            while True:
                self.longest_wait_s = max(self.longest_wait_s, await connection.fetchval(WAITS))
                await asyncio.sleep(0.02)
        finally:
            connection.terminate()


async def run(owner_url: str, script: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def counted(owner_url: str) -> int:
    connection = await asyncpg.connect(owner_url)
    try:
        return int(await connection.fetchval(COUNTED))
    finally:
        await connection.close()


def revision_before() -> str:
    """The newest revision of the version before this one."""
    return sorted(subject.as_sql())[-2]


async def at_revision(owner_url: str, revision: str) -> None:
    """Version 1's database as the version before left it."""
    await run(owner_url, V1.read_text("utf-8"))
    address, arguments = normalise(owner_url)
    engine = create_async_engine(address, connect_args=arguments, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run, revision)
    await engine.dispose()
    await run(
        owner_url,
        "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO optria_app;"
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO optria_app;"
        "SELECT optria_ensure_history_partitions(current_date - 1, 3)",
    )


def _run(connection: Connection, revision: str) -> None:
    config = subject._config()
    config.attributes["connection"] = connection
    command.stamp(config, subject.BASELINE)
    connection.rollback()
    command.upgrade(config, revision)


def tell(figures: Figures, load: Load, lost: int, took_s: float, origin: str) -> None:
    figures.load = f"{load.committed:,} commits beside it, from {origin}"
    figures.lost, figures.duplicated = max(lost, 0), 0
    figures.notes.append(
        f"from {origin}: {took_s:.1f} s, longest wait for a lock {load.longest_wait_s * 1e3:.0f} ms,"
        f" slowest statement {load.slowest_s * 1e3:.0f} ms"
    )


async def test_from_version_1(empty_database: str, template: str, scale: Scale, figures: Figures) -> None:
    await run(empty_database, V1.read_text("utf-8") + ROWS.format(count=scale.of(100_000, 1_000)))
    load = Load(empty_database, V1_STATEMENTS)
    begun = time.monotonic()
    async with load.at_work(empty_database, scale.of(1.0, 0.2)):
        done = await upgrade(empty_database, password=APP_PASSWORD)
    took_s = time.monotonic() - begun
    lost = load.committed - await counted(empty_database)
    tell(figures, load, lost, took_s, "version 1")
    assert (done.found, done.after) == (Found.V1, newest())
    assert load.errors == []
    assert load.committed > 0
    assert -WRITERS <= lost <= 0  # the last of each was cut off before it was told
    assert not scale.full or load.longest_wait_s < LONGEST_WAIT_S


async def test_from_the_version_before(
    empty_database: str, template: str, scale: Scale, figures: Figures
) -> None:
    await at_revision(empty_database, revision_before())
    await run(empty_database, ROWS.format(count=scale.of(100_000, 1_000)))
    load = Load(app_url(empty_database, APP_PASSWORD), OURS_STATEMENTS)
    begun = time.monotonic()
    async with load.at_work(empty_database, scale.of(1.0, 0.2)):
        done = await upgrade(empty_database, password=APP_PASSWORD)
        took_s = time.monotonic() - begun
        before = load.committed
        await asyncio.sleep(0.5)
    lost = load.committed - await counted(empty_database)
    tell(figures, load, lost, took_s, f"revision {revision_before()}")
    assert (done.before, done.after) == (revision_before(), newest())
    assert load.errors == []
    assert load.committed > before  # on the new tables, by the old statements
    assert -WRITERS <= lost <= 0
    assert not scale.full or load.longest_wait_s < LONGEST_WAIT_S


async def test_the_program_before_goes_on(
    empty_database: str, template: str, scale: Scale, figures: Figures, tmp_path: Path
) -> None:
    """It serves while the database is upgraded under it, and afterwards beside the new one."""
    old = await asyncio.to_thread(program_before, tmp_path) if scale.full else None
    if old is None:
        figures.notes.append("the version before was played by its statements")
        await at_revision(empty_database, revision_before())
        with pytest.raises(ConfigurationError, match="optria db upgrade"):
            await require_current(app_url(empty_database, APP_PASSWORD))  # the new program says what it needs
        return
    await served_through(old, empty_database, figures)


async def served_through(old: OldProgram, owner_url: str, figures: Figures) -> None:
    await old.upgrade(owner_url, APP_PASSWORD)
    async with old.serving(app_url(owner_url, APP_PASSWORD)) as answers:
        await answers.some()
        done = await upgrade(owner_url, password=APP_PASSWORD)
        await answers.some()
    figures.notes.append(
        f"the program of revision {done.before} itself: {answers.good} answers, {answers.bad} errors"
    )
    assert done.after == newest()
    assert (answers.bad, answers.good > 0) == (0, True)
