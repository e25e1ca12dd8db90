"""A back-test as a picture: lanes over the period, positions across in percent of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from optria.backtest.stored import Outcome
from optria.backtest.stored_labels import Label
from optria.backtest.stored_outcome import Incident, Side
from optria.web.backtests.backtest_views import Codes, met

STEPS = tuple(timedelta(hours=h) for h in (0.25, 0.5, 1, 3, 6, 12, 24, 48, 120))
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """One incident of a lane. ``kind`` is a verdict, ``judged``, or ``missed`` (by the draft)."""

    x: float
    kind: str
    time: datetime
    asset: str
    words: str
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """``key`` is ``judged``, ``now`` or ``draft``."""

    key: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    time: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """``gaps`` are the spans (from, width) in percent of which nothing is stored."""

    lanes: tuple[Lane, ...]
    gaps: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]


def picture_of(outcome: Outcome, codes: Codes, time_zone: str) -> Picture:
    """The judged incidents, and what either configuration would have made of the same samples."""
    lanes = (
        Lane("judged", tuple(_judged(label, outcome, codes) for label in outcome.labels)),
        Lane("now", _side(outcome.now, outcome, codes)),
        Lane("draft", _side(outcome.draft, outcome, codes)),
    )
    return Picture(lanes, tuple(_gaps(outcome)), tuple(_ticks(outcome, ZoneInfo(time_zone))))


def _x(outcome: Outcome, at: datetime) -> float:
    whole = outcome.asked.end - outcome.asked.start
    return min(100.0, max(0.0, 100.0 * ((at - outcome.asked.start) / whole)))


def _judged(label: Label, outcome: Outcome, codes: Codes) -> Mark:
    kind = "false" if label.is_false else "judged" if met(label, outcome.draft) else "missed"
    asset = codes.get(label.asset_id, "")
    return Mark(_x(outcome, label.start), kind, label.start, asset, label.cause)


def _side(side: Side, outcome: Outcome, codes: Codes) -> tuple[Mark, ...]:
    return tuple(_mark(one, outcome, codes) for one in side.incidents)


def _mark(one: Incident, outcome: Outcome, codes: Codes) -> Mark:
    asset = codes.get(one.asset_id, "")
    return Mark(_x(outcome, one.time), one.verdict, one.time, asset, one.cause, one.ordered is not None)


def _gaps(outcome: Outcome) -> Iterator[tuple[float, float]]:
    edge = outcome.asked.start
    for start, end in (*outcome.recorded, (outcome.asked.end, outcome.asked.end)):
        if start > edge:
            yield _x(outcome, edge), _x(outcome, start) - _x(outcome, edge)
        edge = max(edge, end)


def _ticks(outcome: Outcome, zone: ZoneInfo) -> Iterator[Tick]:
    """At full hours or midnights of the site, at most :data:`MOST_TICKS` of them."""
    start, end = outcome.asked.start.astimezone(zone), outcome.asked.end
    step = _step(end - start)
    at = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while at < end:
        if at >= start:
            yield Tick(_x(outcome, at), at)
        at += step


def _step(whole: timedelta) -> timedelta:
    return next((step for step in STEPS if whole / step <= MOST_TICKS), STEPS[-1])
