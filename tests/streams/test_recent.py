from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from optria.core.tag import SampleBatch, to_micros
from optria.streams.recent import Recent
from tests.streams.plants import BEGIN, batch

TAGS = [3, 5, 9]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0, 1, 2]), max_size=12), max_size=8), st.integers(1, 6))
def test_a_ring_holds_the_last_samples_of_each_tag(batches: list[list[int]], capacity: int) -> None:
    ring, second = Recent(TAGS, capacity), 0
    kept: dict[int, list[float]] = {tag: [] for tag in TAGS}
    for rows in batches:
        times = [BEGIN + timedelta(seconds=second + i) for i in range(len(rows))]
        values = [float(second + i) for i in range(len(rows))]
        ring.add(batch([TAGS[r] for r in rows], times, values), np.array(rows, np.intp))
        for row, value in zip(rows, values, strict=True):
            kept[TAGS[row]].append(value)
        second += len(rows)
    windows = ring.windows(TAGS, BEGIN, BEGIN + timedelta(hours=1))
    assert {tag: w.value.tolist() for tag, w in windows.items()} == {
        t: v[-capacity:] for t, v in kept.items()
    }


def test_a_window_is_closed_on_both_ends() -> None:
    ring = Recent(TAGS, 10)
    ring.add(batch([5] * 5, [BEGIN + timedelta(seconds=i) for i in range(5)], range(5)), np.ones(5, np.intp))
    window = ring.window(5, BEGIN + timedelta(seconds=1), BEGIN + timedelta(seconds=3))
    assert window.value.tolist() == [1.0, 2.0, 3.0]
    assert not len(ring.window(77, BEGIN, BEGIN))


def at(tag: int, *seconds: int) -> SampleBatch:
    times = [BEGIN + timedelta(seconds=s) for s in seconds]
    return batch([tag] * len(times), times, [float(s) for s in seconds])


def test_late_samples_get_their_places_once() -> None:
    recent = Recent([1, 2], 5)
    recent.add(at(1, 0, 2, 4), np.zeros(3, np.intp))
    late = at(1, 3, 1, 3, 2)
    assert recent.insert(late, np.zeros(4, np.intp)).tolist() == [True, True, False, False]
    kept = recent.all_of(0)
    assert ((kept.time - to_micros(BEGIN)) // 1_000_000).tolist() == [0, 1, 2, 3, 4]
    assert not recent.insert(late, np.zeros(4, np.intp)).any()
    recent.add(at(1, 5), np.zeros(1, np.intp))
    assert ((recent.all_of(0).time - to_micros(BEGIN)) // 1_000_000).tolist() == [1, 2, 3, 4, 5]


def test_what_is_older_than_all_of_a_full_ring_is_news_without_a_place() -> None:
    recent = Recent([1], 3)
    recent.add(at(1, 5, 6, 7), np.zeros(3, np.intp))
    assert recent.insert(at(1, 1), np.zeros(1, np.intp)).tolist() == [True]
    assert ((recent.all_of(0).time - to_micros(BEGIN)) // 1_000_000).tolist() == [5, 6, 7]


def test_times_of_a_clock_that_was_ahead_are_forgotten() -> None:
    recent = Recent([1], 3)
    recent.add(at(1, 1, 5, 6, 7), np.zeros(4, np.intp))
    recent.forget_after(0, to_micros(BEGIN + timedelta(seconds=5)))
    assert len(recent.all_of(0)) == 1
    recent.add(at(1, 6), np.zeros(1, np.intp))
    assert ((recent.all_of(0).time - to_micros(BEGIN)) // 1_000_000).tolist() == [5, 6]
