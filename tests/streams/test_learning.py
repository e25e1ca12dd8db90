"""What a stream has learned: settings of it, forgetting, and the end of training."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from optria.core.asset import DetectorChoice, PlantModel
from optria.core.errors import ConfigurationError, NotFound
from optria.kit.settings import Settings
from optria.streams.detectors.built_in import BuiltIn, built_in
from optria.streams.detectors.registry import build
from optria.streams.pipeline import Pipeline
from tests.streams.plants import Run, normal_run, plant

WARM = 460


def disturbed(model: PlantModel, seconds: int, size: float = 15.0, seed: int = 2) -> np.ndarray:
    """Flow falls on asset 1."""
    values = normal_run(model, seconds, seed)
    values[:, 0] -= size
    return values


def with_pipeline(run: Run, warm_up: int | None = None, rewarm_gap_us: int = 3_600_000_000) -> Run:
    run.pipeline = Pipeline(
        run.model,
        Settings(),
        run.anchors.append,
        run.events.append,
        run.cleared.append,
        now=lambda: run.time,
        warm_up=warm_up,
        rewarm_gap_us=rewarm_gap_us,
    )
    return run


def test_an_asset_that_was_repaired_is_learned_anew_alone() -> None:
    model = plant(2)
    run = Run(model).feed(normal_run(model, WARM)).feed(disturbed(model, 30))
    assert run.pipeline.anchoring.active(1)
    run.pipeline.rebaseline(1)
    assert run.cleared == [1]
    assert not run.pipeline.anchoring.active(1)
    assert run.pipeline.expected(100) is None
    assert run.pipeline.expected(200) is not None
    run.feed(disturbed(model, WARM, seed=4))
    assert len(run.anchors) == 1
    low, high = run.pipeline.expected(100) or (0.0, 0.0)
    assert low < 35 < high


def test_an_asset_without_tags_cannot_be_learned_anew() -> None:
    with pytest.raises(NotFound):
        Run(plant(1)).pipeline.rebaseline(99)


def test_what_was_away_at_the_end_of_training_is_no_anchor_after_it() -> None:
    model = plant(1)
    values = disturbed(model, 360)
    run = Run(model).feed(normal_run(model, WARM)).feed(values[:60])
    (trained,) = run.anchors
    run.pipeline.end_warm_up()
    assert run.cleared == []
    run.feed(values[60:100])
    assert run.anchors == [trained]
    run.feed(disturbed(model, 30, size=40.0, seed=5))
    assert len(run.anchors) == 2


@pytest.mark.parametrize("warm_up", [200, 700])
def test_the_warm_up_can_be_shorter_or_longer(warm_up: int) -> None:
    model = plant(1)
    run = with_pipeline(Run(model), warm_up=warm_up)
    run.feed(normal_run(model, warm_up - 1))
    assert run.pipeline.expected(100) is None
    run.feed(normal_run(model, 2, seed=5)).feed(disturbed(model, 20))
    assert run.pipeline.expected(100) is not None
    assert [a.asset_id for a in run.anchors] == [1]


@pytest.mark.parametrize(("gap_us", "kept"), [(3_600_000_000, False), (10**15, True)])
def test_a_gap_in_time_is_forgotten_over_only_if_it_is_longer_than_told(gap_us: int, kept: bool) -> None:
    model = plant(1)
    run = with_pipeline(Run(model), rewarm_gap_us=gap_us).feed(normal_run(model, WARM))
    run.time += timedelta(hours=5)
    run.feed(normal_run(model, 5, seed=3))
    assert (run.pipeline.expected(100) is not None) == kept


def test_state_of_an_older_version_is_refused_and_counted() -> None:
    run = Run(plant(1)).feed(normal_run(plant(1), WARM))
    state = json.loads(json.dumps(run.pipeline.state()))
    again = Run(run.model)
    assert again.pipeline.restore(state | {"version": 1}) == 0
    assert again.pipeline.counts["detector state_refused"] == 1


def test_a_sensitive_asset_type_alarms_at_less() -> None:
    settled = plant(1, detectors=(DetectorChoice("BuiltIn", {"sensitivity": 0.3}, asset_type="Pump"),))
    alarms = []
    for model in (plant(1), settled):
        run = Run(model).feed(normal_run(model, WARM)).feed(disturbed(model, 20, size=4.0))
        alarms.append(len(run.anchors))
    assert alarms == [1, 0]


def test_settings_are_of_an_asset_type_before_those_of_every_asset() -> None:
    every = DetectorChoice("BuiltIn", {"warm_up": 600})
    pumps = DetectorChoice("BuiltIn", {"hold": 5.0}, asset_type="Pump")
    scorer = Run(plant(1, detectors=(every, pumps))).pipeline.scorer
    assert scorer.settings == [BuiltIn(hold=5.0)]
    assert scorer.level.usual.hold.tolist() == [5.0] * 6
    assert Run(plant(1, detectors=(every,))).pipeline.scorer.level.recent.warm_up.tolist() == [600.0] * 6


@pytest.mark.parametrize(
    "parameters",
    [{"sensitivty": 1.0}, {"warm_up": 10}, {"hold": "far"}, {"sensitivity": True}, {"hold": float("nan")}],
)
def test_settings_that_mean_nothing_are_refused(parameters: dict[str, float | int | str | bool]) -> None:
    with pytest.raises(ConfigurationError):
        build(DetectorChoice("BuiltIn", parameters))


def test_settings_have_the_usual_values_when_not_said() -> None:
    assert built_in({}) == BuiltIn()
    assert replace(BuiltIn(), warm_up=500.0) == built_in({"warm_up": 500})


@pytest.mark.parametrize(("scale", "shift"), [(1000.0, 0.0), (0.01, 500.0)])
def test_units_names_and_order_of_tags_change_no_alarm(scale: float, shift: float) -> None:
    plain = plant(1)
    bare = replace(
        plain,
        mappings=tuple(
            replace(m, low=None, high=None, normal_low=None, normal_high=None) for m in plain.mappings
        ),
    )
    renamed = replace(
        bare, mappings=tuple(replace(m, id=900 - m.id, external_tag=f"X{m.id}") for m in bare.mappings)
    )
    values = np.r_[normal_run(bare, WARM), disturbed(bare, 90), normal_run(bare, 90, seed=6)]
    first = Run(bare).feed(values)
    second = Run(renamed).feed(values * scale + shift)
    assert len(first.anchors) == 1
    assert [a.time for a in second.anchors] == [a.time for a in first.anchors]
    assert second.anchors[0].score == pytest.approx(first.anchors[0].score, rel=1e-3)
    assert second.anchors[0].contributions[0].tag == 900 - first.anchors[0].contributions[0].tag
