"""Sparklines: the last hour of a signal against its expected range, as SVG paths."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from optria.web.twin_page_model import SignalView

WIDTH: Final = 92
HEIGHT: Final = 28
SPAN_MS: Final = 3_600_000
_PAD: Final = 3.0

Dot = tuple[float, float]


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
    """The sparkline of ``signal.history``; a missing value is a break in the line, never bridged."""
    known = [value for _time, value in signal.history if value is not None]
    if not known:
        return Sparkline()
    low, high = _bounds(signal, known)
    runs = list(_runs(signal, now_ms, low, high))
    kinds = [k for k, _path in runs]
    last_time, last_value = signal.history[-1]
    return Sparkline(
        band=_band(signal, low, high),
        line=_joined(runs, "normal"),
        outside=_joined(runs, "outside"),
        alarms=tuple((s, _joined(runs, s)) for s in ("minor", "major", "critical") if s in kinds),
        last=None if last_value is None else (_x(last_time, now_ms), _y(last_value, low, high)),
        state="normal" if last_value is None else signal.alarm_of(last_value),
    )


def _bounds(signal: SignalView, known: list[float]) -> tuple[float, float]:
    marks = [*known, *(v for v in (signal.normal_low, signal.normal_high) if v is not None)]
    low, high = min(marks), max(marks)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _x(time_ms: int, now_ms: int) -> float:
    return round(min(1.0, max(0.0, 1 - (now_ms - time_ms) / SPAN_MS)) * (WIDTH - _PAD), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(_PAD + (1 - (value - low) / (high - low)) * (HEIGHT - 2 * _PAD), 1)


def _band(signal: SignalView, low: float, high: float) -> tuple[float, float] | None:
    if signal.normal_low is None or signal.normal_high is None:
        return None
    top, bottom = _y(signal.normal_high, low, high), _y(signal.normal_low, low, high)
    return top, round(max(1.0, bottom - top), 1)


def _kind(signal: SignalView, value: float) -> str:
    alarm = signal.alarm_of(value)
    if alarm not in ("normal", "info"):
        return alarm
    below = signal.normal_low is not None and value < signal.normal_low
    above = signal.normal_high is not None and value > signal.normal_high
    return "outside" if below or above else "normal"


def _runs(signal: SignalView, now_ms: int, low: float, high: float) -> Iterable[tuple[str, list[Dot]]]:
    """Consecutive segments of one kind; a segment takes the kind of its later end."""
    run: list[Dot] = []
    kind = ""
    for (time_a, a), (time_b, b) in itertools.pairwise(signal.history):
        if a is None or b is None:
            if run:
                yield kind, run
            run, kind = [], ""
            continue
        start, end = (_x(time_a, now_ms), _y(a, low, high)), (_x(time_b, now_ms), _y(b, low, high))
        if _kind(signal, b) != kind:
            if run:
                yield kind, run
            kind, run = _kind(signal, b), [start]
        run.append(end)
    if run:
        yield kind, run


def _joined(runs: list[tuple[str, list[Dot]]], kind: str) -> str:
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in run) for k, run in runs if k == kind)
