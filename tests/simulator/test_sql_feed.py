"""The SQL feed keeps a table of latest values."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria.core.errors import SimulatorError
from optria.simulator.plant import SimulatedPlant
from optria.simulator.sql_feed import READINGS, SqlFeed


async def rows_of(url: str) -> dict[str, tuple[float | None, int, str, datetime]]:
    driven = url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(driven, poolclass=NullPool)
    async with engine.connect() as connection:
        found = (await connection.execute(select(READINGS))).all()
    await engine.dispose()
    return {row.tag: (row.value, row.quality, row.unit, row.source_time) for row in found}


async def fed(plant: SimulatedPlant, url: str, seconds: float) -> None:
    """Runs plant and feed together for a while."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(plant.run()), tasks.create_task(SqlFeed(plant, url).run())]
        await asyncio.sleep(seconds)
        for task in running:
            task.cancel()


async def check_feed(url: str) -> None:
    plant = SimulatedPlant(preheat_minutes=1)
    await fed(plant, url, 0.5)
    before = await rows_of(url)
    await fed(plant, url, 2.5)
    after = await rows_of(url)
    wanted = {tag.name: tag.unit for tag in plant.catalogue.tags if tag.source == "sql"}
    assert {tag: row[2] for tag, row in after.items()} == wanted
    assert set(before) == set(after)
    assert all(after[tag][3] > before[tag][3] for tag in wanted)
    value, quality, unit, time = after["PUMP-001.Vibration"]
    assert value is not None
    assert 1.2 < value < 2.9
    assert (quality, unit) == (0, "mm/s")
    age = datetime.now(UTC) - time.replace(tzinfo=time.tzinfo or UTC)
    assert age.total_seconds() < 60


@pytest.mark.clause("C8", "D6")
async def test_latest_values_reach_sqlite(tmp_path: Path) -> None:
    await check_feed(f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}")


async def test_latest_values_reach_postgresql(empty_database: str) -> None:
    await check_feed(empty_database)


async def test_not_a_number_is_null(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    plant = SimulatedPlant(preheat_minutes=0)
    plant.inject("nan", "HX-001", severity=1.0, ramp_s=0.0)
    await fed(plant, url, 2.5)
    rows = await rows_of(url)
    assert rows["HX-001.Temperature"][:2] == (None, 0)
    assert rows["PUMP-001.Vibration"][0] is not None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("readings.db", "needs a URL like"),
        ("oracle://host/db", "cannot use oracle"),
        ("sqlite+nothing:///x.db", "needs a URL like"),
        ("sqlite:///x.db", "needs a URL like"),
    ],
)
def test_a_url_of_no_use_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        SqlFeed(SimulatedPlant(preheat_minutes=0), url)


async def test_a_database_that_fails_is_told_without_its_password(tmp_path: Path) -> None:
    feed = SqlFeed(SimulatedPlant(preheat_minutes=0), "postgresql+asyncpg://me:secret@127.0.0.1:1/plant")
    with pytest.raises(SimulatorError, match="cannot write") as failed:
        await feed.run()
    assert "secret" not in str(failed.value)
