"""Where an incident begins when no detector has said it: a critical event, else the first anomaly."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.event import Severity
from optria.core.incident import Anchor, Contribution
from optria.core.tag import Quality, from_micros
from optria.rca.case import Series
from optria.rca.timeline import TimelineEntry, is_evidence

AnomalyDetector: TypeAlias = Callable[[int, Sequence[Series]], Anchor | None]
"""From an asset's id and its sensor data to the first significant anomaly."""

Z_LIMIT = 5.0
_PERSISTENCE = 3
_MIN_REFERENCE = 30


def select_anchor(
    asset_id: int,
    events: Iterable[TimelineEntry],
    sensor: Sequence[Series],
    detector: AnomalyDetector | None = None,
) -> Anchor | None:
    """The earliest CRITICAL event of the asset, else what ``detector`` finds first (default: z-score)."""
    critical = [e for e in events if _is_critical(e, asset_id)]
    if critical:
        return _of_event(asset_id, min(critical, key=lambda e: e.time))
    return (detector or first_zscore_anomaly)(asset_id, sensor)


def first_zscore_anomaly(asset_id: int, sensor: Sequence[Series]) -> Anchor | None:
    """The first time a tag stays three samples beyond 5 robust standard deviations of its first third."""
    onsets = [_first_onset(s) for s in sensor if s.mapping.asset_id == asset_id]
    found = sorted((o for o in onsets if o is not None), key=lambda o: (o.first_onset, -o.score))
    if not found or found[0].first_onset is None:
        return None
    score = max(o.score for o in found) / Z_LIMIT
    return Anchor(asset_id, found[0].first_onset, score, score / (1.0 + score), tuple(found), "z-score")


def _first_onset(series: Series) -> Contribution | None:
    good = (series.quality != Quality.BAD) & np.isfinite(series.value)
    value, time = series.value[good], series.time[good]
    reference = value[: len(value) // 3]
    if len(reference) < _MIN_REFERENCE:
        return None
    middle = float(np.median(reference))
    spread = max(1.4826 * float(np.median(np.abs(reference - middle))), 1e-9 * (1.0 + abs(middle)))
    z = (value[len(reference) :] - middle) / spread
    start = _first_run(np.abs(z) > Z_LIMIT)
    if start is None:
        return None
    direction = "high" if z[start] > 0 else "low"
    onset = from_micros(int(time[len(reference) + start]))
    return Contribution(series.mapping.id, float(abs(z[start])), onset, direction)


def _first_run(beyond: NDArray[np.bool_]) -> int | None:
    """Index at which the first run of at least three begins."""
    runs = np.convolve(beyond, np.ones(_PERSISTENCE), "valid") == _PERSISTENCE if len(beyond) >= 3 else []
    starts = np.flatnonzero(runs)
    return int(starts[0]) if len(starts) else None


def _is_critical(entry: TimelineEntry, asset_id: int) -> bool:
    mine = entry.asset_id == asset_id and entry.kind == "event"
    return mine and entry.severity >= Severity.CRITICAL and is_evidence(entry)


def _of_event(asset_id: int, entry: TimelineEntry) -> Anchor:
    tag = entry.payload.get("tag_id")
    direction = str(entry.payload.get("direction", "high"))
    parts = (Contribution(tag, 1.0, entry.time, direction),) if isinstance(tag, int) else ()
    return Anchor(asset_id, entry.time, 1.0, 1.0, parts, "critical event")
