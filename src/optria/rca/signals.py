"""The sensor data of a case on one grid: a reference before the fault, and what came after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import Quality, SignalMapping, to_micros
from optria.rca.case import Case, Series
from optria.rca.rules import Place

Floats = NDArray[np.float64]

SECOND = 1_000_000
MIN_STEP_S = 10.0
SETTLED = timedelta(minutes=15)
"""How much of the time after the anchor shapes the pattern: beyond it, people act."""
SETTLED_BINS = 90
"""A slow process, scanned by the minute, takes as many bins to show itself."""
_LONG_REFERENCE_S = 900.0
_MIN_REFERENCE_BINS = 12
MAX_BINS = 2000
_SHORTEST_AFTER = 2

Trouble = Literal["bad", "stale", "frozen"]


@dataclass(frozen=True, slots=True)
class TagSignal:
    """One tag of the case: where it stands, whether it can be trusted, and its three channels.

    ``z`` float64[bins] is the value in standard deviations of its reference; ``level`` and ``slope`` are
    the mean and the change of ``z`` after the anchor, ``noise`` the log ratio of difference-variance (or of
    the way gone to and fro) in units of its sampling error. ``reference`` and ``after`` are means,
    ``spread`` is the deviation, in the tag's unit.
    """

    mapping: SignalMapping
    at: Place
    z: Floats
    level: float
    slope: float
    noise: float
    reference: float
    spread: float
    after: float
    trouble: Trouble | None = None

    @property
    def values(self) -> Floats:
        """Means of the bins in the tag's unit."""
        return self.reference + self.z * self.spread

    def value_at(self, row: int) -> float:
        """Mean of a bin in the tag's unit."""
        return self.reference + float(self.z[row]) * self.spread


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """All tags on one grid. ``time`` int64[bins] µs is the end of each bin; rows before ``reference_end``
    are the reference, rows from ``after_start`` to ``after_end`` what the pattern is read from.
    """

    tags: tuple[TagSignal, ...]
    time: NDArray[np.int64]
    reference_end: int
    after_start: int
    after_end: int

    @property
    def step(self) -> timedelta:
        """Length of a bin."""
        return timedelta(microseconds=int(self.time[1] - self.time[0]) if len(self.time) > 1 else 0)

    @property
    def own(self) -> tuple[TagSignal, ...]:
        return tuple(t for t in self.tags if t.at == "own")


@dataclass(frozen=True, slots=True)
class _Grid:
    start: int
    step: int
    bins: int
    reference_end: int
    after_start: int
    after_end: int

    def bin_of(self, time: NDArray[np.int64]) -> NDArray[np.int64]:
        return (time - self.start - 1) // self.step

    def edge(self, row: int) -> int:
        return self.start + row * self.step


def read_signals(case: Case, series: Sequence[Series]) -> Signals | None:
    """The tags of the asset and its neighbours on a grid; None where no reference can be had."""
    placed = [(s, at) for s in series if len(s.time) and (at := place_of(case, s.mapping.asset_id))]
    if not placed:
        return None
    grid = _grid(case, [s for s, _ in placed])
    if grid is None:
        return None
    tags = (_tag_signal(s, at, grid) for s, at in placed)
    kept = tuple(tag for tag in tags if tag is not None)
    time = grid.start + grid.step * np.arange(1, grid.bins + 1, dtype=np.int64)
    return Signals(kept, time, grid.reference_end, grid.after_start, grid.after_end) if kept else None


def step_s(scan_s: float) -> float:
    """Length of a bin for tags that are scanned so often, s; longer only where there are MAX_BINS of them."""
    return max(MIN_STEP_S, scan_s)


def bin_means(value: Floats, where: NDArray[np.int64], bins: int) -> Floats:
    """Mean per bin; an empty bin repeats the one before it."""
    count = np.bincount(where, minlength=bins)
    total = np.bincount(where, weights=value, minlength=bins)
    filled = np.flatnonzero(count)
    source = np.maximum.accumulate(np.where(count > 0, np.arange(bins), filled[0]))
    means: Floats = total[source] / count[source]
    return means


def place_of(case: Case, asset_id: int | None) -> Place | None:
    """Own, up or down the process; None for an asset that is neither."""
    if asset_id == case.asset.id:
        return "own"
    if asset_id in case.upstream:
        return "up"
    return "down" if asset_id in case.downstream else None


def _grid(case: Case, series: Sequence[Series]) -> _Grid | None:
    """Bins end at ``now`` (or the window's end), so that the newest samples fill a whole bin."""
    end = to_micros(min(case.now, case.window.end))
    begin = min(int(s.time[0]) for s in series)
    scan_s = float(np.median([s.mapping.scan_s for s in series]))
    step = int(max(step_s(scan_s), (end - begin) / SECOND / MAX_BINS) * SECOND)
    bins = (end - begin) // step
    start = end - bins * step
    anchor = to_micros(case.anchor.time)
    reference = (_reference_end(case, begin) - start) // step
    if reference < _MIN_REFERENCE_BINS or bins <= reference:
        return None
    shortest = min(_SHORTEST_AFTER, max(1, bins - reference))
    settled = max(SETTLED // timedelta(microseconds=1), SETTLED_BINS * step)
    after_end = min(bins, (anchor + settled - start) // step)
    after_end = max(after_end, reference + 1)
    after_start = max(reference, min((anchor - start) // step, after_end - shortest))
    return _Grid(start, step, int(bins), int(reference), int(after_start), int(after_end))


def _reference_end(case: Case, begin: int) -> int:
    """The window's start where 15 min lie before it; else up to shortly before the first onset."""
    start, anchor = to_micros(case.window.start), to_micros(case.anchor.time)
    if start - begin >= _LONG_REFERENCE_S * SECOND:
        return start
    onsets = [to_micros(c.first_onset) for c in case.anchor.contributions if c.first_onset]
    earliest = min([anchor, *onsets])
    guard = min(120 * SECOND, (anchor - begin) // 5)
    return max(min(earliest, anchor) - guard, begin + (anchor - begin) // 2)


def _tag_signal(series: Series, at: Place, grid: _Grid) -> TagSignal | None:
    good = (series.quality != Quality.BAD) & np.isfinite(series.value)
    time, value = series.time[good], series.value[good]
    where = grid.bin_of(time)
    inside = (where >= 0) & (where < grid.bins)
    time, value, where = time[inside], value[inside], where[inside]
    if not np.any(where < grid.reference_end):
        return None
    binned = bin_means(value, where, grid.bins)
    reference = binned[: grid.reference_end]
    mean, spread = float(reference.mean()), _spread(reference, series.mapping)
    z = (binned - mean) / spread
    after = z[grid.after_start : grid.after_end]
    before_value, after_value = value[where < grid.reference_end], _after(value, where, grid)
    return TagSignal(
        mapping=series.mapping,
        at=at,
        z=z,
        level=float(after.mean()),
        slope=_slope(after),
        noise=_unrest(_noise(before_value, after_value, series.mapping), z[: grid.reference_end], after),
        reference=mean,
        spread=spread,
        after=float(binned[grid.after_start : grid.after_end].mean()),
        trouble=_trouble(series, time, after_value, before_value, grid),
    )


def _after(value: Floats, where: NDArray[np.int64], grid: _Grid) -> Floats:
    return value[(where >= grid.after_start) & (where < grid.after_end)]


def _spread(reference: Floats, mapping: SignalMapping) -> float:
    """Standard deviation, at least what the instrument resolves and a fiftieth of the normal range."""
    span = (mapping.high - mapping.low) if mapping.high is not None and mapping.low is not None else 0.0
    step = 0.3 * 10.0**-mapping.decimals if mapping.decimals is not None else 0.0
    usual = _normal_span(mapping)
    smallest = max(0.0005 * span, 0.02 * usual, step if not span else 0.0)
    return max(float(reference.std()), smallest, 1e-9 * (1.0 + abs(float(reference.mean()))))


def _normal_span(mapping: SignalMapping) -> float:
    if mapping.normal_low is None or mapping.normal_high is None:
        return 0.0
    return mapping.normal_high - mapping.normal_low


def _slope(after: Floats) -> float:
    """Change over the period by least squares, in half standard deviations (what slow noise does)."""
    if len(after) < 3:
        return 0.0
    x = np.arange(len(after)) - (len(after) - 1) / 2
    return float(x @ after / (x @ x) * (len(after) - 1)) / 2.0


def _noise(before: Floats, after: Floats, mapping: SignalMapping) -> float:
    """Log ratio of the variance of first differences, in units of 0.3 (its error with 50 samples)."""
    if len(before) < 10 or len(after) < 5:
        return 0.0
    step = 0.3 * 10.0**-mapping.decimals if mapping.decimals is not None else 0.0
    floor = 0.02 * max(step * step, 1e-12 * (1.0 + float(before.mean()) ** 2))
    ratio = np.log((np.diff(after).var() + floor) / (np.diff(before).var() + floor))
    return float(np.clip(ratio, -6.0, 6.0)) / 0.3


def _unrest(noise: float, before: Floats, after: Floats) -> float:
    """The larger of the fast noise and a slow swing: the way gone to and fro, beyond what leads anywhere."""
    if len(after) < 12:
        return noise
    way = np.abs(np.diff(after)).sum() - abs(after[-1] - after[0])
    usual = np.abs(np.diff(before)).mean() + 0.1
    swing = 2.0 * float(np.log(max(way, 1e-9) / (len(after) - 1) / usual)) / 0.3
    return max(noise, min(swing, 20.0)) if swing > 0.0 else noise


def _trouble(
    series: Series, good_time: NDArray[np.int64], after: Floats, before: Floats, grid: _Grid
) -> Trouble | None:
    """Bad: most samples after the anchor; stale: none lately; frozen: flat where it was not before."""
    start, end = grid.edge(grid.after_start), grid.edge(grid.after_end)
    recent = (series.time > start) & (series.time <= end)
    bad = recent & (series.quality == Quality.BAD)
    if recent.any() and bad.sum() > 0.5 * recent.sum():
        return "bad"
    patience = max(10 * series.mapping.scan_s, 30.0) * SECOND
    if end - int(good_time[good_time <= end][-1]) > patience:
        return "stale"
    flat = len(after) >= 20 and bool(np.all(after[len(after) // 3 :] == after[-1]))
    moved = len(before) > 1 and float(np.mean(np.diff(before) == 0.0)) < 0.8
    return "frozen" if flat and moved else None
