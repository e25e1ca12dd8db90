"""Sparklines: the last hour of a signal against its expected range, as SVG paths."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from optria.core.tag import Quality
from optria.web.twin.twin_page_model import Point, SignalView

WIDTH: Final = 92
HEIGHT: Final = 28
SPAN_MS: Final = 3_600_000
_PAD: Final = 3.0
_BANDS: Final = 3.0
"""Height of the box in widths of the expected range, while the values keep near it."""
_LEAST_BAND: Final = 2.0
_FLAT: Final = 0.1
"""Share of the engineering range that a signal without an expected range is drawn in, at least."""

Dot: TypeAlias = tuple[float, float]
Known: TypeAlias = tuple[float, float]
"""(epoch milliseconds, value)."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Paths in a box of ``WIDTH`` x ``HEIGHT``; empty strings where there is nothing to draw.

    ``band`` is (y, height) of the expected range; ``outside`` the part beyond it that is no alarm.
    """

    band: tuple[float, float] | None = None
    line: str = ""
    outside: str = ""
    alarms: tuple[tuple[str, str], ...] = ()
    last: Dot | None = None
    state: str = "normal"


def draw(signal: SignalView, now_ms: int) -> Sparkline:
    """The sparkline of ``signal.history`` up to the latest value.

    The line covers what is known: a missing value is a break, never bridged. A segment that crosses the
    edge of the expected range or a limit changes its kind there.
    """
    points = [*signal.history, *_latest(signal)]
    known = [value for _time, value in points if value is not None]
    if not known:
        return Sparkline()
    low, high = _bounds(signal, known)
    runs = [
        (kind, [(_x(time, now_ms), _y(value, low, high)) for time, value in run])
        for stretch in _stretches(points)
        for kind, run in _runs(signal, stretch)
    ]
    last_time, last = points[-1]
    return Sparkline(
        band=_band(signal, low, high),
        line=_joined(runs, "normal"),
        outside=_joined(runs, "outside"),
        alarms=tuple((s, path) for s in ("minor", "major", "critical") if (path := _joined(runs, s))),
        last=None if last is None else (_x(last_time, now_ms), _y(last, low, high)),
        state="normal" if last is None else signal.alarm_of(last),
    )


def _latest(signal: SignalView) -> list[Point]:
    """The live value, which is later than the mean of the last step of the history."""
    if signal.value is None or signal.time_ms is None or signal.quality == Quality.BAD:
        return []
    is_later = not signal.history or signal.time_ms > signal.history[-1][0]
    return [(signal.time_ms, signal.value)] if is_later else []


def _bounds(signal: SignalView, known: Sequence[float]) -> tuple[float, float]:
    """The values at the bottom and at the top: the expected range takes the middle third.

    Values that do not fit move the range aside, and only then make it slimmer.
    """
    least, most = min(known), max(known)
    if signal.normal_low is None or signal.normal_high is None or signal.normal_high <= signal.normal_low:
        return _bounds_without_range(signal, least, most)
    width = signal.normal_high - signal.normal_low
    margin = (_BANDS - 1) / 2 * width
    low, high = min(least, signal.normal_low), max(most, signal.normal_high)
    if high > signal.normal_high + margin:
        return min(low, high - _BANDS * width), high
    if low < signal.normal_low - margin:
        return low, max(high, low + _BANDS * width)
    return signal.normal_low - margin, signal.normal_high + margin


def _bounds_without_range(signal: SignalView, least: float, most: float) -> tuple[float, float]:
    """Around the values, not so near that noise looks like a change."""
    marks = (signal.range_low, signal.range_high)
    whole = 0.0 if None in marks else (signal.range_high or 0.0) - (signal.range_low or 0.0)
    room = max((_FLAT * whole - (most - least)) / 2, 0.0)
    if most - least + room <= 0:
        room = 1.0
    return least - room, most + room


def _x(time_ms: float, now_ms: int) -> float:
    return round(min(1.0, max(0.0, 1 - (now_ms - time_ms) / SPAN_MS)) * (WIDTH - _PAD), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(_PAD + (1 - (value - low) / (high - low)) * (HEIGHT - 2 * _PAD), 1)


def _band(signal: SignalView, low: float, high: float) -> tuple[float, float] | None:
    if signal.normal_low is None or signal.normal_high is None:
        return None
    top, bottom = _y(signal.normal_high, low, high), _y(signal.normal_low, low, high)
    return min(top, HEIGHT - _LEAST_BAND), round(max(_LEAST_BAND, bottom - top), 1)


def _kind(signal: SignalView, value: float) -> str:
    alarm = signal.alarm_of(value)
    if alarm not in ("normal", "info"):
        return alarm
    below = signal.normal_low is not None and value < signal.normal_low
    above = signal.normal_high is not None and value > signal.normal_high
    return "outside" if below or above else "normal"


def _stretches(points: Sequence[Point]) -> Iterable[list[Known]]:
    """The known points between gaps."""
    for _is_known, group in itertools.groupby(points, key=lambda point: point[1] is not None):
        stretch = [(float(time), value) for time, value in group if value is not None]
        if stretch:
            yield stretch


def _runs(signal: SignalView, stretch: Sequence[Known]) -> Iterable[tuple[str, list[Known]]]:
    """Consecutive pieces of one kind; a lone point is a run of no length."""
    if len(stretch) == 1:
        yield _kind(signal, stretch[0][1]), [stretch[0], stretch[0]]
        return
    edges = [e for e in (signal.normal_low, signal.normal_high) if e is not None]
    cut = list(_cut(stretch, [*edges, *(limit for _severity, _side, limit in signal.limits)]))
    for kind, group in itertools.groupby(
        itertools.pairwise(cut), key=lambda pair: _kind(signal, (pair[0][1] + pair[1][1]) / 2)
    ):
        pieces = list(group)
        yield kind, [pieces[0][0], *(end for _start, end in pieces)]


def _cut(stretch: Sequence[Known], edges: Sequence[float]) -> Iterable[Known]:
    """``stretch`` with a point wherever a segment crosses one of ``edges``."""
    for (time_a, a), (time_b, b) in itertools.pairwise(stretch):
        yield time_a, a
        crossed = {edge for edge in edges if min(a, b) < edge < max(a, b)}
        for edge in sorted(crossed, reverse=b < a):
            yield time_a + (time_b - time_a) * (edge - a) / (b - a), edge
    yield stretch[-1]


def _joined(runs: Sequence[tuple[str, list[Dot]]], kind: str) -> str:
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in run) for k, run in runs if k == kind)
