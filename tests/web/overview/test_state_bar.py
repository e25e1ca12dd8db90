"""Incidents and missing data as parts of a bar."""

from datetime import UTC, datetime, timedelta

from optria.web.overview.periods import period_of
from optria.web.overview.state_bar import LEAST, WIDTH, gaps_of, marks_of

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = period_of("24h", NOW)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_the_gravest_is_drawn_last_and_highest() -> None:
    spans = [("critical", hours_ago(6), hours_ago(3)), ("minor", hours_ago(12), NOW)]
    first, last = marks_of(spans, DAY)
    assert (first.kind, first.x, first.width) == ("minor", 500.0, 500.0)
    assert (last.kind, last.x, last.width) == ("critical", 750.0, 125.0)
    assert last.height > first.height


def test_what_reaches_beyond_the_period_is_cut_and_what_lies_outside_is_left_out() -> None:
    spans = [("major", hours_ago(100), hours_ago(12)), ("major", hours_ago(90), hours_ago(80))]
    (mark,) = marks_of(spans, DAY)
    assert (mark.x, mark.width) == (0.0, 500.0)


def test_a_short_incident_is_still_seen_and_stays_inside() -> None:
    (mark,) = marks_of([("minor", NOW - timedelta(seconds=2), NOW)], DAY)
    assert mark.width == LEAST
    assert mark.x + mark.width == WIDTH


def test_steps_without_data_are_joined() -> None:
    found = [(mark.x, mark.width) for mark in gaps_of([False, False, True, False])]
    assert found == [(0.0, 500.0), (750.0, 250.0)]
    assert gaps_of([True, True]) == ()
    assert [mark.width for mark in gaps_of([False] * 4)] == [WIDTH]


def test_an_unknown_period_is_a_day() -> None:
    assert period_of("century", NOW).hours == 24
