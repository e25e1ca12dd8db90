"""One timeline of everything that happened: UTC, clock drift removed, sorted."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from optria.core.event import EventCategory, EventWindow, Severity
from optria.core.tag import EPOCH, Quality, Sample, from_micros, to_micros
from optria.rca.case import Case, EntryKind, MaintenanceLog, RawEntry, RawTime, Series

_OWN_CATEGORIES = frozenset({EventCategory.AI_OUTPUT.value, EventCategory.SYSTEM.value, "PREDICTION"})
_OWN_SOURCE_TYPES = frozenset({"AI_PREDICTION", "ANALYSIS", "NOTIFICATION", "SYSTEM_EVENT"})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event or maintenance log at ``time`` (aware UTC); ``drift_s`` was subtracted from its clock."""

    time: datetime
    kind: EntryKind
    source: str
    summary: str
    severity: Severity
    category: str
    asset_id: int | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    drift_s: float = 0.0
    source_type: str = "ALERT"
    id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The unified timeline T: ``time`` int64[n] µs UTC ascending; equal times keep the order of arrival.

    ``row`` int64[n] points into ``entries``, and from ``len(entries)`` on into the samples of ``series``
    one after the other, so that 100,000 samples need no object each.
    """

    time: NDArray[np.int64]
    row: NDArray[np.int64]
    entries: tuple[TimelineEntry, ...]
    series: tuple[Series, ...]
    malformed: tuple[str, ...] = ()
    drift_s: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[TimelineEntry | Sample]:
        return (self._at(int(row)) for row in self.row)

    def inside(self, window: EventWindow) -> "Timeline":
        """E: every entry and sample inside the closed window."""
        first = int(np.searchsorted(self.time, to_micros(window.start), "left"))
        last = int(np.searchsorted(self.time, to_micros(window.end), "right"))
        kept = slice(first, last)
        return Timeline(
            self.time[kept], self.row[kept], self.entries, self.series, self.malformed, self.drift_s
        )

    @property
    def events(self) -> tuple[TimelineEntry, ...]:
        """The entries that are not samples, in order of time."""
        return tuple(self.entries[row] for row in self.row[self.row < len(self.entries)])

    @property
    def sample_count(self) -> int:
        return int((self.row >= len(self.entries)).sum())

    def _at(self, row: int) -> TimelineEntry | Sample:
        if row < len(self.entries):
            return self.entries[row]
        row -= len(self.entries)
        for series in self.series:
            if row < len(series.time):
                quality = Quality(int(series.quality[row]))
                time = from_micros(int(series.time[row]))
                return Sample(series.mapping.id, time, float(series.value[row]), quality)
            row -= len(series.time)
        raise IndexError(row)


def build_timeline(case: Case) -> Timeline:
    """Merge events, sensor data and maintenance logs; what has no readable time is named, never raised."""
    raw = [*case.events, *(_of_log(log) for log in case.maintenance)]
    entries: list[TimelineEntry] = []
    malformed: list[str] = []
    for entry in raw:
        try:
            entries.append(align(entry, case.clock_drift_s, case.time_zones, case.time_zone))
        except (ValueError, OverflowError, TypeError, ZoneInfoNotFoundError) as error:
            malformed.append(f"{entry.kind} of {entry.source or 'an unnamed source'}: {error}")
    series = tuple(_without_drift(one, case.clock_drift_s) for one in case.series)
    drifts = {name: drift for name, drift in case.clock_drift_s.items() if drift}
    return merge(entries, series, tuple(malformed), drifts)


def merge(
    entries: Sequence[TimelineEntry],
    series: Sequence[Series],
    malformed: tuple[str, ...] = (),
    drift_s: Mapping[str, float] | None = None,
) -> Timeline:
    """One timeline of aligned parts; its length is the sum of theirs."""
    times = [np.array([to_micros(e.time) for e in entries], np.int64), *(s.time for s in series)]
    time = np.concatenate(times)
    order = np.argsort(time, kind="stable")
    return Timeline(time[order], order, tuple(entries), tuple(series), malformed, drift_s or {})


def align(
    entry: RawEntry, drift_s: Mapping[str, float], zones: Mapping[str, str], site_zone: str = "UTC"
) -> TimelineEntry:
    """The entry at its true UTC instant: read in its source's zone, less what the clock is ahead.

    Raises ValueError, OverflowError, TypeError or ZoneInfoNotFoundError for a time that cannot be read.
    """
    drift = float(drift_s.get(entry.source, 0.0))
    time = to_utc(entry.time, zones.get(entry.source, site_zone)) - timedelta(seconds=drift)
    return TimelineEntry(
        time=time,
        kind=entry.kind,
        source=entry.source,
        summary=entry.summary,
        severity=entry.severity,
        category=str(entry.category),
        asset_id=entry.asset_id,
        payload=entry.payload,
        drift_s=drift,
        source_type=entry.source_type,
        id=entry.id,
    )


def to_utc(time: RawTime, zone: str = "UTC") -> datetime:
    """The instant of a time: an aware or naive datetime, ISO 8601 text, or milliseconds since 1970.

    Naive times are local to ``zone`` (of two possible instants at the end of summer time, the first).
    """
    if isinstance(time, bool):
        raise TypeError(f"{time} is no time")
    if isinstance(time, str):
        time = float(time) if _is_number(time) else datetime.fromisoformat(time.strip())
    if isinstance(time, int | float):
        if not math.isfinite(time):
            raise ValueError(f"{time} is no time")
        return EPOCH + timedelta(microseconds=round(time * 1000))
    if not isinstance(time, datetime):
        raise TypeError(f"{time!r} is no time")
    if time.tzinfo is None:
        time = time.replace(tzinfo=ZoneInfo(zone))
    return time.astimezone(UTC)


def is_evidence(entry: TimelineEntry) -> bool:
    """Whether the plant or its people said it; what the product itself wrote is never evidence."""
    return entry.category.upper() not in _OWN_CATEGORIES and entry.source_type not in _OWN_SOURCE_TYPES


def _is_number(text: str) -> bool:
    """Whether a text is milliseconds: 11 digits and more, so that the year 2026 stays a year."""
    return text.strip().isdigit() and len(text.strip()) > 10


def _of_log(log: MaintenanceLog) -> RawEntry:
    note = f"{log.code} {log.title}" + (f": {log.failure_note}" if log.failure_note else "")
    return RawEntry(
        source=log.source,
        time=log.time,
        kind="maintenance",
        summary=note,
        category=EventCategory.MAINTENANCE,
        asset_id=log.asset_id,
        source_type="WORK_ORDER",
        id=str(log.id),
    )


def _without_drift(series: Series, drift_s: Mapping[str, float]) -> Series:
    drift = float(drift_s.get(series.source, 0.0)) if series.source else 0.0
    if not drift:
        return series
    time = series.time - round(drift * 1_000_000)
    return Series(series.mapping, time, series.value, series.quality, series.source)
