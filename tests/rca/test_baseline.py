"""What normal running does not foresee."""

from datetime import timedelta

import numpy as np
import pytest

from optria.rca.baseline import Baseline, Floats, learn_baseline

STEP = timedelta(seconds=10)
NAMES = ("flow", "level", "valve")


def running(rows: int, seed: int) -> Floats:
    """A slow level, a flow that follows it, and a valve that works against it."""
    rng = np.random.default_rng(seed)
    level = np.zeros(rows)
    for row in range(1, rows):
        level[row] = 0.9 * level[row - 1] + rng.normal()
    flow = 100.0 + 5.0 * level + rng.normal(0.0, 1.0, rows)
    valve = 50.0 - 2.0 * np.concatenate([[0.0], level[:-1]]) + rng.normal(0.0, 0.5, rows)
    return np.stack([flow, level, valve], axis=1)


def learned(scale: float = 1.0, offset: float = 0.0) -> Baseline:
    found = learn_baseline(NAMES, STEP, [offset + scale * running(600, seed) for seed in (1, 2)])
    assert found is not None
    return found


def test_normal_running_holds_no_surprise() -> None:
    surprises = learned().surprises(running(500, 3))[2:]
    assert np.abs(surprises.mean(axis=0)).max() < 0.2
    assert surprises.std(axis=0) == pytest.approx(np.ones(3), abs=0.15)


def test_a_tag_that_steps_surprises_more_than_those_that_follow() -> None:
    values = running(500, 3)
    values[250:, 2] += 5.0
    size = np.abs(learned().surprises(values)[250:].mean(axis=0))
    assert size.argmax() == 2
    assert size[2] > 3.0 * max(size[0], size[1])


def test_units_do_not_matter() -> None:
    plain = learned().surprises(running(200, 3))
    scaled = learned(1000.0, 7.0).surprises(7.0 + 1000.0 * running(200, 3))
    assert scaled == pytest.approx(plain, rel=1e-6, abs=1e-6)


def test_what_is_missing_or_never_moved_surprises_nobody() -> None:
    runs = [np.column_stack([running(600, seed), np.full(600, 3.0)]) for seed in (1, 2)]
    found = learn_baseline((*NAMES, "still"), STEP, runs)
    assert found is not None
    values = np.column_stack([running(100, 3), np.full(100, 9.0)])
    values[50:, 0] = np.nan
    surprises = found.surprises(values)
    assert np.isfinite(surprises).all()
    assert not surprises[50:, 0].any()
    assert not surprises[:, 3].any()


def test_too_little_is_no_baseline() -> None:
    assert learn_baseline(NAMES, STEP, [running(40, 1)]) is None
    assert learn_baseline(NAMES, STEP, []) is None
    assert learn_baseline((), STEP, [np.zeros((100, 0))]) is None
