"""The banks compute what the scalar River estimators compute."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optria.streams.detectors.bank import DifferenceVarianceBank, LevelBank
from optria.streams.detectors.joint import JointBank
from optria.streams.detectors.joint_tuning import JOINT
from optria.streams.detectors.reference import GatedDifferenceVariance, GatedLevel
from optria.streams.detectors.reference_joint import JointT2
from optria.streams.detectors.tuning import DIFFERENCE_VARIANCE, LEVEL

QUICK = replace(LEVEL, calibrate_from=20, warm_up=60, settled=30, patience=50, restless=8)
QUICK_VARIANCE = replace(
    DIFFERENCE_VARIANCE, calibrate_from=20, warm_up=60, settled=30, patience=50, restless=8
)
QUICK_JOINT = replace(JOINT, invert_from=20, calibrate_from=40, warm_up=70, patience=30)


def signal(seed: int, seconds: int, tags: int) -> NDArray[np.float64]:
    """Noise with steps and a noisy stretch, so that references are held, given up and released."""
    rng = np.random.default_rng(seed)
    values = rng.normal(50, 1, (seconds, tags)).cumsum(axis=0) * 0.02 + rng.normal(50, 1, (seconds, tags))
    step = rng.integers(10, seconds)
    values[step:, 0] += rng.normal(0, 30)
    noisy = rng.integers(10, seconds)
    values[noisy : noisy + 40, tags - 1] += rng.normal(0, 15, (len(values[noisy : noisy + 40]),))
    return np.asarray(values)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_level_bank_equals_its_reference(seed: int) -> None:
    values = signal(seed, 220, 3)
    bank = LevelBank(np.array([0.01, 0.1, 1e-9]), QUICK)
    scalars = [GatedLevel(floor, QUICK) for floor in (0.01, 0.1, 1e-9)]
    rng = np.random.default_rng(seed)
    for row in values:
        rows = np.flatnonzero(rng.random(3) < 0.8)  # not every tag has a sample each second
        z = bank.score_many(rows, row[rows])
        assert z == pytest.approx([scalars[r].z(row[r]) for r in rows], rel=1e-9, abs=1e-9)
        bank.learn_many(rows, row[rows])
        for r in rows:
            scalars[r].learn_one({"value": row[r]})
    for place, scalar in enumerate(scalars):
        expected = scalar.state
        assert {k: v for k, v in bank.state_of(place).items() if k != "top"} == pytest.approx(
            {k: v for k, v in expected.items() if k != "top"}, rel=1e-9, abs=1e-9
        )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_difference_variance_bank_equals_its_reference(seed: int) -> None:
    values = signal(seed, 220, 3)
    bank = DifferenceVarianceBank(np.full(3, 0.01), QUICK_VARIANCE)
    scalars = [GatedDifferenceVariance(0.01, QUICK_VARIANCE) for _ in range(3)]
    every = slice(None)
    for row in values:
        z = bank.score_many(every, row)
        assert z == pytest.approx([s.z(v) for s, v in zip(scalars, row, strict=True)], rel=1e-8, abs=1e-8)
        bank.learn_many(every, row)
        for scalar, value in zip(scalars, row, strict=True):
            scalar.learn_one({"value": value})
    assert bank.reference.tolist() == pytest.approx([s.reference for s in scalars])


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_joint_bank_equals_its_reference_also_beside_a_larger_asset(seed: int) -> None:
    values, other = signal(seed, 200, 3), signal(seed + 1, 200, 5)
    bank = JointBank([np.full(3, 0.01), np.full(5, 0.01)], QUICK_JOINT)
    scalar = JointT2(dict.fromkeys("abc", 0.01), QUICK_JOINT)
    assets, fresh = np.array([0, 1]), np.array([[True] * 3 + [False] * 2, [True] * 5])
    for mine, theirs in zip(values, other, strict=True):
        both = np.array([[*mine, 0.0, 0.0], theirs])
        sample: dict[object, float] = dict(zip("abc", mine.tolist(), strict=True))
        sample |= {("log", tag): float(np.log(1 + v**2)) for tag, v in zip("abc", mine, strict=True)}
        excess = bank.score_many(assets, both, np.log(1 + both**2), fresh)
        assert excess[0].tolist() == pytest.approx(scalar.excesses(sample), rel=1e-6, abs=1e-6)
        bank.learn_many(assets, both, np.log(1 + both**2), fresh)
        scalar.learn_one(sample)
    assert bank.limit[0].tolist() == pytest.approx([c.limit for c in scalar.channels], rel=1e-6)


def test_a_tag_that_is_not_fresh_takes_no_part() -> None:
    bank, rng = JointBank([np.full(3, 0.01)], QUICK_JOINT), np.random.default_rng(1)
    asset, every = np.array([0]), np.ones((1, 3), bool)
    for _ in range(100):
        row = rng.normal(50, 1, (1, 3))
        bank.learn_many(asset, row, row * 0, every)
    gone = np.array([[True, True, False]])
    excess = bank.score_many(asset, np.array([[50.0, 50.0, 9e9]]), np.zeros((1, 3)), gone)
    assert bank.ratio(asset, excess).max() < 0.5


def test_an_operating_point_that_moves_during_warm_up_is_learned_anew() -> None:
    rng = np.random.default_rng(3)
    bank, every = LevelBank(np.array([1e-9])), slice(None)
    for second in range(500):
        bank.learn_many(every, rng.normal(20 if second < 180 else 120, 1, 1))
    assert bank.limit[0] < 10
    assert bank.score_many(every, np.array([90.0]))[0] < -bank.limit[0]


def test_the_reference_is_held_during_a_fault_and_given_up_in_the_end() -> None:
    rng, bank, every = np.random.default_rng(4), LevelBank(np.array([1e-9]), QUICK), slice(None)
    for _ in range(100):
        bank.learn_many(every, rng.normal(50, 1, 1))
    before = bank.slow[0]
    for _ in range(40):
        bank.learn_many(every, rng.normal(90, 1, 1))
    assert abs(bank.slow[0] - before) < 3
    for _ in range(40):
        bank.learn_many(every, rng.normal(90, 1, 1))
    assert abs(bank.slow[0] - 90) < 5
