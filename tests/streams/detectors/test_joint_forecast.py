"""What the past does not foretell: equal to its reference, quiet when well, awake to hidden faults."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optria.streams.detectors.joint_forecast import ForecastBank
from optria.streams.detectors.joint_tuning import FORECAST
from optria.streams.detectors.reference_forecast import ForecastT2

QUICK = replace(
    FORECAST, gains=(0.5, 0.3), variance=0.4, block=8, begin=24, warm_up=60, memories=10.0, rest=20
)
SOON = replace(FORECAST, gains=(0.3, 0.1, 0.03), variance=0.1, memories=20.0)
ALONE = np.array([0])


def plant_rows(seed: int, rows: int, tags: int = 4) -> NDArray[np.float64]:
    """Tags that follow one slow load and one another, with noise of their own."""
    rng = np.random.default_rng(seed)
    values, load = np.zeros((rows, tags)), 0.0
    for row in range(1, rows):
        load = 0.98 * load + 0.2 * rng.normal()
        follows = 0.7 * values[row - 1] + 0.3 * load * np.linspace(1, -1, tags)
        values[row] = follows + 0.3 * rng.normal(size=tags)
    return 50.0 + values


def scores(bank: ForecastBank, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest score over its limit after each row."""
    fresh, ratios = np.ones((1, rows.shape[1]), bool), []
    for row in rows:
        limit = bank.limit_of(ALONE)
        ratios.append((bank.observe_many(ALONE, row[None], fresh) / limit).max())
    return np.array(ratios)


def warm(seed: int = 1, rows: int = 2000) -> ForecastBank:
    bank = ForecastBank([4], [60.0], SOON)
    scores(bank, plant_rows(seed, rows))
    return bank


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_bank_equals_its_reference_also_beside_a_larger_asset(seed: int) -> None:
    mine, theirs = plant_rows(seed, 260, 3), plant_rows(seed + 1, 260, 5)
    mine[180:] += np.random.default_rng(seed).normal(0, 5, 3)  # a jump, then another level
    bank, scalar = ForecastBank([3, 5], [60.0, 1.0], QUICK), ForecastT2(list("abc"), 60.0, QUICK)
    fresh, assets = np.array([[True] * 3 + [False] * 2, [True] * 5]), np.array([0, 1])
    for row, other in zip(mine, theirs, strict=True):
        both = np.array([[*row, 0.0, 0.0], other])
        sample = dict(zip("abc", row.tolist(), strict=True))
        expected = scalar.sigmas(sample)
        assert bank.score_many(assets, both, fresh)[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)
        bank.learn_many(assets, both, fresh)
        scalar.learn_one(sample)
    assert bank.rows[0] == scalar.moments.rows > 100


@pytest.mark.clause("A6")
def test_normal_operation_stays_quiet() -> None:
    ratios = scores(warm(), plant_rows(2, 4000)[50:])
    assert np.mean(ratios > 1.0) < 0.01


@pytest.mark.clause("A6")
def test_a_small_lasting_shift_is_found_that_stays_within_the_spread_of_levels() -> None:
    bank, rows = warm(), plant_rows(1, 2600)[2000:]
    shift = 0.9 * rows[:, 0].std()
    rows[100:, 0] += shift
    ratios = scores(bank, rows)
    assert np.mean(ratios[:100] > 1.0) == 0.0
    assert np.mean(ratios[200:] > 1.0) > 0.7


def test_what_stays_wrong_is_not_learned() -> None:
    bank, rows = warm(), plant_rows(1, 6000)[2000:]
    rows[:, 0] += 2.0
    before = bank.rows[0]
    ratios = scores(bank, rows)
    assert bank.rows[0] - before <= SOON.block
    assert np.mean(ratios[-500:] > 1.0) > 0.95


def test_a_break_in_the_record_is_no_fault() -> None:
    bank, later = warm(), plant_rows(7, 300)[200:]
    jump = np.abs(later[0] - plant_rows(1, 2000)[-1]).max()
    assert jump > 1.0
    assert scores(bank, later)[:30].max() < 1.0


def test_units_and_the_order_of_tags_do_not_matter() -> None:
    rows = plant_rows(3, 1500)
    rows[1200:, 1] += 1.0
    other = rows[:, [2, 0, 3, 1]] * np.array([1000.0, 1.0, 0.01, 7.0]) + np.array([5.0, -400.0, 0.0, 1.0])
    first, second = ForecastBank([4], [60.0], SOON), ForecastBank([4], [60.0], SOON)
    assert scores(first, rows) == pytest.approx(scores(second, other), rel=1e-5, abs=1e-5)


def test_a_new_normal_is_quiet_at_once() -> None:
    bank, rows = warm(), plant_rows(1, 2600)[2000:]
    rows[:, 0] += 1.5
    assert np.mean(scores(bank, rows[:200])[-50:] > 1.0) > 0.7
    bank.rebase(ALONE)
    assert np.mean(scores(bank, rows[200:]) > 1.0) < 0.3


def test_state_goes_through_json() -> None:
    bank, rows = warm(), plant_rows(4, 200)
    again = ForecastBank([2, 4], [60.0, 60.0], SOON)
    again.restore_of(1, json.loads(json.dumps(bank.state_of(0))))
    fresh = np.ones((1, 4), bool)
    for row in rows[:20]:
        assert again.score_many(np.array([1]), row[None], fresh) == pytest.approx(
            bank.score_many(ALONE, row[None], fresh), abs=0.7
        )  # fitted anew when restored: a little more is known than at the last fit


@pytest.mark.parametrize("wrong", [{"mean": [[1.0]]}, {"rows": float("nan")}, {"surprise": [1.0]}])
def test_what_is_no_state_is_refused(wrong: dict[str, object]) -> None:
    state = warm(rows=300).state_of(0) | wrong
    with pytest.raises(ValueError, match="not the state"):
        ForecastBank([4], [60.0], SOON).restore_of(0, state)


def test_a_constant_tag_and_one_that_is_away_take_no_part() -> None:
    bank, rows = ForecastBank([4], [60.0], SOON), plant_rows(5, 1500)
    rows[:, 2] = 12.5
    scores(bank, rows[:1200])
    fresh = np.array([[True, False, True, True]])
    away = []
    for row in rows[1200:]:
        seen = np.where(fresh[0], row, 0.0)
        away.append((bank.observe_many(ALONE, seen[None], fresh) / bank.limit_of(ALONE)).max())
    assert np.mean(np.array(away) > 1.0) < 0.05
    assert np.isfinite(away).all()


def test_it_gives_up_after_its_patience() -> None:
    bank = ForecastBank([4], [60.0], replace(SOON, patience=300))
    scores(bank, plant_rows(1, 2000))
    scores(bank, plant_rows(1, 2600)[2000:] + 5.0)
    assert bank.count[0] < 400


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_million_rows_leave_it_sane(offset: float) -> None:
    """Blocks of the same rows again and again, far from zero, and a tag that never moves."""
    bank, rows = ForecastBank([4], [60.0], replace(SOON, longest=2000.0)), plant_rows(6, 3000) + offset
    rows[:, 3] = offset
    scores(bank, rows)
    bank.count[0] = bank.rows[0] = 1e6  # as if a million had been seen: the gains are at their floor
    ratios = scores(bank, rows)
    assert np.isfinite(ratios).all()
    assert np.linalg.eigvalsh(bank.covariance[0]).min() > -1e-6
    assert np.mean(ratios > 1.0) < 0.05
