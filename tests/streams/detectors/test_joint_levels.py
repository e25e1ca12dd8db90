"""T² of levels: equal to its scalar reference; and the whole joint bank as the scorer sees it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optria.streams.detectors.joint import CHANNELS, JointBank
from optria.streams.detectors.joint_levels import LevelT2Bank
from optria.streams.detectors.joint_tuning import FORECAST, JOINT, after
from optria.streams.detectors.reference_joint import JointT2

QUICK_JOINT = replace(JOINT, invert_from=20, calibrate_from=40, warm_up=70, patience=30)
QUICK_FORECAST = replace(FORECAST, gains=(0.5, 0.4, 0.3, 0.2), variance=0.4, block=8, begin=24, warm_up=70)
MIXED = [np.full(3, 0.01), np.full(12, 0.01), np.full(4, 0.01)]


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
def test_the_bank_equals_its_reference_also_beside_a_larger_asset(seed: int) -> None:
    values, other = signal(seed, 200, 3), signal(seed + 1, 200, 5)
    bank = LevelT2Bank([np.full(3, 0.01), np.full(5, 0.01)], QUICK_JOINT)
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
    bank, rng = LevelT2Bank([np.full(3, 0.01)], QUICK_JOINT), np.random.default_rng(1)
    asset, every = np.array([0]), np.ones((1, 3), bool)
    for _ in range(100):
        row = rng.normal(50, 1, (1, 3))
        bank.learn_many(asset, row, row * 0, every)
    gone = np.array([[True, True, False]])
    excess = bank.score_many(asset, np.array([[50.0, 50.0, 9e9]]), np.zeros((1, 3)), gone)
    assert (excess / bank.limit[asset]).max() < 0.5


def mixed_rows(seed: int, rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng, fresh = np.random.default_rng(seed), np.zeros((3, 12), bool)
    for asset, floor in enumerate(MIXED):
        fresh[asset, : len(floor)] = True
    return np.where(fresh, rng.normal(50, 1, (rows, 3, 12)), 0.0), fresh


def test_assets_of_any_size_and_order_share_a_bank() -> None:
    bank, alone = (
        JointBank(MIXED, QUICK_JOINT, QUICK_FORECAST),
        JointBank(MIXED[1:2], QUICK_JOINT, QUICK_FORECAST),
    )
    values, fresh = mixed_rows(1, 200)
    for row in values:
        order = np.array([2, 1, 0])
        ratio = bank.observe_many(order, row[order], np.zeros((3, 12)), fresh[order])
        only = alone.observe_many(np.array([0]), row[1:2], np.zeros((1, 12)), fresh[1:2])
        assert ratio.shape == (3, CHANNELS)
        assert ratio[1] == pytest.approx(only[0])
    assert np.isfinite(bank.limit[1]).sum() > 5
    assert bank.residuals(2, values[-1, 2], np.zeros(12), fresh[2]).shape == (CHANNELS, 12)


def test_observing_is_scoring_and_then_learning() -> None:
    one, other = (JointBank(MIXED, QUICK_JOINT, QUICK_FORECAST) for _ in range(2))
    values, fresh = mixed_rows(2, 160)
    every, logs = np.arange(3), np.zeros((3, 12))
    for row in values:
        ratio = one.ratio(every, one.score_many(every, row, logs, fresh))
        one.learn_many(every, row, logs, fresh)
        assert ratio == pytest.approx(other.observe_many(every, row, logs, fresh))


def test_a_tag_that_comes_late_begins_its_asset_anew_and_no_other() -> None:
    bank = JointBank(MIXED, QUICK_JOINT, QUICK_FORECAST)
    values, fresh = mixed_rows(3, 121)
    every, logs = np.arange(3), np.zeros((3, 12))
    without = fresh.copy()
    without[1, 11] = False
    for row in values[:120]:
        bank.observe_many(every, row, logs, without)
    assert bank.forecasts[1].rows[0] > 0
    bank.observe_many(every, values[120], logs, fresh)
    assert bank.count.tolist() == [121, 1, 121]
    assert bank.forecasts[1].rows[0] == 0


def test_the_state_of_an_asset_is_json_and_comes_back() -> None:
    bank, again = (JointBank(MIXED, QUICK_JOINT, QUICK_FORECAST) for _ in range(2))
    values, fresh = mixed_rows(4, 160)
    every, logs = np.arange(3), np.zeros((3, 12))
    for row in values:
        bank.observe_many(every, row, logs, fresh)
    state = json.loads(json.dumps(bank.state_of(1)))
    again.restore_of(1, state)
    assert again.state_of(1) == state
    assert np.isfinite(again.limit[1]).tolist() == np.isfinite(bank.limit[1]).tolist()
    with pytest.raises((KeyError, TypeError, ValueError)):
        again.restore_of(0, state)


def test_a_new_normal_is_taken_over_at_once() -> None:
    bank, (values, fresh) = JointBank(MIXED, QUICK_JOINT, QUICK_FORECAST), mixed_rows(5, 260)
    every, logs = np.arange(3), np.zeros((3, 12))
    values[200:, 1, :3] += 6.0
    for row in values[:230]:
        ratio = bank.observe_many(every, row, logs, fresh)
    before = ratio[1].max()
    assert before > 1.5
    for row in values[230:250]:
        bank.rebase(np.array([1]))
        ratio = bank.observe_many(every, row, logs, fresh)
    assert ratio[1].max() < 0.5 * before


def test_a_shorter_warm_up_is_ready_in_time() -> None:
    levels, forecast = after(180)
    bank, (values, fresh) = JointBank(MIXED, levels, forecast), mixed_rows(6, 180)
    for row in values:
        bank.observe_many(np.arange(3), row, np.zeros((3, 12)), fresh)
    assert np.isfinite(bank.limit[:, :4]).all()
    assert after(None) == (JOINT, FORECAST)
