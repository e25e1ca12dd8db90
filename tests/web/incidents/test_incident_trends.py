"""The geometry of the flight recorder."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.asset import Threshold
from optria.core.event import EventWindow, Severity
from optria.core.tag import Quality, Sample, SampleBatch, SignalMapping
from optria.web.incidents.incident_lanes import WIDTH, LaneEvent, across, draw_lanes, lane_of, ticks
from optria.web.incidents.incident_trends import HEIGHT, MAX_POINTS, draw_track, state_of

ANCHOR = datetime(2026, 11, 22, 9, 41, tzinfo=UTC)
WINDOW = EventWindow.around(ANCHOR, timedelta(minutes=30), timedelta(minutes=30))
VIBRATION = SignalMapping(7, 1, 1, "P-1.VT-1", "vibration", "mm/s", normal_low=1.0, normal_high=3.0)
LIMITS = (
    Threshold("vibration", "high", 4.5, Severity.MAJOR),
    Threshold("vibration", "high", 7.1, Severity.CRITICAL),
)


def samples(values: list[float], step_s: float = 1.0, quality: Quality = Quality.GOOD) -> SampleBatch:
    times = [WINDOW.start + timedelta(seconds=step_s * i) for i in range(len(values))]
    return SampleBatch.of([Sample(7, t, v, quality) for t, v in zip(times, values, strict=True)])


def test_the_anchor_lies_in_the_middle_of_an_even_window() -> None:
    assert across(ANCHOR, WINDOW) == WIDTH / 2
    assert across(WINDOW.start - timedelta(hours=1), WINDOW) == 0
    assert across(WINDOW.end + timedelta(hours=1), WINDOW) == WIDTH


@pytest.mark.parametrize(("before", "after"), [(30, 30), (10, 5), (1, 1), (600, 60), (0, 30)])
def test_ticks_are_few_whole_minutes_around_the_anchor(before: int, after: int) -> None:
    window = EventWindow.around(ANCHOR, timedelta(minutes=before), timedelta(minutes=after))
    drawn = ticks(ANCHOR, window)
    assert 1 <= len(drawn) <= 9
    assert 0 in [tick.minutes for tick in drawn]
    assert all(0 <= tick.x <= WIDTH for tick in drawn)


@pytest.mark.parametrize(
    ("value", "state"),
    [(2.0, "normal"), (0.5, "out"), (3.5, "out"), (4.5, "out"), (4.6, "major"), (9.0, "critical")],
)
def test_the_state_is_the_worst_limit_passed(value: float, state: str) -> None:
    assert state_of(value, VIBRATION, LIMITS) == state


def test_a_line_changes_its_stroke_where_the_state_changes() -> None:
    track = draw_track(VIBRATION, LIMITS, samples([2.0, 2.0, 5.0, 5.0, 8.0, 8.0]), WINDOW)
    assert [stroke.state for stroke in track.strokes] == ["normal", "major", "critical"]
    assert (track.last, track.state) == (8.0, "critical")


def test_a_gap_is_a_break_and_never_bridged() -> None:
    near, far = samples([2.0] * 30), samples([2.0] * 30)
    shifted = SampleBatch(far.tag, far.source_time + 1_200_000_000, far.value, far.quality)
    track = draw_track(VIBRATION, (), SampleBatch.concat([near, shifted]), WINDOW)
    assert len(track.strokes) == 2


def test_bad_values_and_other_tags_are_not_drawn() -> None:
    bad = samples([9.0] * 10, quality=Quality.BAD)
    nan = samples([float("nan")] * 10)
    other = samples([9.0] * 10)
    other = SampleBatch(other.tag + 1, other.source_time, other.value, other.quality)
    track = draw_track(VIBRATION, LIMITS, SampleBatch.concat([bad, nan, other]), WINDOW)
    assert (track.strokes, track.last, track.state) == ((), None, "normal")


def test_thinning_keeps_the_peak() -> None:
    values = [2.0] * 3600
    values[1777] = 9.0
    track = draw_track(VIBRATION, LIMITS, samples(values), WINDOW)
    assert len(track.points) <= MAX_POINTS
    assert max(value for _, value in track.points) == 9.0


def test_limit_texts_do_not_cover_each_other() -> None:
    track = draw_track(VIBRATION, LIMITS, samples([2.0, 8.0]), WINDOW)
    first, second = sorted(line.text_y for line in track.limits)
    assert second - first >= 10


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_everything_drawn_lies_in_the_track(values: list[float]) -> None:
    track = draw_track(VIBRATION, LIMITS, samples(values), WINDOW)
    numbers = [
        float(number)
        for stroke in track.strokes
        for pair in stroke.path[1:].replace("M", "L").split("L")
        for number in pair.split()[1:]
    ]
    assert all(-2 <= number <= HEIGHT + 2 for number in numbers)
    assert track.band is not None
    assert 0 <= track.band.y <= HEIGHT


@pytest.mark.parametrize(
    ("category", "source_type", "lane"),
    [
        ("AI_OUTPUT", "AI_PREDICTION", "anomalies"),
        ("SENSOR", "ANOMALY", "anomalies"),
        ("ALERT", "ALARM", "alarms"),
        ("OPERATOR_ACTION", "OPERATOR_ACTION", "operator"),
        ("MAINTENANCE", "WORK_ORDER", "maintenance"),
        ("CONFIG_CHANGE", "CONFIG_CHANGE", "process"),
        ("ANYTHING", "NEW", "process"),
    ],
)
def test_every_event_has_a_lane(category: str, source_type: str, lane: str) -> None:
    assert lane_of(category, source_type) == lane


def test_lanes_hold_the_events_of_the_window_by_time() -> None:
    def event(minutes: float) -> LaneEvent:
        return LaneEvent(ANCHOR + timedelta(minutes=minutes), "MAJOR", "ALERT", "ALARM", f"at {minutes}")

    lanes = draw_lanes([event(5), event(-5), event(31)], WINDOW)
    alarms = next(lane for lane in lanes if lane.key == "alarms")
    assert [mark.summary for mark in alarms.marks] == ["at -5", "at 5"]
    assert len(lanes) == 5
