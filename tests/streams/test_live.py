from datetime import timedelta

import numpy as np
import pytest

from optria.core.tag import to_micros
from optria.streams.live import Live
from tests.streams.plants import BEGIN, batch


def live() -> Live:
    return Live([3, 5, 9])


@pytest.mark.clause("D6")
def test_the_newest_sample_of_a_tag_is_what_is_shown() -> None:
    subject = live()
    times = [BEGIN, BEGIN + timedelta(seconds=1), BEGIN]
    subject.put(batch([5, 5, 9], times, [1.0, 2.0, 3.0], [0, 1, 2]), np.array([1, 1, 2]))
    ms = to_micros(BEGIN) // 1000
    assert subject.snapshot() == {5: (2.0, ms + 1000, 1), 9: (3.0, ms, 2)}
    assert subject.latest(5) == (2.0, ms + 1000, 1)
    assert subject.latest(3) is None


def test_a_reader_is_told_only_what_changed_since_it_asked() -> None:
    subject = live()
    subject.put(batch([3, 5], [BEGIN] * 2, [1.0, 2.0]), np.array([0, 1]))
    cursor, first = subject.changed_since(0)
    assert set(first) == {3, 5}
    assert subject.changed_since(cursor) == (cursor, {})
    subject.put(batch([5], [BEGIN + timedelta(seconds=1)], [4.0]), np.array([1]))
    assert set(subject.changed_since(cursor)[1]) == {5}
