"""When something may go out."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.event import Severity
from optria.work.delivery_planning import (
    MAX_TRIES,
    ChannelChoice,
    HeldFor,
    Preferences,
    QuietHours,
    next_try,
)

RIYADH = ZoneInfo("Asia/Riyadh")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(time(22), time(6), RIYADH)


def at(hour: int, minute: int = 0, day: int = 22, zone: ZoneInfo = RIYADH, month: int = 11) -> datetime:
    """A moment of 2026; 22 November is a Sunday."""
    return datetime(2026, month, day, hour, minute, tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        (at(21, 59), None),
        (at(22), at(6, day=23)),
        (at(23, 30), at(6, day=23)),
        (at(3), at(6)),
        (at(6), None),
    ],
)
def test_a_night_begins_in_the_evening_and_ends_in_the_morning(
    moment: datetime, end: datetime | None
) -> None:
    assert NIGHT.end_after(moment) == end


def test_a_night_belongs_to_the_day_it_begins_on() -> None:
    friday = QuietHours(time(22), time(6), RIYADH, frozenset({5}))
    assert friday.end_after(at(3, day=21)) == at(6, day=21)
    assert friday.end_after(at(3, day=20)) is None
    assert friday.end_after(at(23, day=21)) is None


def test_equal_ends_are_a_whole_day() -> None:
    weekend = QuietHours(time(0), time(0), RIYADH, frozenset({5, 6}))
    assert weekend.end_after(at(12, day=20)) == at(0, day=21)
    assert weekend.end_after(at(0, day=21)) == at(0, day=22)
    assert weekend.end_after(at(0, day=22)) is None


@pytest.mark.parametrize(
    ("evening", "hours"),
    [(at(22, day=28, month=3, zone=BERLIN), 7), (at(22, day=24, month=10, zone=BERLIN), 9)],
)
def test_a_night_of_the_change_of_clocks_ends_at_the_hour_on_the_wall(evening: datetime, hours: int) -> None:
    end = QuietHours(time(22), time(6), BERLIN).end_after(evening)
    assert end == evening + timedelta(hours=hours)


@given(st.integers(0, 365 * 24 * 60), st.times(), st.times())
def test_quiet_hours_end_later_than_now_and_within_a_day(minute: int, start: time, end: time) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = QuietHours(start, end, BERLIN).end_after(now)
    assert found is None or now < found <= now + timedelta(hours=25)


def test_critical_breaks_through_unless_it_may_not() -> None:
    night = at(23)
    assert Preferences(quiet=NIGHT).hold(Severity.CRITICAL, night) is None
    assert Preferences(quiet=NIGHT).hold(Severity.MAJOR, night) == (HeldFor.QUIET_HOURS, at(6, day=23))
    strict = Preferences(quiet=NIGHT, critical_breaks_through=False)
    assert strict.hold(Severity.CRITICAL, night) == (HeldFor.QUIET_HOURS, at(6, day=23))


def test_a_digest_waits_its_minutes() -> None:
    noon = at(12)
    wants = Preferences(quiet=NIGHT, digest_minutes=30)
    assert wants.hold(Severity.MAJOR, noon) == (HeldFor.DIGEST, noon + timedelta(minutes=30))
    assert wants.hold(Severity.CRITICAL, noon) is None
    assert wants.quiet_until(Severity.MAJOR, noon) is None
    assert Preferences().hold(Severity.INFO, noon) is None


def test_a_channel_is_wanted_from_its_severity_on() -> None:
    wants = Preferences({"email": ChannelChoice(True, Severity.MAJOR), "sms": ChannelChoice(is_on=False)})
    assert wants.wants("email", Severity.MAJOR)
    assert not wants.wants("email", Severity.MINOR)
    assert not wants.wants("sms", Severity.CRITICAL)
    assert wants.wants("pager", Severity.INFO)


def test_tries_grow_from_a_minute_to_an_hour_and_end() -> None:
    now = at(12)
    waits = [next_try(attempts, now, 0.0, None) for attempts in range(1, MAX_TRIES + 1)]
    assert [wait and (wait - now).total_seconds() for wait in waits] == [60, 240, 960, 3600, None]
    assert next_try(1, now, 1.0, None) == now + timedelta(seconds=72)


def test_a_receiver_is_not_asked_again_before_it_said() -> None:
    now = at(12)
    assert next_try(1, now, 0.0, 300) == now + timedelta(seconds=300)
    assert next_try(1, now, 0.0, 5) == now + timedelta(seconds=60)
    assert next_try(1, now, 0.0, 1e9) == now + timedelta(days=1)
    assert next_try(MAX_TRIES, now, 0.0, 5) is None
