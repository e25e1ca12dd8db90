"""The flight recorder of an incident: its trends and event lanes over the window, as geometry.

Pure: samples and events in, positions out. Across, everything is in thousandths of the window; upwards a
track is ``HEIGHT`` units high. A gap in the samples is a gap in the line, never a straight stroke.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import Threshold
from optria.core.event import EventWindow
from optria.core.tag import Quality, SampleBatch, SignalMapping, to_micros
from optria.web.incidents.incident_lanes import WIDTH, Lane, Mark, Tick
from optria.web.page_words import signal_name

HEIGHT: Final = 72.0
MAX_POINTS: Final = 420
TEXT_HEIGHT: Final = 11.0
_RANK: Final = ("normal", "out", "minor", "major", "critical")


@dataclass(frozen=True, slots=True)
class Stroke:
    """A piece of a trend in one state: normal, out (of the expected range), minor, major or critical."""

    state: str
    path: str


@dataclass(frozen=True, slots=True)
class LimitLine:
    """An approved limit, drawn where it lies in the track; its text at ``text_y``, clear of the others'."""

    severity: str
    direction: str
    value: float
    y: float
    text_y: float


@dataclass(frozen=True, slots=True)
class Band:
    """The expected range in values, and its place in the track."""

    low: float
    high: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Track:
    """One signal over the window; ``points`` are (thousandths of the window, value) for reading off,
    with their ``states``."""

    tag: int
    label: str
    instrument: str
    unit: str
    decimals: int | None
    band: Band | None
    limits: tuple[LimitLine, ...]
    strokes: tuple[Stroke, ...]
    last: float | None
    state: str
    points: tuple[tuple[float, float], ...]
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything the recorder draws. ``now_x`` is None once the window has closed."""

    anchor_x: float
    now_x: float | None
    ticks: tuple[Tick, ...]
    lanes: tuple[Lane, ...]
    tracks: tuple[Track, ...]

    @property
    def listed(self) -> list[tuple[str, Mark]]:
        """The events of every lane by time, each with the key of its lane."""
        marks = [(lane.key, mark) for lane in self.lanes for mark in lane.marks]
        return sorted(marks, key=lambda pair: pair[1].time)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values of a track to heights in it, upside down as SVG has it."""

    low: float
    high: float

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low or 1.0)
        return round(HEIGHT - 4 - min(1.02, max(-0.02, share)) * (HEIGHT - 8), 1)


def _scale(mapping: SignalMapping, values: NDArray[np.float64], limits: Sequence[Threshold]) -> _Scale:
    """Holds the data and the expected range, and those limits that are near enough to matter."""
    shown = [v for v in (mapping.normal_low, mapping.normal_high) if v is not None]
    if len(values):
        shown += [float(values.min()), float(values.max())]
    if not shown:
        return _Scale(0.0, 1.0)
    low, high = min(shown), max(shown)
    reach = 0.6 * ((high - low) or abs(high) or 1.0)
    near = [t.limit for t in limits if low - reach <= t.limit <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.1 * ((high - low) or abs(high) or 1.0)
    return _Scale(low - pad, high + pad)


def state_of(value: float, mapping: SignalMapping, limits: Iterable[Threshold]) -> str:
    """normal, out, or the worst severity whose limit ``value`` is beyond."""
    beyond = [
        t.severity.name.lower()
        for t in limits
        if (value > t.limit if t.direction == "high" else value < t.limit)
    ]
    known = [_RANK.index("minor" if word == "warning" else word) for word in beyond if word != "info"]
    if known:
        return _RANK[max(known)]
    low, high = mapping.normal_low, mapping.normal_high
    out = (low is not None and value < low) or (high is not None and value > high)
    return "out" if out else "normal"


def usable(batch: SampleBatch, tag: int, window: EventWindow) -> SampleBatch:
    """The samples of one tag that are measurements and inside the window, by time."""
    start, end = to_micros(window.start), to_micros(window.end)
    mask = (batch.tag == tag) & (batch.quality != Quality.BAD) & np.isfinite(batch.value)
    mask &= (batch.source_time >= start) & (batch.source_time <= end)
    chosen = batch.select(mask)
    return chosen.select(np.argsort(chosen.source_time, kind="stable"))


def thinned(batch: SampleBatch, most: int = MAX_POINTS) -> SampleBatch:
    """At most about ``most`` rows: the lowest and the highest of each bucket, in time order."""
    if len(batch) <= most:
        return batch
    rows: list[int] = []
    for bucket in np.array_split(np.arange(len(batch)), most // 2):
        values = batch.value[bucket]
        rows += sorted({int(bucket[int(values.argmin())]), int(bucket[int(values.argmax())])})
    return batch.select(np.array(rows, np.intp))


def _strokes(
    points: Sequence[tuple[float, float, int]], states: Sequence[str], scale: _Scale, gap_us: float
) -> tuple[Stroke, ...]:
    """The line cut where the state changes (the pieces share a point) and where samples are missing."""
    pieces: list[Stroke] = []
    path = ""
    for i, (x, value, micros) in enumerate(points):
        here = f"{x:g} {scale.y(value):g}"
        torn = i == 0 or micros - points[i - 1][2] > gap_us
        if torn:
            if path:
                pieces.append(Stroke(states[i - 1], path))
            path = f"M{here}"
            continue
        path += f"L{here}"
        if states[i] != states[i - 1]:
            worse = max(states[i], states[i - 1], key=_RANK.index)
            pieces.append(Stroke(states[i - 1] if worse != states[i - 1] else worse, path))
            path = f"M{here}"
    if path:
        pieces.append(Stroke(states[-1], path))
    return tuple(piece for piece in pieces if "L" in piece.path)


def draw_track(
    mapping: SignalMapping,
    limits: Sequence[Threshold],
    batch: SampleBatch,
    window: EventWindow,
    label: str = "",
) -> Track:
    """One signal of ``batch`` over the window, with its expected range and its limits."""
    samples = usable(batch, mapping.id, window)
    scale = _scale(mapping, samples.value, limits)
    thin = thinned(samples)
    span_us = max(1, to_micros(window.end) - to_micros(window.start))
    start_us = to_micros(window.start)
    points = [
        (round((int(t) - start_us) / span_us * WIDTH, 1), float(v), int(t))
        for t, v in zip(thin.source_time, thin.value, strict=True)
    ]
    states = [state_of(value, mapping, limits) for _, value, _ in points]
    gap_us = max(5 * mapping.scan_s * 1e6, 4 * span_us / MAX_POINTS)
    return Track(
        tag=mapping.id,
        label=label or signal_name(mapping.description, mapping.metric, "en"),
        instrument=mapping.instrument,
        unit="" if mapping.unit == "-" else mapping.unit,
        decimals=mapping.decimals,
        band=_band(mapping, scale),
        limits=_limit_lines(limits, scale),
        strokes=_strokes(points, states, scale, gap_us) if points else (),
        last=float(samples.value[-1]) if len(samples) else None,
        state=state_of(float(samples.value[-1]), mapping, limits) if len(samples) else "normal",
        points=tuple((x, value) for x, value, _ in points),
        states=tuple(states),
    )


def _band(mapping: SignalMapping, scale: _Scale) -> Band | None:
    low, high = mapping.normal_low, mapping.normal_high
    if low is None or high is None:
        return None
    top, bottom = scale.y(high), scale.y(low)
    return Band(low, high, top, round(max(1.0, bottom - top), 1))


def _limit_lines(limits: Sequence[Threshold], scale: _Scale) -> tuple[LimitLine, ...]:
    """From the top down: a text sits above its line, below it where there is no room."""
    lines: list[LimitLine] = []
    taken = 0.0
    for limit in sorted(limits, key=lambda t: -t.limit):
        if not scale.low <= limit.limit <= scale.high:
            continue
        y = scale.y(limit.limit)
        text_y = y - 4 if y - 4 - TEXT_HEIGHT >= taken else y + TEXT_HEIGHT
        lines.append(LimitLine(limit.severity.name.lower(), limit.direction, limit.limit, y, text_y))
        taken = max(text_y, y)
    return tuple(lines)
