"""The SQL connector on a real PostgreSQL: time types, read-only, history between two times."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from optria.connectors.base import LinkState
from optria.connectors.sql import SqlConnector
from optria.core.tag import Quality, SampleBatch, SignalMapping
from optria.kit import clock

MAPPINGS = [
    SignalMapping(1, 1, 1, "P-1.TT", "temperature", "°C"),
    SignalMapping(2, 1, 1, "P-1.PT", "pressure", "bar"),
]
HISTORY = (
    "SELECT tag, value, quality, source_time FROM plant_history WHERE source_time BETWEEN :start AND :end"
)
COLUMNS = "tag text, value double precision, quality smallint, source_time timestamptz"


@pytest.fixture
async def plant(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database)
    await connection.execute(f"CREATE TABLE plant_readings ({COLUMNS})")
    await connection.execute(f"CREATE TABLE plant_history ({COLUMNS})")
    yield connection
    await connection.close()


def make(url: str, **changes: object) -> SqlConnector:
    return SqlConnector({"endpoint_url": url, "sampling_interval_ms": 20, **changes}, Path())


@pytest.mark.clause("D6")
async def test_values_history_and_live_come_once_and_in_order(
    plant: asyncpg.Connection, empty_database: str
) -> None:
    now = clock.now()
    rows = [
        (tag, float(age), 0, now - timedelta(seconds=age))
        for age in range(20)
        for tag in ("P-1.TT", "P-1.PT")
    ]
    await plant.copy_records_to_table("plant_history", records=rows)
    await plant.copy_records_to_table("plant_readings", records=rows[:2])
    got: list[SampleBatch] = []
    connector = make(empty_database, history_query=HISTORY)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(connector.run(MAPPINGS, got.append, now - timedelta(seconds=10)))
        while connector.link.state is not LinkState.CONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await plant.execute("UPDATE plant_readings SET value = 99, source_time = now() WHERE tag = 'P-1.PT'")
        while not got or got[-1].value.tolist() != [99.0]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
    everything = SampleBatch.concat(got)
    assert len(got[0]) == connector.link.backfilled == 22
    assert got[0].value.tolist() == [float(age) for age in range(10, -1, -1) for _tag in range(2)]
    assert len(everything) == 23


async def test_naive_columns_are_of_the_configured_zone(
    plant: asyncpg.Connection, empty_database: str
) -> None:
    await plant.execute(
        "CREATE VIEW local_readings AS "
        "SELECT 'P-1.TT' AS tag, 7.0::float8 AS value, 'bad' AS quality, timestamp '2026-07-01 13:00' AS t"
    )
    query = "SELECT tag, value, quality, t FROM local_readings"
    batch = await make(empty_database, query=query, time_zone="Asia/Riyadh").read_latest(MAPPINGS)
    (sample,) = batch.rows()
    assert sample.source_time == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert (sample.value, sample.quality) == (7.0, Quality.BAD)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DELETE FROM plant_readings RETURNING *", "read-only transaction"),
        ("SELECT 1; DROP TABLE plant_readings", "multiple commands"),
        ("SELECT * FROM nothing_here", "does not have what the query reads"),
    ],
)
async def test_what_does_more_than_read_is_refused(
    plant: asyncpg.Connection, empty_database: str, query: str, says: str
) -> None:
    await plant.execute("INSERT INTO plant_readings VALUES ('P-1.TT', 1, 0, now())")
    found = await make(empty_database, query=query).probe()
    assert not found.ok
    assert says in found.message
    assert await plant.fetchval("SELECT count(*) FROM plant_readings") == 1


async def test_a_wrong_password_and_a_missing_database(
    plant: asyncpg.Connection, empty_database: str
) -> None:
    server, _, _name = empty_database.rpartition("/")
    wrong = await make(empty_database, username="optria", password="wrong").probe()
    missing = await make(f"{server}/no_such_plant").probe()
    assert "refused the user name or password" in wrong.message
    assert "no_such_plant" in missing.message
