"""Samples for trends: every one over hours, the lowest and the highest of each stored minute over days.

Both go by the primary key of the history (tag, time). Over days the database looks into the minutes and
hands over two values of each: a week of a signal of one sample a second is 10,080 rows, not 604,800 samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Integer

from optria.core.tag import to_micros
from optria.db.session import Tx
from optria.streams.history import CHUNK, read_window
from optria.streams.recent import Series
from optria.web.assets.readings import joined
from optria.web.assets.trend_points import BUCKETS
from optria.web.services import Pipeline

WHOLE_UP_TO: Final = BUCKETS * CHUNK
"""Spans up to this (5 h) are read sample by sample; beyond, a bucket is longer than a stored minute."""

MINUTES: Final = text(
    "SELECT c.tag_id, c.t0, c.dt[1] AS first, c.dt[cardinality(c.dt)] AS last,"
    " cardinality(c.dt) AS samples, s.low, s.high FROM history_chunks c CROSS JOIN LATERAL ("
    "SELECT min(u.v) AS low, max(u.v) AS high FROM unnest(c.value, c.quality) AS u(v, q)"
    " WHERE u.q < 2 AND u.v > '-Infinity' AND u.v < 'Infinity') s"
    " WHERE c.tag_id = ANY(:tags) AND c.t0 >= :start AND c.t0 <= :end ORDER BY c.tag_id, c.t0"
).bindparams(bindparam("tags", type_=ARRAY(Integer)))


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is known of a tag in a span. ``samples`` is how many samples stand behind the series."""

    series: Series
    samples: int


async def read_stretches(
    tx: Tx, pipeline: Pipeline | None, tags: Sequence[int], start: datetime, end: datetime
) -> Mapping[int, Stretch]:
    """Each tag in [start, end]: what is stored, and what is in memory only until it is."""
    if end - start <= WHOLE_UP_TO:
        whole = await read_window(tx, tags, start, end)
        stored = {tag: Stretch(series, len(series)) for tag, series in whole.items()}
    else:
        stored = await _minutes(tx, tags, start, end)
    return {tag: _with_memory(stored[tag], pipeline, tag, start, end) for tag in tags}


def _with_memory(
    stored: Stretch, pipeline: Pipeline | None, tag: int, start: datetime, end: datetime
) -> Stretch:
    """Memory counts from the last stored sample on; where nothing is stored, all of it."""
    if pipeline is None:
        return stored
    recent = pipeline.recent.window(tag, start, end)
    known = int(stored.series.time[-1]) if len(stored.series) else -1
    fresh = int(np.searchsorted(recent.time, known, side="right"))
    newer = Series(recent.time[fresh:], recent.value[fresh:], recent.quality[fresh:])
    return Stretch(joined(stored.series, newer), stored.samples + len(newer))


async def _minutes(tx: Tx, tags: Sequence[int], start: datetime, end: datetime) -> dict[int, Stretch]:
    """Two values of each stored minute: the lowest at its first sample, the highest at its last."""
    asked = {"tags": list(tags), "start": start - CHUNK, "end": end}
    rows: dict[int, list[tuple[int, float]]] = {tag: [] for tag in tags}
    samples = dict.fromkeys(tags, 0)
    for tag, t0, first, last, count, low, high in await tx.session.execute(MINUTES, asked):
        samples[tag] += count
        if low is None:
            continue
        begin = to_micros(t0)
        rows[tag] += [(begin + first, low), (begin + max(last, first + 1), high)]
    return {tag: Stretch(_series(rows[tag]).between(start, end), samples[tag]) for tag in tags}


def _series(rows: Sequence[tuple[int, float]]) -> Series:
    if not rows:
        return Series.empty()
    time, value = (np.array(column) for column in zip(*rows, strict=True))
    order = np.argsort(time, kind="stable")
    quality = np.zeros(len(order), np.uint8)
    return Series(time[order].astype(np.int64), value[order].astype(np.float64), quality)
