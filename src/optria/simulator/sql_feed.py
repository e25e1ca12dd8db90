"""Fills tables of latest values and of the last half hour in somebody's SQL database, as many plants do."""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from sqlalchemy import (
    Column,
    DateTime,
    Double,
    Executable,
    MetaData,
    SmallInteger,
    Table,
    Text,
    delete,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from optria.core.errors import SimulatorError
from optria.core.tag import EPOCH, from_micros
from optria.db.url import normalise
from optria.kit import clock
from optria.simulator.source import PlantFrame, PlantSource

READINGS = Table(
    "plant_readings",
    MetaData(),
    Column("tag", Text, primary_key=True),
    Column("value", Double),
    Column("quality", SmallInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("source_time", DateTime(timezone=True), nullable=False),
)
"""One row a tag: value (NULL if not a number), quality 0 good 1 uncertain 2 bad, source time (UTC; SQLite
keeps it without a zone)."""
HISTORY = Table(
    "plant_history",
    READINGS.metadata,
    Column("tag", Text, primary_key=True),
    Column("source_time", DateTime(timezone=True), primary_key=True),
    Column("value", Double),
    Column("quality", SmallInteger, nullable=False),
)
"""The samples of the last `KEPT`, a row a tag and source time; columns as in `READINGS`."""
KEPT = timedelta(minutes=30)
PRUNED_EVERY = timedelta(minutes=1)
AHEAD = timedelta(hours=1)
"""How far a source's clock may run ahead of ours."""
LATE = timedelta(seconds=5)
"""How long after its source time a sample may come."""
MOST_SAMPLES = 10_000
"""Of one tag in one write."""
DIALECTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class _Sample(TypedDict):
    """A row of `plant_history`."""

    tag: str
    source_time: datetime
    value: float | None
    quality: int


class SqlFeed:
    """Writes the tags of source `sql` once a second into `plant_readings` and `plant_history`."""

    def __init__(self, plant: PlantSource, url: str) -> None:
        """Raises SimulatorError or ConfigurationError for a URL of no use."""
        self._plant = plant
        self._units = {tag.name: tag.unit for tag in plant.catalogue.tags if tag.source == "sql"}
        self._engine = _engine(url)
        self._upsert = _upsert(self._engine.dialect.name)
        self._add = DIALECTS[self._engine.dialect.name](HISTORY).on_conflict_do_nothing()
        self._written_to = self._pruned_at = EPOCH

    async def run(self) -> None:
        """Fill the tables, write until cancelled; raises SimulatorError if the database fails."""
        try:
            await self._begin()
            while True:
                await self.write()
                await asyncio.sleep(1.0)
        except (SQLAlchemyError, OSError) as error:
            raise SimulatorError(f"The SQL feed cannot write to {self._engine.url!r}: {error}") from error
        finally:
            await self._engine.dispose()

    async def _begin(self) -> None:
        """The plant's history in place of an earlier run's; who finds `plant_readings` finds it too."""
        self._written_to = clock.now() - KEPT
        async with self._engine.begin() as connection:
            await connection.run_sync(HISTORY.create, checkfirst=True)
            await connection.execute(delete(HISTORY).where(HISTORY.c.tag.in_(list(self._units))))
            await self._write_history(connection)
            await connection.run_sync(READINGS.create, checkfirst=True)

    async def write(self) -> None:
        """Write the latest sample of every tag of source `sql` and what is new in its history, at once."""
        now = clock.now()
        frame = self._plant.latest(list(self._units))
        if not frame.tags:
            return
        async with self._engine.begin() as connection:
            await connection.execute(self._upsert, self._readings(frame))
            await self._write_history(connection)
            if now - self._pruned_at >= PRUNED_EVERY:
                await connection.execute(delete(HISTORY).where(HISTORY.c.source_time < now - KEPT))
                self._pruned_at = now

    async def _write_history(self, connection: AsyncConnection) -> None:
        """Go on after the newest sample written: after a sleep the plant computes what is missing.

        A source's clock may be ahead and be put back, so our own clock bounds that instant.
        """
        due = clock.now() - LATE
        rows = [row for name in self._units for row in self._samples(name, self._written_to)]
        if rows:
            await connection.execute(self._add, rows)
            self._written_to = min(due, max(row["source_time"] for row in rows))

    def _samples(self, name: str, since: datetime) -> list[_Sample]:
        series = self._plant.history(name, since, clock.now() + AHEAD, MOST_SAMPLES)
        times, values, qualities = (column.tolist() for column in series)
        return [
            _Sample(
                tag=name,
                source_time=from_micros(time_us),
                value=value if math.isfinite(value) else None,
                quality=quality,
            )
            for time_us, value, quality in zip(times, values, qualities, strict=True)
        ]

    def _readings(self, frame: PlantFrame) -> list[dict[str, object]]:
        return [
            {
                "tag": name,
                "value": float(value) if math.isfinite(value) else None,
                "quality": int(quality),
                "unit": self._units[name],
                "source_time": from_micros(int(time_us)),
            }
            for name, value, quality, time_us in zip(
                frame.tags, frame.value, frame.quality, frame.source_time, strict=True
            )
        ]


def _engine(url: str) -> AsyncEngine:
    if url.startswith("postgres"):
        address, arguments = normalise(url)
        return create_async_engine(address, connect_args=arguments)
    try:
        backend = make_url(url).get_backend_name()
        if backend != "sqlite":
            raise SimulatorError(f"The SQL feed cannot use {backend}; it writes to SQLite and PostgreSQL.")
        engine = create_async_engine(url)
    except (ArgumentError, ModuleNotFoundError, SQLAlchemyError) as error:
        raise SimulatorError(
            "The SQL feed needs a URL like sqlite+aiosqlite:///readings.db or "
            f"postgresql://user:password@host/database ({error})."
        ) from error
    event.listen(engine.sync_engine, "connect", _let_others_read)
    return engine


def _let_others_read(connection: sqlite3.Connection, _record: object) -> None:
    """Readers do not block the feed, nor the feed them; the table is rewritten each second anyway."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()


def _upsert(dialect: str) -> Executable:
    insert = DIALECTS[dialect](READINGS)
    changed = {name: insert.excluded[name] for name in ("value", "quality", "unit", "source_time")}
    return insert.on_conflict_do_update(index_elements=["tag"], set_=changed)
