import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from optria.core.asset import DetectorChoice, PlantModel, Threshold
from optria.core.event import Severity
from optria.core.tag import SampleBatch, to_micros
from optria.streams.detectors.bank import Floats, Rows
from optria.streams.pipeline import slices
from optria.streams.scoring import Scorer
from tests.streams.plants import BEGIN, Run, batch, mapping, normal_run, plant

WARM = 460


def warm(model: PlantModel | None = None) -> Run:
    model = model or plant(2)
    return Run(model).feed(normal_run(model, WARM))


def faulty(model: PlantModel, seconds: int, seed: int = 2) -> np.ndarray:
    """Flow falls and vibration rises on asset 1."""
    values = normal_run(model, seconds, seed)
    ramp = np.minimum(np.arange(seconds) / 20, 1.0)
    values[:, 0] -= 15 * ramp
    values[:, 4] += 15 * ramp
    return values


@pytest.mark.clause("A6", "C4", "C5", "D7", "I4")
def test_a_fault_becomes_one_anchor_on_its_asset_with_the_tags_that_moved() -> None:
    run = warm()
    onset = run.time
    run.feed(faulty(run.model, 120))
    (anchor,) = run.anchors
    assert anchor.asset_id == 1
    assert timedelta(0) <= anchor.time - onset < timedelta(seconds=30)
    assert {c.tag for c in anchor.contributions[:2]} == {100, 104}
    by_tag = {c.tag: c for c in anchor.contributions}
    assert (by_tag[100].direction, by_tag[104].direction) == ("low", "high")
    assert anchor.probability > 0.4
    assert run.pipeline.anchoring.active(1)
    assert not run.pipeline.anchoring.active(2)


def test_normal_operation_sets_no_anchor() -> None:
    assert warm().feed(normal_run(plant(2), 1500, seed=7)).anchors == []


def test_during_warm_up_only_limits_speak() -> None:
    model = plant(1, thresholds=(Threshold("vibration", "high", 60.0, Severity.MAJOR),))
    run = Run(model).feed(normal_run(model, 100)).feed(faulty(model, 100))
    assert run.anchors == []
    assert [e.severity for e in run.events] == [Severity.MAJOR]
    assert run.pipeline.expected(104) is None


def test_a_backfill_in_one_batch_teaches_the_same_as_live_samples() -> None:
    model = plant(2)
    values = normal_run(model, 120)
    live, backfilled = Run(model).feed(values), Run(model)
    backfilled.time = live.time
    tags = np.tile(np.array([m.id for m in model.mappings], np.int32), len(values))
    times = np.repeat(
        [to_micros(BEGIN + timedelta(seconds=i + 1)) for i in range(len(values))], len(model.mappings)
    )
    backfilled.pipeline.ingest(
        SampleBatch(tags, times.astype(np.int64), values.ravel(), np.zeros(len(tags), np.uint8))
    )
    assert backfilled.pipeline.state() == live.pipeline.state()


def test_state_survives_a_restart_as_json_and_scores_on_alike() -> None:
    run = warm()
    saved = json.loads(json.dumps(run.pipeline.state(), allow_nan=False))
    again = Run(run.model)
    again.time = run.time
    assert again.pipeline.restore(saved) == len(run.model.mappings)
    more = faulty(run.model, 60)
    run.feed(more)
    again.feed(more)
    assert again.pipeline.anchoring.scores() == run.pipeline.anchoring.scores()
    assert [a.time for a in again.anchors] == [a.time for a in run.anchors]


def test_samples_that_were_learned_before_a_restart_are_not_learned_twice() -> None:
    run = warm()
    again = Run(run.model)
    again.time = run.time - timedelta(seconds=60)
    again.pipeline.restore(run.pipeline.state())
    again.feed(normal_run(run.model, 60))
    assert again.pipeline.state()["tags"] == run.pipeline.state()["tags"]


@pytest.mark.parametrize(
    "damage",
    [
        {"level": None},
        {"level": {}},
        {"variance": {"gate": 3}},
        {"time": "yesterday"},
        {"level": {"age": "x"}},
    ],
)
def test_damaged_state_is_refused_and_that_tag_warms_up_again(damage: dict[str, object]) -> None:
    run = warm()
    state = json.loads(json.dumps(run.pipeline.state()))
    state["tags"]["100"] |= damage
    again = Run(run.model)
    again.time = run.time
    assert again.pipeline.restore(state) == len(run.model.mappings) - 1
    assert again.pipeline.counts["detector state_refused"] == 1
    assert again.pipeline.expected(100) is None
    assert again.pipeline.expected(101) is not None


def test_the_expected_band_holds_normal_values() -> None:
    run = warm()
    low, high = run.pipeline.expected(101) or (0.0, 0.0)
    assert low < 50 < high
    inside = (normal_run(run.model, 500, seed=5)[:, 1] > low) & (
        normal_run(run.model, 500, seed=5)[:, 1] < high
    )
    assert inside.mean() > 0.95


@pytest.mark.clause("A6")
def test_a_sensor_that_freezes_alone_is_a_sensor_anchor() -> None:
    run = warm()
    values = normal_run(run.model, 120, seed=3)
    values[:, 2] = values[0, 2]
    run.feed(values)
    (anchor,) = run.anchors
    assert (anchor.asset_id, anchor.mode, anchor.contributions[0].tag) == (1, "sensor", 102)


def test_a_source_that_freezes_whole_is_no_sensor_fault() -> None:
    run = warm()
    values = np.repeat(normal_run(run.model, 1, seed=3), 120, axis=0)
    run.feed(values)
    assert [a for a in run.anchors if a.detector == "stuck"] == []


def test_values_that_are_no_measurement_never_move_a_detector() -> None:
    run = warm()
    before = run.pipeline.state()
    run.feed(np.full((200, len(run.model.mappings)), np.nan))
    assert run.pipeline.state() == before
    assert run.anchors == []
    assert run.pipeline.counts["not_finite"] > 0


def test_one_detector_that_fails_is_counted_and_the_others_go_on() -> None:
    # river's Gaussian scorer refuses a grace period that is no number once it has learned something
    broken = DetectorChoice("GaussianScorer", {"grace_period": "soon"}, metric="temperature")
    run = Run(plant(1, detectors=(broken,)))
    run.feed(normal_run(run.model, WARM)).feed(faulty(run.model, 60))
    assert run.pipeline.counts["detector GaussianScorer"] > 0
    assert [a.asset_id for a in run.anchors] == [1]


def test_an_asset_whose_numbers_break_the_detectors_warms_up_again_alone() -> None:
    model = plant(3)
    boundless = tuple(replace(m, low=None, high=None) if m.asset_id == 2 else m for m in model.mappings)
    run = warm(replace(model, mappings=boundless))
    before = run.pipeline.scorer.joint.count.copy()
    with np.errstate(over="raise"), capture_logs() as logs:
        for _ in range(5):
            values = normal_run(run.model, 1, seed=3)
            values[:, 6:12] = 1e200
            run.feed(values)
    learned = run.pipeline.scorer.joint.count - before
    assert (learned[0], learned[2]) == (5, 5)
    assert [run.pipeline.expected(tag) is None for tag in (100, 200, 300)] == [False, True, False]
    assert run.pipeline.counts["detector scoring"] >= 1
    assert [(e["event"], e["asset"]) for e in logs] == [("detectors_reset", 2)]


class Failing(Scorer):
    """A scorer whose vectors of one asset cannot be worked out."""

    failing = 0

    def score_assets(self, assets: Rows) -> Floats:
        if self.failing in assets:
            raise np.linalg.LinAlgError("Singular matrix")
        return super().score_assets(assets)


def test_a_vector_that_cannot_be_scored_keeps_no_other_asset_from_its_anchor() -> None:
    run = Run(plant(2))
    run.pipeline.scorer = scorer = Failing(run.model, run.pipeline.roster, run.pipeline.gate.stuck)
    scorer.failing = 1
    with capture_logs() as logs:
        run.feed(normal_run(run.model, WARM)).feed(faulty(run.model, 60))
    assert [anchor.asset_id for anchor in run.anchors] == [1]
    assert run.pipeline.counts["detector scoring"] > WARM / 2
    assert [(e["event"], e["asset"]) for e in logs] == [("detectors_reset", 2)]
    alone = Run(run.model).feed(normal_run(run.model, WARM)).feed(faulty(run.model, 60))
    assert scorer.joint.state_of(0) == alone.pipeline.scorer.joint.state_of(0)


def test_tags_of_different_rates_are_scored_together() -> None:
    model = plant(1)
    slow = {104, 105}
    model = PlantModel(
        1,
        assets=model.assets,
        mappings=tuple(
            mapping(m.id, 1, m.metric, scan_s=10.0) if m.id in slow else m for m in model.mappings
        ),
    )
    run, values = Run(model), np.r_[normal_run(model, 4200), faulty(model, 120)]
    for second, row in enumerate(values):
        run.time += timedelta(seconds=1)
        kept = [i for i, m in enumerate(model.mappings) if m.id not in slow or second % 10 == 0]
        run.pipeline.ingest(batch([model.mappings[i].id for i in kept], [run.time] * len(kept), row[kept]))
    assert [a.asset_id for a in run.anchors] == [1]
    assert run.anchors[0].time > BEGIN + timedelta(seconds=4200)


def test_parts_of_a_batch_hold_each_tag_once_in_order() -> None:
    parts = slices(np.array([0, 1, 0, 2, 1, 1, 0]))
    assert [p.tolist() for p in parts] == [[0, 1], [2, 3, 4], [5, 6]]
    assert slices(np.empty(0, np.intp)) == []


def closely_coupled(values: np.ndarray) -> np.ndarray:
    """Three of the six tags follow one another within a tenth."""
    noise = np.random.default_rng(len(values)).normal(0, 0.1, (len(values), 3))
    values[:, [0, 1, 5]] = values[:, [5]] + noise
    return values


def test_a_tag_that_leaves_its_close_neighbours_alone_is_a_sensor_anchor() -> None:
    model = plant(2)
    run = Run(model).feed(closely_coupled(normal_run(model, WARM)))
    values = closely_coupled(normal_run(model, 120, seed=3))
    values[:, 0] += np.minimum(np.arange(120) / 60, 1.0) * 8
    run.feed(values)
    (anchor,) = run.anchors
    assert (anchor.asset_id, anchor.mode, anchor.contributions[0].tag) == (1, "sensor", 100)
