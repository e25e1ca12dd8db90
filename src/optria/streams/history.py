"""History in the database: one row per tag and flush, never longer than a minute.

PostgreSQL refuses COPY FROM into a table with row-level security, so chunks are copied into a table of
the transaction and inserted from there, under the tenant's policy (decision 0004).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import DateTime, Integer

from optria.core.errors import DatabaseUnavailable
from optria.core.tag import SampleBatch, from_micros, to_micros
from optria.db.session import Tx
from optria.streams.recent import Series

CHUNK = timedelta(minutes=1)
CHUNK_US = 60_000_000
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

_NEAR = text(
    "SELECT DISTINCT stored.tag_id, stored.t0, stored.dt"
    " FROM unnest(CAST(:tags AS integer[]), CAST(:minutes AS timestamptz[])) AS asked (tag_id, minute)"
    " JOIN history_chunks AS stored ON stored.tag_id = asked.tag_id AND stored.t0 >= asked.minute"
    " AND stored.t0 < asked.minute + interval '1 minute'"
).bindparams(
    bindparam("tags", type_=ARRAY(Integer)), bindparam("minutes", type_=ARRAY(DateTime(timezone=True)))
)
_NEWEST = text(
    "SELECT asked.tag_id, newest.t0 FROM unnest(CAST(:tags AS integer[])) AS asked (tag_id), LATERAL ("
    "SELECT t0 FROM history_chunks WHERE tag_id = asked.tag_id AND t0 >= :since ORDER BY t0 DESC LIMIT 1"
    ") AS newest"
).bindparams(bindparam("tags", type_=ARRAY(Integer)))

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
    try:
        await driver.copy_records_to_table("staged_chunks", records=in_turns(records), columns=COLUMNS)
    except TimeoutError:
        await connection.invalidate()  # a rollback would wait for a server that does not answer
        raise
    await connection.execute(_INSERT, {"tenant": tx.tenant_id})
    return len(records)


async def unstored(tx: Tx, batch: SampleBatch) -> SampleBatch:
    """The samples whose tag and time are not stored yet, each once, in their order."""
    if not len(batch):
        return batch
    minute = batch.source_time // CHUNK_US
    asked = np.unique(np.stack([batch.tag.astype(np.int64), minute]), axis=1)
    minutes = [from_micros(start * CHUNK_US) for start in asked[1].tolist()]
    rows = (await tx.session.execute(_NEAR, {"tags": asked[0].tolist(), "minutes": minutes})).all()
    tag = np.concatenate([np.repeat(row.tag_id, len(row.dt)) for row in rows] + [batch.tag])
    known = [to_micros(row.t0) + np.asarray(row.dt, np.int64) for row in rows]
    first = _first(tag, np.concatenate([*known, batch.source_time]))
    return batch.select(first[len(tag) - len(batch) :])


def once(batch: SampleBatch) -> SampleBatch:
    """Of samples with the same tag and time the first."""
    first = _first(batch.tag, batch.source_time)
    return batch if first.all() else batch.select(first)


def _first(tag: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which samples come for the first time."""
    order = np.lexsort((time, tag))
    is_first = np.ones(len(tag), np.bool_)
    is_first[order[1:]] = (np.diff(tag[order]) != 0) | (np.diff(time[order]) != 0)
    return is_first


async def stored_until(tx: Tx, tags: Iterable[int], since: datetime) -> dict[int, int]:
    """Of each tag with samples since then, the time (in microseconds) that all of them are before."""
    rows = await tx.session.execute(_NEWEST, {"tags": list(tags), "since": since})
    return {tag: to_micros(t0) + CHUNK_US for tag, t0 in rows}


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
