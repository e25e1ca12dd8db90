import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from optria.core.errors import DatabaseUnavailable
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.db.session import Database
from optria.streams.historian import Historian
from optria.streams.history import CHUNK_US, RECORDS_PER_TURN, chunks, in_turns, read_window
from tests.streams.plants import batch

NOW = datetime.now(UTC).replace(minute=30, second=0, microsecond=0)


def seconds(tag: int, count: int, start: datetime = NOW) -> SampleBatch:
    times = [start + timedelta(seconds=i) for i in range(count)]
    return batch([tag] * count, times, [float(i) for i in range(count)], [i % 3 for i in range(count)])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4 * CHUNK_US), st.floats()), max_size=60))
def test_chunks_hold_every_sample_once_and_no_more_than_a_minute(rows: list[tuple[int, int, float]]) -> None:
    samples = SampleBatch(
        np.array([r[0] for r in rows], np.int32),
        np.array([r[1] for r in rows], np.int64),
        np.array([r[2] for r in rows], np.float64),
        np.zeros(len(rows), np.uint8),
    )
    unpacked = []
    for tag, t0, dt, value, quality in chunks(samples):
        assert len(dt) == len(value) == len(quality)
        assert dt[0] == 0
        assert dt == sorted(dt)
        assert dt[-1] < CHUNK_US
        unpacked += [(tag, to_micros(t0) + d, repr(v)) for d, v in zip(dt, value, strict=True)]
    assert sorted(unpacked) == sorted((t, u, repr(v)) for t, u, v in rows)


async def stored(database: Database, tag: int) -> list[tuple[datetime, float, int]]:
    async with database.transaction(1) as tx:
        window = (await read_window(tx, [tag], NOW - timedelta(hours=1), NOW + timedelta(hours=1)))[tag]
    return [
        (from_micros(int(t)), float(v), int(q))
        for t, v, q in zip(window.time, window.value, window.quality, strict=True)
    ]


@pytest.mark.clause("C4", "D7", "I4")
async def test_what_was_offered_is_read_back_from_the_database(database: Database) -> None:
    history, samples = Historian(database, 1), seconds(7, 150)
    history.offer(samples)
    history.offer(seconds(8, 10))
    assert await history.flush() == 160
    assert await stored(database, 7) == [(s.source_time, s.value, int(s.quality)) for s in samples.rows()]
    async with database.transaction(1) as tx:
        rows = await tx.session.scalar(text("SELECT count(*) FROM history_chunks WHERE tag_id = 7"))
        window = await read_window(tx, [7, 99], NOW + timedelta(seconds=50), NOW + timedelta(seconds=70))
    assert rows == 3
    assert window[7].value.tolist() == [float(v) for v in range(50, 71)]
    assert len(window[99]) == 0


async def test_repeats_and_overlaps_neither_lose_nor_double_a_sample(database: Database) -> None:
    history = Historian(database, 1)
    for samples in (
        seconds(7, 20),
        seconds(7, 20),
        seconds(7, 45),
        seconds(7, 5, NOW + timedelta(seconds=43)),
    ):
        history.offer(samples)
        await history.flush()
    assert [time for time, _, _ in await stored(database, 7)] == [
        NOW + timedelta(seconds=i) for i in range(48)
    ]


async def test_history_of_one_tenant_is_not_seen_by_another(database: Database) -> None:
    history = Historian(database, 1)
    history.offer(seconds(7, 10))
    await history.flush()
    async with database.transaction(2) as tx:
        assert len((await read_window(tx, [7], NOW, NOW + timedelta(hours=1)))[7]) == 0


async def test_an_outage_keeps_what_waits_up_to_the_bound_and_counts_what_is_shed(database: Database) -> None:
    gone = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    history = Historian(gone, 1, capacity=100)
    history.offer(seconds(7, 80))
    with pytest.raises(DatabaseUnavailable, match="80 samples wait"):
        await history.flush()
    history.offer(seconds(8, 50))
    assert (history.buffered, history.shed) == (100, 30)
    await gone.dispose()


def many(tags: int, count: int) -> SampleBatch:
    """``count`` seconds of ``tags`` tags."""
    times = np.repeat(to_micros(NOW) + 1_000_000 * np.arange(count, dtype=np.int64), tags)
    names = np.tile(np.arange(1, tags + 1, dtype=np.int32), count)
    return SampleBatch(
        names, times, np.arange(tags * count, dtype=np.float64), np.zeros(tags * count, np.uint8)
    )


async def transactions(database: Database) -> list[int]:
    """Samples per transaction that wrote history, in the order they were begun."""
    async with database.transaction(1) as tx:
        rows = await tx.session.execute(
            text("SELECT sum(cardinality(dt)) FROM history_chunks GROUP BY xmin ORDER BY xmin::text::bigint")
        )
        return [int(size) for (size,) in rows]


async def test_a_long_outage_is_written_in_slices_of_bounded_size(database: Database) -> None:
    history = Historian(database, 1)
    history.offer(many(1000, 50))
    history.offer(many(1000, 220).select(np.arange(50_000, 220_000)))
    assert await history.flush() == 220_000
    assert await transactions(database) == [50_000, 100_000, 70_000]
    assert (history.buffered, history.written) == (0, 220_000)
    async with database.transaction(1) as tx:
        window = await read_window(tx, [1, 1000], NOW, NOW + timedelta(hours=1))
    assert window[1].value.tolist() == list(range(0, 220_000, 1000))
    assert len(window[1000]) == 220


async def test_packing_many_rows_gives_others_their_turn() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    records = list(chunks(many(10 * RECORDS_PER_TURN, 1)))
    assert [record async for record in in_turns(records)] == records
    beside.cancel()
    assert turns == 10


async def test_the_slices_before_a_failing_one_stay_written_and_the_rest_waits_in_order(
    database: Database, fresh_database: str
) -> None:
    history = Historian(database, 1)
    history.offer(many(1000, 100))
    history.offer(seconds(2000, 10))
    history.offer(seconds(8, 10, NOW + timedelta(minutes=5)))
    owner = await asyncpg.connect(fresh_database)
    await owner.execute("ALTER TABLE history_chunks ADD CONSTRAINT refused CHECK (tag_id <> 2000)")
    with pytest.raises(DatabaseUnavailable, match="20 samples wait"):
        await history.flush()
    assert (history.written, history.buffered) == (100_000, 20)
    await owner.execute("ALTER TABLE history_chunks DROP CONSTRAINT refused")
    await owner.close()
    assert await history.flush() == 20
    assert len(await stored(database, 2000)) == 10


async def test_the_task_makes_the_partitions_writes_and_writes_once_more_at_the_end(
    database: Database,
) -> None:
    history = Historian(database, 1, flush_s=0.02)
    early = NOW - timedelta(days=6)
    history.offer(seconds(7, 10, early))
    task = asyncio.ensure_future(history.run())
    async with asyncio.timeout(20):
        while not history.written:  # noqa: ASYNC110 - the task under test announces nothing
            await asyncio.sleep(0.01)
    history.offer(seconds(8, 10))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert history.buffered == 0
    assert len(await stored(database, 8)) == 10


async def test_a_day_without_a_partition_gets_one(database: Database) -> None:
    history, far = Historian(database, 1), datetime(2024, 1, 1, tzinfo=UTC)
    history.offer(seconds(7, 10, far))
    assert await history.flush() == 10
    assert history.last_error is None


async def rows_and_samples(database: Database) -> tuple[int, int]:
    async with database.transaction(1) as tx:
        found = await tx.session.execute(text("SELECT count(*), sum(cardinality(dt)) FROM history_chunks"))
        rows, samples = found.one()
    return rows, samples


async def test_a_sample_is_stored_once_however_often_and_in_whatever_order_it_comes(
    database: Database,
) -> None:
    """Counted in the table, not as readers see it: partial chunks, repeats, late ones, another process."""
    history = Historian(database, 1)
    for samples in (
        seconds(7, 90),
        seconds(7, 20, NOW + timedelta(seconds=80)),
        seconds(7, 5, NOW - timedelta(seconds=30)),
        SampleBatch.concat([seconds(7, 30, NOW - timedelta(seconds=40)), seconds(8, 3), seconds(8, 3)]),
    ):
        history.offer(samples)
        await history.flush()
    another = Historian(database, 1)
    another.offer(SampleBatch.concat([seconds(7, 100), seconds(8, 4)]))
    await another.flush()
    assert await rows_and_samples(database) == (7, 130 + 4)
    assert (history.repeated, another.repeated) == (10 + 5 + 3, 103)
