"""Who is on call: one person at every instant, handovers by the local clock, whatever the clock does."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.core.rota import Claim, Rank, Rotation, Turn, deciding, handovers, merged, person_at, turns

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Riyadh", "Australia/Lord_Howe")
PEOPLE = (11, 12, 13, 14, 15)

rotations = st.builds(
    Rotation,
    members=st.integers(1, 5).map(lambda count: PEOPLE[:count]),
    starts_on=st.dates(date(2020, 1, 1), date(2028, 12, 31)),
    handover_at=st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
    shift_days=st.integers(1, 31),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
START = datetime(2020, 1, 1, tzinfo=UTC)
instants = st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
hours = st.integers(0, 24 * 40)


def rotation(zone: str, at: time, starts: date, days: int = 1, people: int = 2) -> Rotation:
    return Rotation(PEOPLE[:people], starts, at, days, ZoneInfo(zone))


@given(rotations, instants)
def test_exactly_one_person_is_on_call_from_the_start_on(rota: Rotation, instant: datetime) -> None:
    person = person_at(rota, instant, PEOPLE)
    assert (person is None) == (instant < rota.handover(0))
    assert person is None or person in rota.members
    holding = list(turns(rota, instant, instant + timedelta(seconds=1), PEOPLE))
    assert [turn.user_id for turn in holding if turn.starts_at <= instant < turn.ends_at] == (
        [] if person is None else [person]
    )


@given(rotations, instants, hours)
def test_turns_partition_the_time(rota: Rotation, start: datetime, length_h: int) -> None:
    end = start + timedelta(hours=length_h)
    found = list(turns(rota, start, end, PEOPLE))
    assert all(before.ends_at == after.starts_at for before, after in pairwise(found))
    if end > max(start, rota.handover(0)):
        assert found[0].starts_at <= max(start, rota.handover(0))
        assert found[-1].ends_at >= end


@given(rotations, instants, hours)
def test_every_handover_is_at_the_local_clock_time(rota: Rotation, start: datetime, length_h: int) -> None:
    """Where the clock skips the time, at the moment that would have shown it."""
    for moment in handovers(rota, start, start + timedelta(hours=length_h)):
        local = moment.astimezone(rota.zone)
        day = datetime.combine(local.date(), rota.handover_at, rota.zone)
        is_skipped = day.astimezone(UTC).astimezone(rota.zone).time() != rota.handover_at
        assert local.time() == rota.handover_at or is_skipped
        assert not local.fold


@given(rotations, instants, st.sets(st.sampled_from(PEOPLE)))
def test_who_cannot_be_on_call_never_is(rota: Rotation, instant: datetime, fit: set[int]) -> None:
    person = person_at(rota, instant, fit)
    able = fit & set(rota.members)
    assert person in able if able and instant >= rota.handover(0) else person is None
    own = person_at(rota, instant, PEOPLE)
    assert own not in fit or person == own


@pytest.mark.parametrize(
    ("zone", "at", "day", "utc"),
    [
        ("Europe/Berlin", time(8), date(2026, 3, 28), "2026-03-28T07:00"),
        ("Europe/Berlin", time(8), date(2026, 3, 29), "2026-03-29T06:00"),
        ("Europe/Berlin", time(2, 30), date(2026, 3, 29), "2026-03-29T01:30"),  # 02:30 is skipped: 03:30
        (
            "Europe/Berlin",
            time(2, 30),
            date(2026, 10, 25),
            "2026-10-25T00:30",
        ),  # 02:30 comes twice: the first
        ("America/New_York", time(2, 30), date(2026, 3, 8), "2026-03-08T07:30"),
        ("America/New_York", time(1, 30), date(2026, 11, 1), "2026-11-01T05:30"),
        ("Asia/Riyadh", time(6), date(2026, 3, 29), "2026-03-29T03:00"),
        ("Australia/Lord_Howe", time(2, 15), date(2026, 10, 4), "2026-10-03T15:45"),  # skipped: 02:45
        ("Australia/Lord_Howe", time(1, 45), date(2026, 4, 5), "2026-04-04T14:45"),  # twice: the first
    ],
)
def test_handovers_on_the_days_the_clock_changes(zone: str, at: time, day: date, utc: str) -> None:
    assert rotation(zone, at, day).handover(0) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.clause("W11")
def test_the_right_person_on_the_night_the_clock_goes_forward() -> None:
    """Handover at 08:00 in Berlin: at 06:30 UTC the second day has begun, in winter it would not have."""
    rota = rotation("Europe/Berlin", time(8), date(2026, 3, 28))
    before = datetime(2026, 3, 29, 5, 59, tzinfo=UTC)
    assert [person_at(rota, before + timedelta(minutes=step), PEOPLE) for step in (0, 1, 31)] == [11, 12, 12]


@pytest.mark.clause("W11")
def test_the_right_person_on_the_night_the_clock_goes_back() -> None:
    rota = rotation("America/New_York", time(7), date(2026, 10, 31))
    before = datetime(2026, 11, 1, 11, 59, tzinfo=UTC)
    assert [person_at(rota, before + timedelta(minutes=step), PEOPLE) for step in (-60, 0, 1)] == [11, 11, 12]


def test_the_next_member_takes_the_turn_of_one_who_cannot() -> None:
    rota = rotation("Asia/Riyadh", time(8), date(2026, 1, 1), days=7, people=3)
    weeks = [datetime(2026, 1, 1, 5, tzinfo=UTC) + timedelta(weeks=week) for week in range(4)]
    assert [person_at(rota, week, (11, 12, 13)) for week in weeks] == [11, 12, 13, 11]
    assert [person_at(rota, week, (11, 13)) for week in weeks] == [11, 13, 13, 11]


def test_a_day_that_a_zone_skips_has_no_turn() -> None:
    """Samoa had no 30 December 2011."""
    rota = rotation("Pacific/Apia", time(8), date(2011, 12, 28), people=5)
    start = rota.handover(0)
    found = list(turns(rota, start, start + timedelta(days=4), PEOPLE))
    assert [turn.user_id for turn in found] == [11, 12, 14, 15]
    assert all(before.ends_at == after.starts_at for before, after in pairwise(found))


@pytest.mark.parametrize(("people", "days"), [(0, 1), (2, 0)])
def test_a_rotation_of_nobody_or_of_no_time_is_none(people: int, days: int) -> None:
    with pytest.raises(ValueError, match="somebody"):
        rotation("Asia/Riyadh", time(8), date(2026, 1, 1), days, people)


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def claim(user_id: int, rank: Rank, start_h: float, end_h: float, source_id: int = 1) -> Claim:
    turn = Turn(user_id, NOON + timedelta(hours=start_h), NOON + timedelta(hours=end_h))
    return Claim(turn, rank, source_id)


def hours_of(found: list[Claim]) -> list[tuple[int, float, float]]:
    return [(one.turn.user_id, hour(one.turn.starts_at), hour(one.turn.ends_at)) for one in found]


def hour(moment: datetime) -> float:
    return (moment - NOON) / timedelta(hours=1)


@pytest.mark.clause("W11")
def test_shifts_go_before_rotations_and_a_site_before_all() -> None:
    ranks = [claim(int(rank), rank, 0, 8) for rank in Rank]
    for count in range(4):
        first = deciding(ranks[count:], NOON)
        assert first is not None
        assert first.rank == count
    assert deciding(ranks, NOON + timedelta(hours=8)) is None


def test_a_shift_interrupts_a_rotation() -> None:
    claims = [claim(1, Rank.ROTATION, -24, 24), claim(2, Rank.SHIFT, 2, 4)]
    found = merged(claims, NOON, NOON + timedelta(hours=8))
    assert hours_of(found) == [(1, 0, 2), (2, 2, 4), (1, 4, 8)]


def test_hours_without_anybody_are_left_out() -> None:
    claims = [claim(1, Rank.SHIFT, 0, 2), claim(2, Rank.SHIFT, 4, 6, 2)]
    assert hours_of(merged(claims, NOON, NOON + timedelta(hours=9))) == [(1, 0, 2), (2, 4, 6)]


claim_lists = st.lists(
    st.builds(
        lambda user, rank, start, length, source: claim(user, rank, start, start + length, source),
        st.sampled_from(PEOPLE),
        st.sampled_from(Rank),
        st.integers(-48, 48),
        st.integers(1, 48),
        st.integers(1, 9),
    ),
    max_size=12,
)


@given(claim_lists, st.floats(-50, 50))
def test_the_merged_list_says_what_each_instant_says(claims: list[Claim], at_h: float) -> None:
    found = merged(claims, NOON - timedelta(hours=51), NOON + timedelta(hours=51))
    assert all(before.turn.ends_at <= after.turn.starts_at for before, after in pairwise(found))
    instant = NOON + timedelta(hours=at_h)
    listed, said = deciding(found, instant), deciding(claims, instant)
    assert (listed and listed.turn.user_id) == (said and said.turn.user_id)
