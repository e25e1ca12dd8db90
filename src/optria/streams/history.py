"""History in the database: one row per tag and flush, never longer than a minute.

PostgreSQL refuses COPY FROM into a table with row-level security, so chunks are copied into a table of
the transaction and inserted from there, under the tenant's policy (decision 0004).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, islice, takewhile

import asyncpg
import numpy as np
import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import Integer

from optria.core.errors import DatabaseUnavailable
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.db.partitions import ensure_partitions
from optria.db.session import Database, Tx
from optria.kit import clock
from optria.streams.recent import Series

log = structlog.get_logger(__name__)

CHUNK = timedelta(minutes=1)
CHUNK_US = 60_000_000
DAYS_BACK, DAYS_AHEAD = 7, 2
PARTITION_CHECK_S = 3600.0
SLICE = 100_000
"""Samples per transaction: up to 0.5 s of both sides' work, far from the time-out of a command."""
IN_THREAD = 10_000
"""Samples from which on the chunks are cut in a thread: 100,000 take up to 0.1 s."""
RECORDS_PER_TURN = 500
COLUMNS = ("tag_id", "t0", "dt", "value", "quality")

_STAGE = text(
    "CREATE TEMPORARY TABLE staged_chunks (tag_id integer, t0 timestamptz, dt integer[], value float8[],"
    " quality smallint[]) ON COMMIT DROP"
)
_INSERT = text(
    "INSERT INTO history_chunks AS stored (tenant_id, tag_id, t0, dt, value, quality)"
    " SELECT :tenant, tag_id, t0, dt, value, quality FROM staged_chunks"
    " ON CONFLICT (tag_id, t0) DO UPDATE SET dt = stored.dt || excluded.dt,"
    " value = stored.value || excluded.value, quality = stored.quality || excluded.quality"
    " WHERE stored.dt <> excluded.dt"
)
_READ = text(
    "SELECT tag_id, t0, dt, value, quality FROM history_chunks"
    " WHERE tag_id = ANY(:tags) AND t0 >= :start AND t0 <= :end ORDER BY tag_id, t0"
).bindparams(bindparam("tags", type_=ARRAY(Integer)))

REFUSALS: tuple[type[Exception], ...] = (
    SQLAlchemyError,
    asyncpg.PostgresError,  # the COPY does not go through SQLAlchemy
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
)

Chunk = tuple[int, datetime, list[int], list[float], list[int]]


def chunks(batch: SampleBatch) -> Iterator[Chunk]:
    """Cut samples into rows of ``history_chunks``: per tag and minute, by ascending time."""
    order = np.lexsort((batch.source_time, batch.tag))
    tag, time = batch.tag[order], batch.source_time[order]
    minute = time // CHUNK_US
    edges = np.flatnonzero((tag[1:] != tag[:-1]) | (minute[1:] != minute[:-1])) + 1
    starts = np.r_[0, edges] if len(tag) else edges
    ends = np.r_[edges, len(tag)]
    value, quality = batch.value[order].tolist(), batch.quality[order].tolist()
    offset = (time - np.repeat(time[starts], ends - starts)).tolist() if len(tag) else []
    for low, high in zip(starts.tolist(), ends.tolist(), strict=False):
        yield int(tag[low]), from_micros(time[low]), offset[low:high], value[low:high], quality[low:high]


async def write(tx: Tx, batch: SampleBatch) -> int:
    """Store samples in the transaction of their tenant; the number of rows. A repeat adds nothing."""
    records = await asyncio.to_thread(_records, batch) if len(batch) >= IN_THREAD else _records(batch)
    if not records:
        return 0
    connection = await tx.session.connection()
    await connection.execute(_STAGE)
    driver = (await connection.get_raw_connection()).driver_connection
    if driver is None:
        raise DatabaseUnavailable("The connection to the database was closed. It is opened again.")
    await driver.copy_records_to_table("staged_chunks", records=in_turns(records), columns=COLUMNS)
    await connection.execute(_INSERT, {"tenant": tx.tenant_id})
    return len(records)


def _records(batch: SampleBatch) -> list[Chunk]:
    return list(chunks(batch))


async def in_turns(records: Sequence[Chunk]) -> AsyncIterator[Chunk]:
    """The driver packs records without a pause; others get their turn between some hundreds of them."""
    for number, record in enumerate(records, start=1):
        yield record
        if number % RECORDS_PER_TURN == 0:
            await asyncio.sleep(0)


async def read_window(tx: Tx, tags: Iterable[int], start: datetime, end: datetime) -> dict[int, Series]:
    """The stored samples of each tag in [start, end], by ascending time, each time once."""
    asked = [int(tag) for tag in tags]
    rows = await tx.session.execute(_READ, {"tags": asked, "start": start - CHUNK, "end": end})
    parts: dict[int, list[Series]] = {tag: [] for tag in asked}
    for tag, t0, dt, value, quality in rows:
        time = to_micros(t0) + np.asarray(dt, np.int64)
        parts[tag].append(Series(time, np.asarray(value, np.float64), np.asarray(quality, np.uint8)))
    return {tag: _joined(series).between(start, end) for tag, series in parts.items()}


def _joined(parts: list[Series]) -> Series:
    if not parts:
        return Series.empty()
    time = np.concatenate([p.time for p in parts])
    once, first = np.unique(time, return_index=True)
    value = np.concatenate([p.value for p in parts])
    quality = np.concatenate([p.quality for p in parts])
    return Series(once, value[first], quality[first])


class History:
    """The buffer between the stream and the database, and the task that empties it.

    ``offer`` never waits. Beyond ``capacity`` samples new ones are shed and counted: the oldest, which
    no backfill brings back, stay.
    """

    def __init__(
        self, database: Database | None, tenant_id: int, capacity: int = 2_000_000, flush_s: float = 5.0
    ) -> None:
        self._database, self._tenant_id = database, tenant_id
        self.capacity, self.flush_s = capacity, flush_s
        self._waiting: deque[SampleBatch] = deque()
        self.buffered = 0
        self.written = 0
        self.shed = 0
        self.last_error: str | None = None

    def offer(self, batch: SampleBatch) -> None:
        """Keep samples for the next flush; without a database, nothing."""
        if self._database is None:
            return
        room = self.capacity - self.buffered
        if len(batch) > room:
            self.shed += len(batch) - room
            batch = batch.select(np.arange(room))
        for start in range(0, len(batch), SLICE):
            self._waiting.append(batch.select(np.arange(start, min(start + SLICE, len(batch)))))
        self.buffered += len(batch)

    async def flush(self) -> int:
        """Write what waits, the oldest first, at most ``SLICE`` samples per transaction; their number.

        Raises:
            DatabaseUnavailable: what is not written is kept for the next try.
        """
        if self._database is None:
            return 0
        until, before = self.written + self.buffered, self.written
        while self.written < until:
            await self._write_slice(self._database)
        return self.written - before

    async def _write_slice(self, database: Database) -> None:
        taken = self._oldest()
        batch = SampleBatch.concat(taken)
        try:
            async with database.transaction(self._tenant_id) as tx:
                await write(tx, batch)
        except REFUSALS as error:
            self.last_error = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DatabaseUnavailable(
                f"The history cannot be written ({self.last_error}). {self.buffered} samples wait in memory."
            ) from error
        for _ in taken:
            self._waiting.popleft()
        self.buffered -= len(batch)
        self.written += len(batch)
        self.last_error = None

    def _oldest(self) -> list[SampleBatch]:
        """The batches of the next slice; they stay where they are until they are stored."""
        sizes = accumulate(len(batch) for batch in self._waiting)
        fitting = sum(1 for _ in takewhile(lambda size: size <= SLICE, sizes))
        return list(islice(self._waiting, fitting))

    async def run(self) -> None:
        """Flush every ``flush_s`` until cancelled, then once more.

        Raises:
            DatabaseUnavailable: to be started again by its supervisor; what waits is kept.
        """
        if self._database is None:
            return
        loop = asyncio.get_running_loop()
        checked = loop.time()
        await self._ensure_partitions()
        try:
            while True:
                await asyncio.sleep(self.flush_s)
                if loop.time() - checked > PARTITION_CHECK_S:
                    await self._ensure_partitions()
                    checked = loop.time()
                await self.flush()
        except asyncio.CancelledError:
            await self._last_flush()
            raise

    async def _ensure_partitions(self) -> None:
        if self._database is None:
            return
        try:
            async with self._database.transaction(self._tenant_id) as tx:
                first = (clock.now() - timedelta(days=DAYS_BACK)).date()
                await ensure_partitions(tx.session, first, DAYS_BACK + 1 + DAYS_AHEAD)
        except REFUSALS as error:
            reason = str(error).splitlines()[0]
            raise DatabaseUnavailable(f"The history's partitions cannot be made ({reason}).") from error

    async def _last_flush(self) -> None:
        try:
            async with asyncio.timeout(5.0):
                await self.flush()
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("history_lost_at_shutdown", samples=self.buffered, error=str(error))
