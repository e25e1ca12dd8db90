from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optria.core.incident import Anchor
from optria.core.tag import to_micros
from optria.streams.anchoring import DOWN, UP, Anchoring, Blame, Reading, probability
from tests.streams.plants import BEGIN


class Watched:
    """One asset, a reading a second."""

    def __init__(self) -> None:
        self.anchors: list[Anchor] = []
        self.cleared: list[int] = []
        self.second = 0
        self.anchoring = Anchoring(
            self.anchors.append, self.cleared.append, lambda asset_id: Blame((), "level", "process")
        )

    def see(self, score: float, seconds: int = 1) -> "Watched":
        for _ in range(seconds):
            time = to_micros(BEGIN + timedelta(seconds=self.second))
            self.anchoring.observe(Reading(1, time, score))
            self.second += 1
        return self


@pytest.mark.clause("A6", "C5")
def test_the_anchor_is_the_first_of_three_samples_beyond_the_limit() -> None:
    watched = Watched().see(0.2, 5).see(1.5, UP - 1)
    assert watched.anchors == []
    (anchor,) = watched.see(1.5).anchors
    assert anchor.time == BEGIN + timedelta(seconds=5)
    assert anchor.asset_id == 1
    assert watched.anchoring.active(1)


def test_a_score_just_beyond_the_limit_must_last() -> None:
    watched = Watched().see(0.2, 5).see(1.05, 29)
    assert watched.anchors == []
    (anchor,) = watched.see(1.05).anchors
    assert anchor.time == BEGIN + timedelta(seconds=5)


def test_evidence_is_lost_by_samples_below_the_limit() -> None:
    watched = Watched()
    for _ in range(50):
        watched.see(1.2, 4).see(0.2)
    assert watched.anchors == []


def test_one_outlier_is_no_more_evidence_than_a_strong_sample() -> None:
    assert Watched().see(1000.0, UP - 1).see(1.01).see(0.5, 20).anchors == []


def test_one_sample_a_minute_needs_no_more_samples() -> None:
    times: list[Anchor] = []
    anchoring = Anchoring(times.append, lambda asset: None, lambda asset_id: Blame((), "level", "process"))
    for minute in range(UP):
        anchoring.observe(Reading(1, to_micros(BEGIN + timedelta(minutes=minute)), 1.5))
    assert [a.time for a in times] == [BEGIN]


def test_an_episode_has_one_anchor_however_long_and_restless() -> None:
    watched = Watched().see(3.0, 500).see(0.1, DOWN).see(3.0, 100).see(0.1, DOWN + 100).see(2.0, 50)
    assert len(watched.anchors) == 1
    assert watched.cleared == []


def test_ten_low_samples_end_the_alarm_and_five_quiet_minutes_the_episode() -> None:
    watched = Watched().see(3.0, 10).see(0.5, DOWN - 1)
    assert watched.anchoring.alarming(1)
    assert not watched.see(0.5).anchoring.alarming(1)
    watched.see(0.5, 299)
    assert watched.cleared == []
    assert watched.see(0.5).cleared == [1]
    assert len(watched.see(3.0, UP).anchors) == 2


def test_between_the_limits_an_alarm_stays() -> None:
    assert Watched().see(3.0, 5).see(0.8, 500).anchoring.alarming(1)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 5), max_size=300))
def test_anchors_are_at_least_five_minutes_apart(scores: list[float]) -> None:
    watched = Watched()
    for score in scores:
        watched.see(score, 7)
    times = [a.time for a in watched.anchors]
    assert all(b - a >= timedelta(minutes=5) for a, b in pairwise(times))


def test_probability_grows_with_the_score() -> None:
    steps = [probability(score / 10) for score in range(100)]
    assert steps == sorted(steps)
    assert steps[0] == 0.0
    assert 0.3 < probability(1.0) < 0.6 < probability(2.0) < 1.0


def test_open_episodes_survive_a_restart() -> None:
    before, after = Watched().see(3.0, 10), Watched()
    after.anchoring.restore(before.anchoring.state())
    assert after.see(3.0, 100).anchors == []
    assert after.anchoring.active(1)


def test_a_reading_that_is_no_number_is_no_alarm() -> None:
    assert Watched().see(float("nan"), 20).anchors == []
