from dataclasses import replace
from itertools import pairwise

import numpy as np

from optria.core.asset import Link, PlantModel
from tests.streams.plants import Run, normal_run, plant

WARM = 460


def warm(model: PlantModel) -> Run:
    return Run(model).feed(closely_coupled(normal_run(model, WARM)))


def closely_coupled(values: np.ndarray) -> np.ndarray:
    """Three of the six tags of the first asset follow one another within a tenth."""
    noise = np.random.default_rng(len(values)).normal(0, 0.1, (len(values), 3))
    values[:, [0, 1, 5]] = values[:, [5]] + noise
    return values


def drifting(model: PlantModel) -> np.ndarray:
    values = closely_coupled(normal_run(model, 120, seed=3))
    values[:, 0] += np.minimum(np.arange(120) / 60, 1.0) * 8
    return values


def test_a_tag_that_drifts_alone_is_an_instrument() -> None:
    run = warm(plant(2)).feed(drifting(plant(2)))
    assert [(a.mode, a.contributions[0].tag) for a in run.anchors] == [("sensor", 100)]


def test_not_while_a_linked_asset_deviates() -> None:
    model = replace(plant(2), links=(Link(2, 1),))
    values = drifting(model)
    values[:, 6:9] += 30.0
    run = warm(model).feed(values)
    assert {a.asset_id: a.mode for a in run.anchors} == {1: "process", 2: "process"}


def test_a_frozen_tag_is_the_process_when_others_moved() -> None:
    model = plant(1)
    run = warm(model)
    values = closely_coupled(normal_run(model, 120, seed=3))
    values[:, 2] = values[0, 2]
    values[20:, [3, 4]] += 40.0
    run.feed(values)
    assert [a.mode for a in run.anchors] == ["process"]


def test_contributions_come_strongest_first_with_their_onset() -> None:
    model = plant(1)
    run = Run(model).feed(normal_run(model, WARM))
    values = normal_run(model, 60, seed=2)
    values[:, 4] += 60.0
    values[4:, 0] -= 20.0
    begin = run.time
    run.feed(values)
    (anchor,) = run.anchors
    assert anchor.contributions[0].tag == 104
    assert all(a.score >= b.score for a, b in pairwise(anchor.contributions))
    blame = run.pipeline.blame(1)
    onset = {c.tag: c.first_onset for c in blame.contributions}
    first, second = onset[104], onset[100]
    assert first is not None
    assert second is not None
    assert begin < first < second
