"""The banks compute what the scalar River estimators compute."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optria.streams.detectors import tuning as at
from optria.streams.detectors.bank import DifferenceVarianceBank, LevelBank
from optria.streams.detectors.gated import GatedBank
from optria.streams.detectors.reference import GatedDifferenceVariance, GatedLevel
from optria.streams.detectors.tuning import DIFFERENCE_VARIANCE, RECENT, USUAL

BRIEF = {"calibrate_from": 20, "warm_up": 60, "settled": 30, "patience": 50, "restless": 8, "accept": 12}
QUICK, QUICK_RECENT = replace(USUAL, **BRIEF), replace(RECENT, **BRIEF)
QUICK_VARIANCE = replace(DIFFERENCE_VARIANCE, **BRIEF)


def signal(seed: int, seconds: int, tags: int) -> NDArray[np.float64]:
    """Noise with steps there and back and a noisy stretch: references are held, given up and released."""
    rng = np.random.default_rng(seed)
    values = rng.normal(50, 1, (seconds, tags)).cumsum(axis=0) * 0.02 + rng.normal(50, 1, (seconds, tags))
    step = rng.integers(10, seconds)
    values[step:, 0] += rng.normal(0, 30)
    begin, length = rng.integers(70, seconds - 40), rng.integers(5, 40)
    values[begin : begin + length, 1] += rng.normal(0, 30)
    noisy = rng.integers(10, seconds)
    values[noisy : noisy + 40, tags - 1] += rng.normal(0, 15, (len(values[noisy : noisy + 40]),))
    return np.asarray(values)


def same(state: object, expected: object) -> None:
    """Nested state, numbers equal within rounding."""
    if isinstance(expected, dict):
        assert isinstance(state, dict)
        assert state.keys() == expected.keys()
        for key, value in expected.items():
            if key != "top":
                same(state[key], value)
            else:
                assert sorted(state[key]) == pytest.approx(sorted(value), rel=1e-7, abs=1e-9)
    elif expected is None:
        assert state is None
    else:
        assert state == pytest.approx(expected, rel=1e-7, abs=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_level_bank_equals_its_reference(seed: int) -> None:
    values, floors = signal(seed, 260, 3), (0.01, 0.1, 1e-9)
    bank = LevelBank(np.array(floors), QUICK, QUICK_RECENT)
    scalars = [GatedLevel(floor, QUICK, QUICK_RECENT) for floor in floors]
    rng = np.random.default_rng(seed)
    for row in values:
        rows = np.flatnonzero(rng.random(3) < 0.8)  # not every tag has a sample each second
        before = bank.ratio(rows, row[rows])
        z, ratio, _, _ = bank.observe_many(rows, row[rows])
        assert ratio.tolist() == before.tolist()
        assert z == pytest.approx([scalars[r].z(row[r]) for r in rows], rel=1e-7, abs=1e-7)
        assert ratio == pytest.approx([scalars[r].ratio(row[r]) for r in rows], rel=1e-7, abs=1e-7)
        for r in rows:
            scalars[r].learn_one({"value": row[r]})
    for place, scalar in enumerate(scalars):
        same(bank.state_of(place), scalar.state)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_difference_variance_bank_equals_its_reference(seed: int) -> None:
    values = signal(seed, 260, 3)
    bank = DifferenceVarianceBank(np.full(3, 0.01), QUICK_VARIANCE)
    scalars = [GatedDifferenceVariance(0.01, QUICK_VARIANCE) for _ in range(3)]
    every = slice(None)
    for row in values:
        logs = bank.log_variance(every, row)
        z = bank.score_many(every, row)
        assert z == pytest.approx([s.z(v) for s, v in zip(scalars, row, strict=True)], rel=1e-7, abs=1e-7)
        ratio, log_variance = bank.observe_many(every, row)
        assert log_variance.tolist() == logs.tolist()
        assert ratio == pytest.approx(
            [s.ratio(v) for s, v in zip(scalars, row, strict=True)], rel=1e-7, abs=1e-7
        )
        for scalar, value in zip(scalars, row, strict=True):
            scalar.learn_one({"value": value})
    for place, scalar in enumerate(scalars):
        same(bank.state_of(place), scalar.state)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-4, 0.3, 1000.0]), st.sampled_from([-500.0, 0.0, 1e4]))
def test_units_and_zero_points_change_no_ratio(seed: int, scale: float, shift: float) -> None:
    values = signal(seed, 260, 3)
    floor = np.array([0.01, 0.1, 0.05])
    banks = [LevelBank(floor, QUICK, QUICK_RECENT), LevelBank(floor * scale, QUICK, QUICK_RECENT)]
    variances = [
        DifferenceVarianceBank(floor, QUICK_VARIANCE),
        DifferenceVarianceBank(floor * scale, QUICK_VARIANCE),
    ]
    every = slice(None)
    for row in values:
        other = row * scale + shift
        first, second = banks[0].observe_many(every, row)[1], banks[1].observe_many(every, other)[1]
        assert first == pytest.approx(second, rel=1e-4, abs=1e-4)
        first, second = variances[0].observe_many(every, row)[0], variances[1].observe_many(every, other)[0]
        assert first == pytest.approx(second, rel=1e-3, abs=1e-3)


def test_the_order_of_tags_changes_nothing() -> None:
    values, order = signal(5, 300, 4), np.array([2, 0, 3, 1])
    straight, shuffled = LevelBank(np.full(4, 0.1)), LevelBank(np.full(4, 0.1))
    for row in values:
        first = straight.observe_many(slice(None), row)[1]
        second = shuffled.observe_many(slice(None), row[order])[1]
        assert first[order].tolist() == second.tolist()


def noise(rng: np.random.Generator, level: float, seconds: int) -> list[NDArray[np.float64]]:
    return [rng.normal(level, 1, 1) for _ in range(seconds)]


def fed(bank: LevelBank, values: list[NDArray[np.float64]]) -> list[float]:
    """The ratio to the limit of each value of one tag."""
    return [float(bank.observe_many(slice(None), value)[1][0]) for value in values]


def test_the_limit_widens_with_experience_and_not_without_end() -> None:
    rng, bank = np.random.default_rng(9), LevelBank(np.array([1e-9]))
    limits = []
    for samples in (400, 400, 8_000):
        fed(bank, noise(rng, 20, samples))
        limits.append(float(bank.limit[0]))
    first = float(bank.usual.first[0])
    assert limits[0] == pytest.approx(first, rel=0.01)
    assert limits == sorted(limits)
    assert limits[2] > 1.3 * limits[0]
    bank.usual.count[:] = 1e9 - 1e9 % at.REFRESH - 1
    fed(bank, noise(rng, 20, 1))
    assert bank.limit[0] == pytest.approx(at.WIDEST * first)


def test_the_widened_limit_survives_a_restart() -> None:
    rng, before, after = np.random.default_rng(9), LevelBank(np.array([0.1])), LevelBank(np.array([0.1]))
    fed(before, noise(rng, 20, 2_000))
    after.restore_of(0, json.loads(json.dumps(before.state_of(0))))
    rest = noise(rng, 20, 100)
    assert fed(after, rest) == fed(before, rest)
    assert after.limit[0] == before.limit[0] > 1.2 * before.usual.first[0]


def test_an_operating_point_that_moves_during_warm_up_is_learned_anew() -> None:
    rng, bank = np.random.default_rng(3), LevelBank(np.array([1e-9]))
    fed(bank, noise(rng, 20, 180) + noise(rng, 120, 320))
    assert bank.limit[0] < 10
    assert fed(bank, noise(rng, 90, 3))[-1] < -1


def test_also_one_that_moves_soon_after_the_start() -> None:
    rng, bank = np.random.default_rng(3), LevelBank(np.array([1e-9]))
    fed(bank, noise(rng, 20, 60) + noise(rng, 120, 440))
    assert bank.usual.slow[0] == pytest.approx(120, abs=1)
    assert fed(bank, noise(rng, 110, 5))[-1] < -1


def test_the_reference_is_held_during_a_fault_and_given_up_in_the_end() -> None:
    rng, bank = np.random.default_rng(4), LevelBank(np.array([1e-9]), QUICK, QUICK_RECENT)
    fed(bank, noise(rng, 50, 100))
    before = bank.usual.slow[0]
    fed(bank, noise(rng, 90, 40))
    assert abs(bank.usual.slow[0] - before) < 3
    fed(bank, noise(rng, 90, 40))
    assert abs(bank.usual.slow[0] - 90) < 5


def test_a_small_shift_that_lasts_is_seen_though_no_sample_of_it_stands_out() -> None:
    rng, bank = np.random.default_rng(6), LevelBank(np.array([1e-9]))
    quiet = fed(bank, noise(rng, 50, 600))
    shifted = np.abs(fed(bank, noise(rng, 51.3, 200)))
    assert np.abs(quiet).max() < 1
    assert shifted[:5].max() < 1
    assert (shifted[60:] > 1).mean() > 0.9


def wandering(rng: np.random.Generator, seconds: int) -> list[NDArray[np.float64]]:
    """A temperature that swings slowly, with little noise."""
    path = np.zeros(seconds)
    speed = 0.0
    for i in range(1, seconds):
        speed = 0.98 * speed + rng.normal(0, 0.004)
        path[i] = 0.999 * path[i - 1] + speed
    return [np.array([70 + value + rng.normal(0, 0.02)]) for value in path]


def test_what_wanders_is_given_more_room_until_much_of_it_was_seen() -> None:
    loud = [
        np.abs(fed(LevelBank(np.array([1e-9])), wandering(np.random.default_rng(seed), 1500)))
        for seed in range(10)
    ]
    assert np.mean([(ratio > 1).mean() for ratio in loud]) < 0.02
    bank = LevelBank(np.array([1e-9]))
    fed(bank, noise(np.random.default_rng(1), 50, 400))
    wanders = LevelBank(np.array([1e-9]))
    fed(wanders, wandering(np.random.default_rng(1), 400))
    assert wanders.usual.caution[0] > 2 * bank.usual.caution[0]


def test_a_deviation_that_comes_back_most_of_the_way_is_over() -> None:
    rng, bank = np.random.default_rng(8), LevelBank(np.array([1e-9]))
    fed(bank, noise(rng, 50, 500) + noise(rng, 150, 200))
    left = fed(bank, noise(rng, 62, 100))  # twelve sigma from where it was: another normal
    assert np.abs(left[at.RETURN_SAMPLES + 30 :]).max() < 1
    assert abs(fed(bank, noise(rng, 50, 10))[-1]) > 1


def test_one_step_of_the_level_is_no_noise() -> None:
    rng, bank = np.random.default_rng(9), DifferenceVarianceBank(np.array([1e-9]))
    quiet, stepped = rng.normal(50, 1, 500), rng.normal(5000, 1, 200)
    ratios = [float(bank.observe_many(slice(None), np.array([v]))[0][0]) for v in [*quiet, *stepped]]
    assert np.abs(ratios).max() < 1
    noisy = [float(bank.observe_many(slice(None), np.array([v]))[0][0]) for v in rng.normal(5000, 6, 60)]
    assert max(noisy) > 1


def test_more_samples_of_warm_up_put_off_the_limit() -> None:
    rng, bank = np.random.default_rng(2), GatedBank(np.full(2, 0.1), USUAL)
    bank.warm_up[:] = [200, 600]
    for second in range(650):
        bank.learn_many(slice(None), rng.normal(50, 1, 2))
        assert np.isfinite(bank.limit).tolist() == [second >= 199, second >= 599]


@pytest.mark.parametrize(
    "damage", [{"caution": 0.5}, {"tau": 0.0}, {"limit": -1.0}, {"fast": "nan"}, {"top": [1.0]}]
)
def test_odd_state_is_refused(damage: dict[str, object]) -> None:
    bank = LevelBank(np.array([0.1]))
    fed(bank, noise(np.random.default_rng(1), 50, 450))
    state = json.loads(json.dumps(bank.state_of(0)))
    state["usual"] |= damage
    with pytest.raises(ValueError, match="not the state"):
        LevelBank(np.array([0.1])).restore_of(0, state)


def test_a_million_samples_leave_the_numbers_sound() -> None:
    bank, rng = GatedBank(np.array([1e-9, 1e-9]), USUAL), np.random.default_rng(1)
    bank.count[:] = bank.age[:] = 1e6
    bank.learned[:], bank.limit[:], bank.slow[:] = 1e6, 5.0, 50.0
    for _ in range(3000):
        bank.learn_many(slice(None), np.array([50.0, rng.normal(50, 1)]))
    for name in GatedBank.FIELDS:
        assert np.isfinite(getattr(bank, name)).all(), name


def test_single_outliers_are_no_alarm() -> None:
    rng, bank = np.random.default_rng(11), LevelBank(np.array([1e-9]))
    values = rng.standard_t(4, 12_000)
    loud = np.abs([float(bank.observe_many(slice(None), np.array([50 + v]))[1][0]) for v in values]) > 1
    assert (loud[2:] & loud[1:-1] & loud[:-2]).mean() < 0.002
