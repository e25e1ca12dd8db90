"""Series of signals."""

from datetime import timedelta

import numpy as np

from optria.core.tag import EPOCH, Quality, to_micros
from optria.streams.recent import Series
from optria.web.assets.readings import Reading, joined, thinned


def _series(*samples: tuple[float, float, int]) -> Series:
    seconds, values, qualities = zip(*samples, strict=True)
    times = [to_micros(EPOCH + timedelta(seconds=second)) for second in seconds]
    return Series(np.array(times), np.array(values, np.float64), np.array(qualities, np.uint8))


def test_joining_keeps_each_time_once_and_the_second_counts() -> None:
    both = joined(_series((1, 1, 0), (2, 2, 0)), _series((2, 20, 0), (3, 30, 1)))
    assert both.value.tolist() == [1, 20, 30]
    assert both.quality.tolist() == [0, 0, 1]


def test_thinning_takes_means_of_good_samples_and_leaves_gaps() -> None:
    series = _series((0, 1, 0), (4, 3, 0), (12, 99, Quality.BAD), (25, np.nan, 0), (35, 5, Quality.UNCERTAIN))
    points = thinned(series, EPOCH, EPOCH + timedelta(seconds=40), 4)
    assert points == ((5_000, 2.0), (15_000, None), (25_000, None), (35_000, 5.0))


def test_a_reading_is_fresh_for_twice_its_deadline() -> None:
    reading = Reading(1, EPOCH, 1.0, Quality.GOOD)
    assert reading.is_fresh(1.0, EPOCH + timedelta(seconds=10))
    assert not reading.is_fresh(1.0, EPOCH + timedelta(seconds=10.1))
    assert reading.is_fresh(10.0, EPOCH + timedelta(seconds=60))
