"""A trend in a few points: the lowest and the highest good value of each bucket, and where data are missing.

Pure: samples in, points out. A gap stays a gap, however few points there are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import Quality, to_micros
from optria.streams.recent import Series

BUCKETS: Final = 300
MOST_POINTS: Final = 2 * BUCKETS
"""Values of one trend at most; the empty values that mark gaps come on top."""

Point = tuple[int, float | None]
"""(epoch milliseconds, value); None where nothing good was measured for too long."""


@dataclass(frozen=True, slots=True)
class Trend:
    """``thinned`` says that the points are lowest and highest values of buckets, not every sample."""

    points: tuple[Point, ...]
    thinned: bool


def quiet_us(scan_s: float) -> int:
    """How long a signal may say nothing before that is a gap: the age at which its value is stale."""
    return int(2e6 * max(3 * scan_s, 5.0))


def trend_of(series: Series, start: datetime, end: datetime, gap_us: int) -> Trend:
    """At most :data:`MOST_POINTS` values of the good samples of ``series``, which ascend by time."""
    good = (series.quality != Quality.BAD) & np.isfinite(series.value)
    time, value = series.time[good], series.value[good]
    thinned = len(time) > MOST_POINTS
    span = to_micros(start), to_micros(end)
    kept = _extremes(time, value, span, gap_us) if thinned else np.arange(len(time))
    return Trend(_with_gaps(time, value, kept, gap_us), thinned)


def _extremes(
    time: NDArray[np.int64], value: NDArray[np.float64], span_us: tuple[int, int], gap_us: int
) -> NDArray[np.intp]:
    """Positions of the lowest and the highest value of each bucket, ascending.

    A bucket with a gap inside counts as two, unless a trend is all gaps: then gaps shorter than a bucket are
    not shown.
    """
    start_us, end_us = span_us
    width = max(1, -(-(end_us - start_us + 1) // BUCKETS))
    bucket = (time - start_us) // width
    torn = np.r_[0, np.cumsum(np.diff(time) > gap_us)]
    group = np.r_[0, np.cumsum((np.diff(bucket) != 0) | (np.diff(torn) != 0))]
    if group[-1] >= BUCKETS:
        group = np.r_[0, np.cumsum(np.diff(bucket) != 0)]
    order = np.lexsort((value, group))
    first = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    last = np.r_[first[1:] - 1, len(order) - 1]
    return np.unique(order[np.r_[first, last]])


def _with_gaps(
    time: NDArray[np.int64], value: NDArray[np.float64], kept: NDArray[np.intp], gap_us: int
) -> tuple[Point, ...]:
    """The kept samples as points, an empty one wherever samples were missing between two of them."""
    torn = np.r_[0, np.cumsum(np.diff(time) > gap_us)] if len(time) else np.empty(0, np.intp)
    points: list[Point] = []
    before = None
    for ms, number, part in zip(
        (time[kept] // 1000).tolist(), value[kept].tolist(), torn[kept].tolist(), strict=True
    ):
        if before is not None and part != before:
            points.append((points[-1][0] + 1, None))
        points.append((ms, number))
        before = part
    return tuple(points)
