"""Figures are what one works out by hand."""

import math

import numpy as np
import pytest

from optria.backtest import figures


def bools(text: str) -> figures.Bools:
    return np.array([mark == "1" for mark in text])


def test_rows_are_counted_by_alarm_and_truth() -> None:
    counts = figures.count(alarm=bools("0100111001"), fault=bools("0000011110"))
    assert (counts.hit, counts.false, counts.missed, counts.quiet, counts.onsets) == (2, 3, 2, 3, 3)
    assert counts.f1 == pytest.approx(4 / 9)
    assert counts.false_alarm_rate == 0.5
    assert counts.missed_alarm_rate == 0.5
    assert counts.onsets_per_1000 == 500.0
    assert (counts + counts).quiet == 6


def test_figures_of_nothing_are_no_numbers() -> None:
    assert math.isnan(figures.Counts().f1)
    assert math.isnan(figures.top_share([], 1))
    assert math.isnan(figures.auroc([], [1.0]))
    assert math.isnan(figures.mean_interval([]).value)


def test_delay_is_from_the_begin_of_the_fault_in_seconds() -> None:
    time = np.arange(10, dtype=np.int64) * 60_000_000
    assert figures.delays_s(bools("0001100000"), bools("0111000110"), time) == [120.0, None]
    assert figures.delays_s(bools("1110000000"), bools("0111111111"), time) == [0.0]


def test_rank_of_the_true_cause() -> None:
    scores = {"A": 0.5, "Other": 0.3, "B": 0.2}
    assert [figures.rank(scores, cause) for cause in ("A", "B", "C")] == [1, 3, None]
    ranks = [1, 3, None, 2]
    assert figures.top_share(ranks, 1) == 0.25
    assert figures.top_share(ranks, 3) == 0.75


def test_calibration_error_is_the_distance_by_bin() -> None:
    # bin 0.9: four of 0.95, three of them right: |3.8 - 3| = 0.8; bin 0.2: one of 0.25, wrong: 0.25
    chance, happened = np.array([0.95] * 4 + [0.25]), bools("11100")
    assert figures.calibration_error(chance, happened) == pytest.approx((0.8 + 0.25) / 5)
    assert figures.calibration_error(np.array([1.0]), bools("1")) == 0.0


def test_calibration_of_the_top_and_of_the_whole_distribution() -> None:
    scores = [{"A": 0.8, "Other": 0.2}, {"B": 0.6, "A": 0.4}]
    assert figures.top_calibration_error(scores, ["A", "A"]) == pytest.approx((0.2 + 0.6) / 2)
    # 0.8 true, 0.2 not, 0.6 not, 0.4 true: |−0.2| + 0.2 + 0.6 + |−0.6|, over four
    assert figures.whole_calibration_error(scores, ["A", "A"]) == pytest.approx(1.6 / 4)
    assert figures.whole_calibration_error([{"A": 1.0}], ["B"]) == 1.0


def test_auroc_counts_pairs() -> None:
    assert figures.auroc([0.9, 0.5], [0.1, 0.5]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_interval_holds_the_mean_and_narrows_with_cases() -> None:
    few = figures.mean_interval([0.0, 1.0] * 5)
    many = figures.mean_interval([0.0, 1.0] * 500)
    assert few.value == many.value == 0.5
    assert few.low < many.low < 0.5 < many.high < few.high
    # standard error of a share of 0.5 of 1,000 is 0.0158
    assert many.high - many.low == pytest.approx(2 * 1.96 * 0.0158, rel=0.1)
    assert figures.mean_interval([0.0, 1.0]) == figures.mean_interval([0.0, 1.0])
