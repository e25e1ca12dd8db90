"""Stored samples in columns, read without a Python object per row, in transactions that cannot write.

PostgreSQL joins the arrays of a tag's chunks as bytes (``array_send``: each element is its length and its
big-endian value), numpy reads them whole. Chunks end at the minute (decision 0004), so pieces that do are
complete.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Integer

from optria.core.errors import Invalid
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.db.session import Database, Tx
from optria.rca.case import Series
from optria.streams.history import CHUNK

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970."""
_READ = text(
    "SELECT tag_id, string_agg(timestamptz_send(t0), ''::bytea ORDER BY t0),"
    " string_agg(int4send(cardinality(dt)), ''::bytea ORDER BY t0),"
    " string_agg(substr(array_send(dt), 21), ''::bytea ORDER BY t0),"
    " string_agg(substr(array_send(value), 21), ''::bytea ORDER BY t0),"
    " string_agg(substr(array_send(quality), 21), ''::bytea ORDER BY t0)"
    " FROM history_chunks WHERE tag_id = ANY(:tags) AND t0 >= :start AND t0 < :end GROUP BY tag_id"
).bindparams(bindparam("tags", type_=ARRAY(Integer)))


@asynccontextmanager
async def read_only(database: Database, tenant_id: int) -> AsyncGenerator[Tx]:
    """A transaction of the tenant in which PostgreSQL refuses every change."""
    async with database.transaction(tenant_id) as tx:
        await tx.session.execute(text("SET TRANSACTION READ ONLY"))
        yield tx


async def read_samples(tx: Tx, tags: Iterable[int], start: datetime, end: datetime) -> SampleBatch:
    """Everything stored of ``tags`` in [start, end), tag by tag; times of a tag may repeat.

    Raises:
        Invalid: a chunk is damaged.
    """
    asked = {"tags": [int(tag) for tag in tags], "start": start - CHUNK, "end": end}
    rows = (await tx.session.execute(_READ, asked)).all()
    batch = SampleBatch.concat([_column(*row) for row in rows])
    inside = (batch.source_time >= to_micros(start)) & (batch.source_time < to_micros(end))
    return batch if inside.all() else batch.select(inside)


def _column(tag: int, t0: bytes, counts: bytes, dt: bytes, value: bytes, quality: bytes) -> SampleBatch:
    count = np.frombuffer(counts, ">i4")
    offset = _elements(tag, dt, ">i4", int(count.sum()))
    begin = np.frombuffer(t0, ">i8").astype(np.int64) + POSTGRES_EPOCH_US
    return SampleBatch(
        np.full(len(offset), tag, np.int32),
        np.repeat(begin, count) + offset.astype(np.int64),
        _elements(tag, value, ">f8", len(offset)),
        _elements(tag, quality, ">i2", len(offset)).astype(np.uint8),
    )


def _elements(tag: int, sent: bytes, kind: str, count: int) -> NDArray[np.float64]:
    layout = np.dtype([("length", ">i4"), ("element", kind)])
    if len(sent) != count * layout.itemsize:
        raise Invalid(f"The stored history of tag {tag} is damaged: its columns are not of one length.")
    column: NDArray[np.float64] = np.frombuffer(sent, layout)["element"].astype(np.float64)
    return column


class StoredSensors:
    """Where the analysis of a would-be incident reads: stored history alone."""

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]:
        batch = await read_samples(tx, [mapping.id for mapping in mappings], start, end)
        return tuple(_series(mapping, batch) for mapping in mappings)


def _series(mapping: SignalMapping, batch: SampleBatch) -> Series:
    mine = np.flatnonzero(batch.tag == mapping.id)
    time, first = np.unique(batch.source_time[mine], return_index=True)
    kept = mine[first]
    return Series(mapping, time, batch.value[kept], batch.quality[kept])
