"""Normalise and align: UTC, drift, one sorted timeline."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.event import EventCategory, EventWindow
from optria.core.tag import Sample, to_micros
from optria.rca.case import RawEntry, RawTime, Series
from optria.rca.timeline import TimelineEntry, build_timeline, is_evidence, to_utc
from tests.rca.cases import ANCHOR, case, log, series

RIYADH_NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
AWARE = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2050, 1, 1),  # noqa: DTZ001
    timezones=st.timezones().filter(lambda z: z.key != "localtime"),
)


@pytest.mark.clause("A1")
@pytest.mark.parametrize(
    "time",
    [
        "2026-11-22T12:00:00",
        "2026-11-22 12:00:00",
        datetime(2026, 11, 22, 12, 0),  # noqa: DTZ001
        "2026-11-22T12:00:00+03:00",
        "2026-11-22T09:00:00Z",
        datetime(2026, 11, 22, 12, 0, tzinfo=timezone(timedelta(hours=3))),
        1_795_338_000_000,
        1_795_338_000_000.0,
        "1795338000000",
    ],
)
def test_every_way_to_write_a_time_is_one_instant(time: RawTime) -> None:
    assert to_utc(time, "Asia/Riyadh") == RIYADH_NOON


@pytest.mark.clause("A1")
def test_naive_times_follow_summer_time() -> None:
    summer, winter = (
        to_utc("2026-07-01T12:00:00", "Europe/Berlin"),
        to_utc("2026-12-01T12:00:00", "Europe/Berlin"),
    )
    assert (summer.hour, winter.hour) == (10, 11)


@pytest.mark.clause("A1")
@given(AWARE)
def test_text_and_object_of_a_time_are_the_same_instant(time: datetime) -> None:
    assert to_utc(time) == to_utc(time.astimezone(UTC).isoformat()) == time.astimezone(UTC)


@pytest.mark.clause("A1", "A2")
def test_sources_have_zones_and_drifts_of_their_own() -> None:
    entries = (RawEntry("dcs", "2026-11-22T09:01:30"), RawEntry("cmms", "2026-11-22T01:00:00"))
    timeline = build_timeline(
        case(
            events=entries,
            series=(),
            maintenance=(),
            clock_drift_s={"dcs": 90.0},
            time_zones={"dcs": "Asia/Riyadh", "cmms": "America/New_York"},
        )
    )
    first, second = timeline.events
    assert first.time == second.time == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert (first.drift_s, second.drift_s) == (90.0, 0.0)
    assert timeline.drift_s == {"dcs": 90.0}


@pytest.mark.clause("A2")
def test_naive_times_without_a_zone_are_of_the_site() -> None:
    (entry,) = build_timeline(
        case(events=(RawEntry("x", "2026-11-22T09:00:00"),), series=(), maintenance=())
    ).events
    assert entry.time == ANCHOR


@pytest.mark.clause("A2")
def test_drift_of_sensor_data_is_removed() -> None:
    whole = series(1, "vibration")
    late = Series(whole.mapping, whole.time, whole.value, whole.quality, source="historian")
    timeline = build_timeline(case(series=(late,), clock_drift_s={"historian": 90.0}))
    assert timeline.series[0].time[0] == whole.time[0] - 90_000_000


@pytest.mark.clause("A3", "A4")
@given(st.lists(st.integers(0, 5_000), max_size=30), st.lists(st.integers(0, 5_000), max_size=30))
def test_the_timeline_is_the_sorted_sum_of_its_sources(event_ms: list[int], sample_ms: list[int]) -> None:
    events = tuple(
        RawEntry("a", ANCHOR + timedelta(milliseconds=ms), id=str(n)) for n, ms in enumerate(event_ms)
    )
    time = to_micros(ANCHOR) + 1000 * np.array(sorted(sample_ms), np.int64)
    one = series(1, "vibration")
    samples = Series(one.mapping, time, np.zeros(len(time)), np.zeros(len(time), np.uint8))
    timeline = build_timeline(case(events=events, series=(samples,), maintenance=(log(),)))
    assert len(timeline) == len(events) + len(time) + 1
    assert bool(np.all(np.diff(timeline.time) >= 0))
    rows = list(timeline)
    assert [to_micros(r.time if isinstance(r, TimelineEntry) else r.source_time) for r in rows] == list(
        timeline.time
    )
    for earlier, later in zip(timeline.events, timeline.events[1:], strict=False):
        if earlier.time == later.time and earlier.id and later.id:
            assert int(earlier.id) < int(later.id)


@pytest.mark.clause("A3")
def test_sensor_data_and_maintenance_are_on_the_timeline() -> None:
    timeline = build_timeline(case())
    kinds = {"sample" if isinstance(row, Sample) else row.kind for row in timeline}
    assert kinds == {"sample", "event", "maintenance"}


@pytest.mark.parametrize("time", ["yesterday", "", float("nan"), float("inf"), 10**30, True, None, []])
def test_an_unreadable_time_is_named_and_left_out(time: RawTime) -> None:
    timeline = build_timeline(case(events=(RawEntry("scada", time),), series=(), maintenance=()))
    assert len(timeline) == 0
    assert len(timeline.malformed) == 1
    assert "scada" in timeline.malformed[0]


def test_an_unknown_zone_is_named() -> None:
    entry = RawEntry("scada", "2026-11-22T09:00:00")
    timeline = build_timeline(
        case(events=(entry,), series=(), maintenance=(), time_zones={"scada": "Moon/Base"})
    )
    assert len(timeline.malformed) == 1


@pytest.mark.clause("A8")
def test_everything_inside_the_closed_window_is_taken() -> None:
    tick = timedelta(microseconds=1)
    window = EventWindow.around(ANCHOR, timedelta(minutes=30), timedelta(minutes=30))
    times = [window.start - tick, window.start, window.end, window.end + tick]
    events = tuple(RawEntry("a", time, id=str(n)) for n, time in enumerate(times))
    stamps = np.array([to_micros(time) for time in times], np.int64)
    samples = Series(series(1, "flow").mapping, stamps, np.zeros(4), np.zeros(4, np.uint8))
    inside = build_timeline(case(events=events, series=(samples,), maintenance=())).inside(window)
    assert [entry.id for entry in inside.events] == ["1", "2"]
    assert inside.sample_count == 2


@pytest.mark.parametrize(
    ("category", "source_type", "counts"),
    [
        (EventCategory.ALERT, "ALERT", True),
        (EventCategory.OPERATOR_ACTION, "OPERATOR_ACTION", True),
        (EventCategory.AI_OUTPUT, "ALERT", False),
        (EventCategory.SYSTEM, "ALERT", False),
        (EventCategory.ALERT, "AI_PREDICTION", False),
        (EventCategory.ALERT, "NOTIFICATION", False),
    ],
)
def test_only_what_the_plant_said_is_evidence(category: str, source_type: str, counts: bool) -> None:
    entry = RawEntry("x", ANCHOR, category=category, source_type=source_type)
    (aligned,) = build_timeline(case(events=(entry,), series=(), maintenance=())).events
    assert is_evidence(aligned) is counts
