"""A trend in few points keeps its extremes and its gaps."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from optria.core.tag import EPOCH, Quality
from optria.streams.recent import Series
from optria.web.assets.trend_points import BUCKETS, MOST_POINTS, quiet_us, trend_of

START, END = EPOCH, EPOCH + timedelta(seconds=10_000)
SECOND = 1_000_000


def series(time_s: NDArray[np.int64], value: NDArray[np.float64]) -> Series:
    return Series(time_s * SECOND, value, np.full(len(time_s), Quality.GOOD, np.uint8))


def test_few_samples_are_all_points() -> None:
    trend = trend_of(series(np.arange(5), np.arange(5.0)), START, END, quiet_us(1.0))
    assert trend.points == tuple((n * 1000, float(n)) for n in range(5))
    assert not trend.thinned


def test_many_samples_become_the_extremes_of_buckets_in_time_order() -> None:
    value = np.sin(np.arange(10_000) / 50.0)
    value[1_234], value[8_765] = 7.0, -7.0
    trend = trend_of(series(np.arange(10_000), value), START, END, quiet_us(1.0))
    times = [ms for ms, _ in trend.points]
    assert trend.thinned
    assert len(times) <= MOST_POINTS
    assert times == sorted(set(times))
    assert {(1_234_000, 7.0), (8_765_000, -7.0)} <= set(trend.points)


def test_a_gap_inside_a_bucket_stays_a_gap() -> None:
    time = np.r_[0:5_000, 5_015:10_000]  # 15 s of a bucket of 33 s
    trend = trend_of(series(time, np.full(len(time), 2.0)), START, END, quiet_us(1.0))
    assert [value for _, value in trend.points].count(None) == 1


def test_a_trend_that_is_all_gaps_stays_bounded() -> None:
    time = np.arange(0, 10_000, 11)
    trend = trend_of(series(time, np.full(len(time), 2.0)), START, END, quiet_us(1.0))
    known = [value for _, value in trend.points if value is not None]
    assert len(known) <= MOST_POINTS
    assert len(time) > 2 * BUCKETS


def test_bad_samples_are_no_points() -> None:
    quality = np.array([Quality.GOOD, Quality.BAD, Quality.UNCERTAIN], np.uint8)
    found = Series(np.array([0, 1, 2]) * SECOND, np.array([1.0, 99.0, np.inf]), quality)
    assert trend_of(found, START, END, quiet_us(1.0)).points == ((0, 1.0),)


def test_nothing_is_an_empty_trend() -> None:
    assert trend_of(Series.empty(), START, END, quiet_us(1.0)).points == ()
