"""Clocks that are wrong: ours, and those of sources."""

from datetime import timedelta

import numpy as np

from optria.core.tag import to_micros
from optria.streams.drift import ClockWatch
from optria.streams.present import Present
from tests.streams.plants import BEGIN

S = 1_000_000


class Ours:
    """A wall clock and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady_s = BEGIN, 100.0
        self.present = Present(lambda: self.wall, lambda: self.steady_s)
        self.present.bounds()

    def pass_s(self, seconds: float, jump_s: float = 0.0) -> None:
        self.steady_s += seconds
        self.wall += timedelta(seconds=seconds + jump_s)


def test_slow_corrections_of_the_wall_clock_are_followed() -> None:
    ours = Ours()
    for _ in range(100):
        ours.pass_s(1, jump_s=0.5)
        assert ours.present.bounds() == (to_micros(ours.wall), to_micros(ours.wall))


def test_after_a_jump_both_times_are_possible() -> None:
    ours = Ours()
    ours.pass_s(10, jump_s=-3600)
    earliest, latest = ours.present.bounds()
    assert (earliest, latest) == (to_micros(ours.wall), to_micros(ours.wall + timedelta(hours=1)))


def test_sources_that_agree_with_the_new_time_make_it_the_one_believed() -> None:
    ours = Ours()
    ours.pass_s(1, jump_s=3600)
    for _ in range(12):
        assert ours.present.bounds()[0] != ours.present.bounds()[1] or ours.steady_s > 106
        ours.present.heard(to_micros(ours.wall) - S)
        ours.pass_s(1)
    assert ours.present.bounds() == (to_micros(ours.wall), to_micros(ours.wall))


def test_sources_that_agree_with_the_time_before_the_jump_leave_it_in_doubt() -> None:
    ours = Ours()
    ours.pass_s(1, jump_s=-3600)
    for _ in range(100):
        ours.present.heard(to_micros(ours.wall + timedelta(hours=1)))
        ours.pass_s(1)
    assert ours.present.bounds()[1] == to_micros(ours.wall + timedelta(hours=1))


def watch(configured_s: int = 0) -> ClockWatch:
    return ClockWatch(np.array([configured_s * S], np.int64))


def told(clocks: ClockWatch, leads_s: list[float], begin_s: int = 0) -> list[bool]:
    return [clocks.hear(0, round(lead * S), (begin_s + second) * S) for second, lead in enumerate(leads_s)]


def test_a_steady_lead_becomes_the_correction() -> None:
    clocks = watch()
    assert told(clocks, [90.0, 89.5, 90.2, 90.0]) == [False, False, False, True]
    assert abs(clocks.ahead_us[0] - 90 * S) < S


def test_small_leads_and_lags_are_left_alone() -> None:
    clocks = watch()
    assert not any(told(clocks, [1.5, 1.9, 1.2, 1.8, -3.0, -3.1, -3.0, -3.2, -2.9] * 10))


def test_leads_that_differ_are_wrong_times_and_no_clock() -> None:
    assert not any(told(watch(), [90.0, 10.0, 4000.0, 55.0, 90.0, 7.0] * 10))


def test_a_correction_goes_once_the_clock_was_put_right() -> None:
    clocks = watch()
    told(clocks, [90.0] * 4)
    told(clocks, [-90.0] * 4, 20)
    assert clocks.ahead_us[0] == 0


def test_a_delivery_that_grows_slow_takes_no_correction_back() -> None:
    clocks = watch()
    told(clocks, [90.0] * 4)
    told(clocks, [-20.0] * 30, 20)
    assert clocks.ahead_us[0] == 90 * S


def test_what_the_source_tells_is_believed_also_where_it_is_behind() -> None:
    clocks = watch(30)
    assert clocks.told(0, -90 * S)
    assert clocks.ahead_us[0] == -90 * S
    assert not clocks.told(0, -91 * S), "a second is as good as nothing"
    assert not any(told(clocks, [50.0] * 10)), "samples do not outvote it"
