"""The time axis of the flight recorder and its lanes of events, as positions in thousandths of the window."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from optria.core.event import EventWindow

WIDTH: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of the time axis: whole minutes from the anchor."""

    x: float
    minutes: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An event in its lane."""

    x: float
    severity: str
    summary: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Lane:
    """One kind of event over the window."""

    key: str
    marks: tuple[Mark, ...]


def across(time: datetime, window: EventWindow) -> float:
    """Thousandths of the window at ``time``, held inside it."""
    span = (window.end - window.start).total_seconds() or 1.0
    share = (time - window.start).total_seconds() / span
    return round(min(1.0, max(0.0, share)) * WIDTH, 1)


def ticks(anchor: datetime, window: EventWindow) -> tuple[Tick, ...]:
    """Labels of round minutes before and after the anchor: about seven over the window."""
    before = (anchor - window.start).total_seconds() / 60
    after = (window.end - anchor).total_seconds() / 60
    step = next((s for s in (1, 2, 5, 10, 15, 30, 60, 120) if (before + after) / s <= 7), 240)
    minutes = range(-int(before // step) * step, int(after // step) * step + 1, step)
    scale = WIDTH / max(before + after, 1e-9)
    return tuple(Tick(round((before + minute) * scale, 1), minute) for minute in minutes)


NOTE: Final = "NOTE"
"""The source type of what a person wrote down about an incident."""
LANES: Final = ("anomalies", "alarms", "process", "operator", "maintenance")
_LANE_OF: Final = {
    "AI_OUTPUT": "anomalies",
    "ALERT": "alarms",
    "FAILURE": "alarms",
    "SENSOR": "alarms",
    "OPERATOR_ACTION": "operator",
    "MAINTENANCE": "maintenance",
}


def lane_of(category: str, source_type: str) -> str:
    """The lane an event belongs in, from its category and source type."""
    if source_type == "ANOMALY":
        return "anomalies"
    if source_type == NOTE:
        return "operator"
    return _LANE_OF.get(category, "process")


@dataclass(frozen=True, slots=True)
class LaneEvent:
    """What the lanes need of an event."""

    time: datetime
    severity: str
    category: str
    source_type: str
    summary: str


def draw_lanes(events: Iterable[LaneEvent], window: EventWindow) -> tuple[Lane, ...]:
    """The five lanes in their order, each with its events in the window."""
    marks: dict[str, list[Mark]] = {key: [] for key in LANES}
    for event in sorted(events, key=lambda e: e.time):
        if event.time in window:
            mark = Mark(across(event.time, window), event.severity, event.summary, event.time)
            marks[lane_of(event.category, event.source_type)].append(mark)
    return tuple(Lane(key, tuple(marks[key])) for key in LANES)
