"""Fills a table of latest values in somebody's SQL database, as many plants do for reporting."""

import asyncio
import math
import sqlite3
from collections.abc import Callable

from sqlalchemy import Column, DateTime, Double, Executable, MetaData, SmallInteger, Table, Text, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from optria.core.errors import SimulatorError
from optria.core.tag import from_micros
from optria.db.url import normalise
from optria.simulator.source import PlantSource

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
DIALECTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class SqlFeed:
    """Writes the tags of source `sql` once a second into `plant_readings`."""

    def __init__(self, plant: PlantSource, url: str) -> None:
        """Raises SimulatorError or ConfigurationError for a URL of no use."""
        self._plant = plant
        self._units = {tag.name: tag.unit for tag in plant.catalogue.tags if tag.source == "sql"}
        self._engine = _engine(url)
        self._insert = _upsert(self._engine.dialect.name)

    async def run(self) -> None:
        """Create the table if need be, write until cancelled; raises SimulatorError if the database fails."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(READINGS.metadata.create_all)
            while True:
                await self.write()
                await asyncio.sleep(1.0)
        except (SQLAlchemyError, OSError) as error:
            raise SimulatorError(f"The SQL feed cannot write to {self._engine.url!r}: {error}") from error
        finally:
            await self._engine.dispose()

    async def write(self) -> None:
        """Write the latest sample of every tag of source `sql`, in one transaction."""
        rows = self._rows()
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(self._insert, rows)

    def _rows(self) -> list[dict[str, object]]:
        frame = self._plant.latest(list(self._units))
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
