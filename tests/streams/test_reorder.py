from datetime import timedelta

import numpy as np

from optria.core.tag import SampleBatch
from optria.streams.reorder import MOST_HELD, PATIENCE_S, Reorder
from tests.streams.plants import BEGIN, batch

CONNECTION = np.zeros(1, np.intp)


class Held:
    """One connection with a lateness of 5 s, and a clock."""

    def __init__(self, lateness_s: float = 5.0) -> None:
        self.now_s = 0.0
        self.reorder = Reorder([lateness_s], lambda: self.now_s)

    def take(self, *seconds: float) -> list[float]:
        """Samples of these seconds come; the seconds of those that go on."""
        times = [BEGIN + timedelta(seconds=s) for s in seconds]
        self.reorder.put(batch([100] * len(times), times, list(seconds)), np.zeros(len(times), np.intp))
        return self.passed()

    def passed(self) -> list[float]:
        values: list[float] = self.reorder.passed().value.tolist()
        return values


def test_what_the_watermark_has_passed_goes_on_in_order() -> None:
    held = Held()
    assert held.take(3, 1, 2) == []
    assert held.take(8.5) == [1, 2]
    assert held.take(4.5, 9) == [3]
    assert held.reorder.waiting == 3


def test_a_second_goes_on_as_a_whole() -> None:
    held = Held()
    assert held.take(1.2, 1.8, 6.9) == []
    assert held.take(1.5, 7.0) == [1.2, 1.5, 1.8]


def test_the_last_samples_of_a_silent_source_go_on_after_the_lateness() -> None:
    held = Held()
    held.take(1, 2)
    held.now_s = 5.0 + PATIENCE_S - 0.1
    assert held.passed() == []
    held.now_s += 0.2
    assert held.passed() == [1, 2]
    assert held.reorder.waiting == 0


def test_the_end_of_a_stream_lets_everything_go() -> None:
    held = Held()
    held.take(2, 1)
    assert held.reorder.everything().value.tolist() == [1, 2]
    assert held.passed() == []


def test_a_connection_without_lateness_waits_for_nothing() -> None:
    reorder = Reorder([0.0, 2.0], lambda: 0.0)
    assert reorder.is_on
    assert reorder.waits(np.array([0, 1], np.intp)).tolist() == [False, True]
    assert not Reorder([0.0], lambda: 0.0).is_on


def test_no_more_is_held_than_memory_is_meant_for() -> None:
    held, count = Held(3600.0), MOST_HELD + 10
    times = np.arange(count, dtype=np.int64) * 1000
    many = SampleBatch(np.full(count, 100, np.int32), times, times.astype(float), np.zeros(count, np.uint8))
    held.reorder.put(many, np.zeros(count, np.intp))
    assert len(held.passed()) >= 10
    assert held.reorder.waiting <= MOST_HELD
