"""The SQL feed keeps a table of latest values."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Row, Table, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from optria.core.errors import SimulatorError
from optria.core.tag import from_micros
from optria.kit import clock
from optria.simulator.plant import SimulatedPlant
from optria.simulator.replay import ReplayedPlant
from optria.simulator.source import PlantSource
from optria.simulator.sql_feed import HISTORY, KEPT, READINGS, SqlFeed
from tests.fakes.plant import FakePlant

Samples = list[tuple[datetime, float | None, int]]


async def all_of(table: Table, url: str) -> Sequence[Row[tuple[object, ...]]]:
    driven = url.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(driven, poolclass=NullPool)
    async with engine.connect() as connection:
        found = (await connection.execute(select(table))).all()
    await engine.dispose()
    return found


async def rows_of(url: str) -> dict[str, tuple[float | None, int, str, datetime]]:
    found = await all_of(READINGS, url)
    return {row.tag: (row.value, row.quality, row.unit, row.source_time) for row in found}


async def history_of(url: str, tag: str) -> Samples:
    """In time order."""
    rows = await all_of(HISTORY, url)
    return sorted(
        (row.source_time.replace(tzinfo=UTC), row.value, row.quality) for row in rows if row.tag == tag
    )


def remembered(plant: PlantSource, tag: str, samples: Samples) -> Samples:
    """What the plant knows of the time that these samples span."""
    series = plant.history(tag, samples[0][0], samples[-1][0], 10_000)
    times, values, qualities = (column.tolist() for column in series)
    return [
        (from_micros(time), None if math.isnan(value) else value, quality)
        for time, value, quality in zip(times, values, qualities, strict=True)
    ]


async def fed(plant: PlantSource, url: str, seconds: float) -> None:
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
    for tag in wanted:
        samples = await history_of(url, tag)
        assert len(samples) >= 60
        assert samples == remembered(plant, tag, samples)
        assert samples[-1][0] == after[tag][3].replace(tzinfo=UTC)


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
    samples = await history_of(url, "HX-001.Temperature")
    assert samples[-1][1:] == (None, 0)
    assert samples == remembered(plant, "HX-001.Temperature", samples)


def sql_plant() -> FakePlant:
    """Two tags, delivered over SQL by hand."""
    plant = FakePlant(2)
    tags = tuple(replace(tag, source="sql") for tag in plant.catalogue.tags)
    plant.catalogue = replace(plant.catalogue, tags=tags)
    return plant


async def until_history(url: str, tag: str, wanted: list[datetime]) -> None:
    async with asyncio.timeout(20):
        while [time for time, _value, _quality in await written(url, tag)] != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def written(url: str, tag: str) -> Samples:
    """Nothing while there is no table yet."""
    try:
        return await history_of(url, tag)
    except OperationalError:
        return []


async def test_history_stays_whole_when_clocks_jump(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    plant = sql_plant()
    tag, now = plant.names[0], clock.now()
    times = [now - timedelta(seconds=3), now + timedelta(seconds=100)]
    for time in times:
        plant.tick(time=time)
    running = asyncio.create_task(SqlFeed(plant, url).run())
    await until_history(url, tag, times)
    back = clock.now()
    plant.tick(time=back)
    await until_history(url, tag, sorted([*times, back]))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_samples_computed_after_a_sleep_are_not_missed(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    plant = sql_plant()
    tag, start = plant.names[0], clock.now() - timedelta(seconds=60)
    plant.tick(time=start)
    running = asyncio.create_task(SqlFeed(plant, url).run())
    await until_history(url, tag, [start])
    await asyncio.sleep(1.2)  # the feed woke up, the plant did not yet
    late = [start + timedelta(seconds=age) for age in (20, 40, 50)]
    for time in late:
        plant.tick(time=time)
    await until_history(url, tag, [start, *late])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_history_keeps_half_an_hour_of_this_run_only(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    earlier, plant, now = sql_plant(), sql_plant(), clock.now()
    earlier.tick(1, time=now - timedelta(seconds=9))
    await fed(earlier, url, 0.5)
    await put(url, "REMOVED.TT", now - KEPT - timedelta(seconds=1))
    await put(url, "OTHERS.TT", now)
    for age in (KEPT + timedelta(seconds=1), KEPT - timedelta(seconds=60), timedelta(seconds=9)):
        plant.tick(2, time=now - age)
    await fed(plant, url, 1.5)
    samples = await history_of(url, plant.names[0])
    assert samples == remembered(plant, plant.names[0], samples)
    assert samples[0][0] == now - KEPT + timedelta(seconds=60)
    assert samples[1][:2] == (now - timedelta(seconds=9), 2.0)
    assert len(await history_of(url, "OTHERS.TT")) == 1
    assert await history_of(url, "REMOVED.TT") == []


async def put(url: str, tag: str, time: datetime) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(insert(HISTORY), {"tag": tag, "source_time": time, "value": 1, "quality": 0})
    await engine.dispose()


async def test_a_recording_without_such_tags_writes_no_rows(tmp_path: Path) -> None:
    path, url = tmp_path / "pump.csv", f"sqlite+aiosqlite:///{tmp_path / 'readings.db'}"
    path.write_text("when,load\n2026-01-01 08:00:00,1\n2026-01-01 08:00:01,2\n", encoding="utf-8")
    plant = ReplayedPlant(path)
    await fed(plant, url, 2.0)
    assert len(plant.latest([tag.name for tag in plant.catalogue.tags]).tags) == 1
    assert list(await all_of(READINGS, url)) == list(await all_of(HISTORY, url)) == []


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
