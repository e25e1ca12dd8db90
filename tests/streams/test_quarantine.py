import numpy as np

from optria.streams.quarantine import HELD, Quarantine
from tests.streams.plants import BEGIN, batch


def test_the_newest_of_each_reason_are_shown_of_the_tags_asked_for() -> None:
    kept = Quarantine()
    kept.put("too_old", batch([1, 2, 1], [BEGIN] * 3, [1.0, 2.0, 3.0]), 10)
    kept.put("in_future", batch([1], [BEGIN], [4.0]), 20)
    assert [(r.reason, r.value) for r in kept.last(1)] == [("too_old", 3.0), ("in_future", 4.0)]
    assert [r.value for r in kept.last(5, frozenset({2}))] == [2.0]
    assert kept.last(5, frozenset({9})) == []


def test_it_is_bounded_and_the_oldest_leave_first() -> None:
    kept = Quarantine()
    for value in range(5):
        size = HELD // 2
        kept.put("too_old", batch([1] * size, [BEGIN] * size, [float(value)] * size), value)
    kept.put("in_future", batch([1] * (HELD + 7), [BEGIN] * (HELD + 7), [9.0] * (HELD + 7)), 9)
    held = [row.value for row in kept.last(10 * HELD) if row.reason == "too_old"]
    assert len(held) == HELD
    assert set(held) == {3.0, 4.0}
    assert len(kept.last(10 * HELD)) == 2 * HELD


def test_what_is_taken_out_is_gone() -> None:
    kept = Quarantine()
    kept.put("in_future", batch([1, 2], [BEGIN] * 2, [1.0, 2.0]), 10)
    kept.put("in_future", batch([1], [BEGIN], [3.0]), 20)
    tags = np.array([1], np.int32)
    assert kept.take("in_future", tags, 15).value.tolist() == [3.0]
    assert kept.take("in_future", tags, 5).value.tolist() == [1.0]
    assert [row.value for row in kept.last(9)] == [2.0]
