"""Normal operation out of recordings: on an even grid, as a baseline learns it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np

from optria.backtest.recording import Floats, Recording, columns_of
from optria.core.tag import to_micros
from optria.rca.baseline import SUM_BINS, Baseline, learn_baseline, summed
from optria.rca.signals import bin_means

MICROSECOND = timedelta(microseconds=1)
GUARD_ROWS = 20
"""Rows before an anchor that may already deviate."""
GUARD_SHARE = 10
SPAN_BINS = 360
LARGE, QUIET = 10.0, 1.5
"""Mean square of the tags' surprises: more than LARGE counts as LARGE, less than QUIET against."""


def baseline_of(
    names: Sequence[str], step: timedelta, runs: Sequence[Recording], metric: Callable[[str], str]
) -> Baseline | None:
    """Learned from the tags ``names`` of all runs; None where there is too little of them."""
    return learn_baseline([metric(name) for name in names], step, [gridded(run, names, step) for run in runs])


def rows_before(recording: Recording, anchor: datetime) -> Recording:
    """What ran before an anchor, less some rows in which it may have begun."""
    before = int(np.searchsorted(recording.time, to_micros(anchor)))
    return recording.rows(0, max(0, before - max(GUARD_ROWS, before // GUARD_SHARE)))


def gridded(recording: Recording, names: Sequence[str], step: timedelta) -> Floats:
    """Means of bins of ``step``, float64[bins, tags]; the last bin ends at the last row."""
    if not len(recording):
        return np.zeros((0, len(names)))
    size = step // MICROSECOND
    end = int(recording.time[-1])
    bins = (end - int(recording.time[0])) // size + 1
    where = (recording.time - (end - bins * size) - 1) // size
    value = columns_of(recording, names)
    gridded = np.full((bins, len(names)), np.nan)
    for column in range(len(names)):
        there = np.isfinite(value[:, column])
        if there.any():
            gridded[:, column] = bin_means(value[there, column], where[there], bins)
    return gridded


def most_surprising(recording: Recording, normal: Baseline | None, metric: Callable[[str], str]) -> int:
    """µs from which the recording deviates most for a while; two thirds through where nobody can say."""
    if normal is None:
        return int(recording.time[2 * len(recording) // 3])
    tags = {metric(tag): tag for tag in recording.tags}
    value = gridded(recording, [tags[name] for name in normal.names], normal.step)
    size = (summed(normal.surprises(value) / normal.usual) ** 2).mean(axis=1)
    gain = np.concatenate([[0.0], np.cumsum(np.minimum(size, LARGE) - QUIET)])
    begin = np.arange(len(size))
    lasting = gain[np.minimum(begin + SPAN_BINS, len(size))] - gain[begin]
    end = int(recording.time[-1])
    return end - (len(value) - int(lasting.argmax()) - SUM_BINS) * (normal.step // MICROSECOND)
