"""Latest values and series of signals, from memory and from history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from optria.core.tag import Quality, SignalMapping, from_micros, to_micros
from optria.db.session import Tx
from optria.streams.history import read_window
from optria.streams.recent import Series
from optria.web.services import Services

SHORTEST_STRETCH: Final = timedelta(minutes=10)
LONGEST_STRETCH: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest sample of a tag; ``value`` is None when it is not a number."""

    tag: int
    time: datetime
    value: float | None
    quality: Quality

    def is_fresh(self, scan_s: float, now: datetime) -> bool:
        """Not yet stale: younger than twice the deadline of three scans (at least 5 s)."""
        return (now - self.time).total_seconds() <= 2 * max(3 * scan_s, 5.0)


def latest_readings(services: Services, tenant_id: int, tags: Sequence[int]) -> dict[int, Reading]:
    """The newest sample of each tag that has one, from memory."""
    pipeline = services.pipelines.get(tenant_id)
    if pipeline is None or not tags:
        return {}
    known, wanted = pipeline.live.snapshot(), set(tags)
    return {
        tag: Reading(tag, from_micros(ms * 1000), value if np.isfinite(value) else None, Quality(quality))
        for tag, (value, ms, quality) in known.items()
        if tag in wanted
    }


async def read_series(
    tx: Tx, services: Services, tenant_id: int, tag: int, start: datetime, end: datetime
) -> Series:
    """The samples of a tag in [start, end], oldest first: stored ones, and what is in memory."""
    stored = (await read_window(tx, [tag], start, end))[tag]
    pipeline = services.pipelines.get(tenant_id)
    if pipeline is None:
        return stored
    return joined(stored, pipeline.recent.window(tag, start, end))


async def read_newest(
    tx: Tx,
    services: Services,
    tenant_id: int,
    mapping: SignalMapping,
    start: datetime,
    end: datetime,
    limit: int,
) -> tuple[Series, bool]:
    """The newest ``limit`` samples in [start, end], oldest first, and whether there are older ones.

    Read from the end a stretch at a time: however long the span, little more than asked for is in memory.
    """
    stretch = min(max(limit * timedelta(seconds=mapping.scan_s), SHORTEST_STRETCH), LONGEST_STRETCH)
    found, until = Series.empty(), end
    while len(found) <= limit and until >= start:
        since = max(start, until - stretch)
        found = joined(await read_series(tx, services, tenant_id, mapping.id, since, until), found)
        until, stretch = since - timedelta(microseconds=1), min(2 * stretch, LONGEST_STRETCH)
    newest = Series(found.time[-limit:], found.value[-limit:], found.quality[-limit:])
    return newest, len(found) > limit


def joined(first: Series, second: Series) -> Series:
    """Both in time order; of two samples with one time that of ``second`` stays."""
    times = np.concatenate([second.time, first.time])
    once, kept = np.unique(times, return_index=True)
    values = np.concatenate([second.value, first.value])
    qualities = np.concatenate([second.quality, first.quality])
    return Series(once, values[kept], qualities[kept])


def thinned(
    series: Series, start: datetime, end: datetime, steps: int
) -> tuple[tuple[int, float | None], ...]:
    """``steps`` means of the good samples, as (epoch ms, value); None where a step has none."""
    edges = np.linspace(to_micros(start), to_micros(end), steps + 1)
    good = (series.quality != Quality.BAD) & np.isfinite(series.value)
    sums, _ = np.histogram(series.time[good], edges, weights=series.value[good])
    counts, _ = np.histogram(series.time[good], edges)
    middles = ((edges[:-1] + edges[1:]) / 2 // 1000).astype(np.int64).tolist()
    return tuple(
        (ms, float(total / count) if count else None)
        for ms, total, count in zip(middles, sums, counts, strict=True)
    )


def reading_json(reading: Reading, mapping: SignalMapping) -> Mapping[str, object]:
    return {
        "value": reading.value,
        "unit": mapping.unit,
        "quality": reading.quality.name.lower(),
        "timestamp": reading.time.isoformat(),
        "tag": mapping.id,
    }


def point_json(micros: int, value: float, quality: int, unit: str) -> Mapping[str, object]:
    return {
        "timestamp": from_micros(micros).isoformat(),
        "value": value if np.isfinite(value) else None,
        "unit": unit,
        "quality": Quality(quality).name.lower(),
    }
