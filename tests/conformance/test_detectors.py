"""One suite for every detector that a plant can be configured with."""

import json
import math
import pickle

import numpy as np
import pytest

from optria.core.asset import DetectorChoice
from optria.core.errors import ConfigurationError
from optria.streams.detectors.registry import (
    BUILT_IN,
    OWN,
    REFUSED,
    WARM_UP,
    Attached,
    build,
    looks_at_one_tag,
    names,
)
from tests.streams.plants import Run, normal_run, plant

CHOSEN = [name for name in names() if name != BUILT_IN]
PARAMETERS: dict[str, dict[str, int]] = {
    "HalfSpaceTrees": {"n_trees": 10, "height": 6, "window_size": 50, "seed": 1},
    "LODA": {"n_random_cuts": 20, "seed": 1},
}


def choice(name: str, **values: str) -> DetectorChoice:
    return DetectorChoice(name, PARAMETERS.get(name, {}), **values)


def attached(name: str) -> Attached:
    tags = 1 if looks_at_one_tag(build(choice(name))) else 3
    return Attached(choice(name), range(tags), [(40.0, 60.0)] * tags)


def values(count: int, seed: int = 1) -> list[float]:
    return [float(v) for v in np.random.default_rng(seed).normal(50, 1, count)]


def see(detector: Attached, value: float) -> float:
    """The same value on every tag of a detector."""
    return detector.observe([value] * len(detector.rows))


@pytest.mark.clause("C5")
@pytest.mark.parametrize("name", CHOSEN)
def test_it_scores_before_it_has_learned_anything(name: str) -> None:
    assert see(attached(name), 50.0) == 0.0


@pytest.mark.clause("C5", "A6")
@pytest.mark.parametrize("name", CHOSEN)
def test_it_tells_a_large_deviation_from_normal_operation(name: str) -> None:
    detector = attached(name)
    for value in values(WARM_UP + 50):
        see(detector, value)
    usual = [see(detector, value) for value in values(50, seed=2)]
    unusual = [see(detector, 95.0) for _ in range(20)]
    assert max(unusual) > 1.0
    assert np.mean(usual) < np.mean(unusual)


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_not_a_number_never_reaches_it(name: str) -> None:
    detector, twin = attached(name), attached(name)
    for value in values(150):
        see(detector, value)
        see(twin, value)
        assert see(detector, math.nan) == 0.0
        assert see(detector, math.inf) == 0.0
    assert detector.count == twin.count


@pytest.mark.parametrize("name", CHOSEN)
def test_its_memory_is_bounded(name: str) -> None:
    detector = attached(name)
    sizes = []
    for seed in range(3):
        for value in values(600, seed):
            see(detector, value)
        sizes.append(len(pickle.dumps(detector.detector)))
    assert sizes[2] < 1.2 * sizes[1] + 1024


@pytest.mark.parametrize("name", sorted(OWN))
def test_its_state_is_json_and_small(name: str) -> None:
    detector = attached(name)
    for value in values(500):
        see(detector, value)
    assert len(json.dumps(detector.detector.state, allow_nan=False)) < 2048


@pytest.mark.parametrize("name", CHOSEN)
def test_a_reset_one_warms_up_again(name: str) -> None:
    detector = attached(name)
    for value in values(WARM_UP + 1):
        see(detector, value)
    detector.reset()
    assert see(detector, 95.0) == 0.0
    assert detector.count == 1


@pytest.mark.clause("A6", "C5")
@pytest.mark.parametrize("name", [BUILT_IN, "ZScore", "HalfSpaceTrees", "GaussianScorer"])
def test_it_sets_the_anchor_of_a_plant(name: str) -> None:
    model = plant(2, detectors=(choice(name, asset_type="Pump"),))
    run = Run(model).feed(normal_run(model, 401))
    assert run.anchors == []
    onset = run.time
    faulty = normal_run(model, 60, seed=2)
    faulty[:, :3] += 60.0
    run.feed(faulty)
    assert {a.asset_id for a in run.anchors} == {1}
    assert 0 <= (run.anchors[0].time - onset).total_seconds() < 30
    assert name == BUILT_IN or run.anchors[0].detector == name


@pytest.mark.parametrize("name", [*REFUSED, "Nonsense", "base"])
def test_what_cannot_run_in_line_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        build(DetectorChoice(name))


def test_wrong_parameters_are_refused_and_the_rest_goes_on() -> None:
    wrong = DetectorChoice("HalfSpaceTrees", {"leaves": 3})
    with pytest.raises(ConfigurationError, match="leaves"):
        build(wrong)
    run = Run(plant(1, detectors=(wrong,)))
    assert run.pipeline.scorer.chosen.refused
    assert run.pipeline.scorer.chosen.built_in_assets.all()
