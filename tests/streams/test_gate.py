from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optria.core.asset import PlantModel
from optria.core.tag import Quality, Sample, SampleBatch, to_micros
from optria.streams.gate import Gate
from tests.streams.plants import BEGIN, Run, batch, mapping, normal_run, plant

samples = st.builds(
    Sample,
    tag=st.sampled_from([100, 101, 102, 999]),
    source_time=st.one_of(
        st.integers(-20, 20).map(lambda s: BEGIN + timedelta(seconds=s)),
        st.integers(-20_000, 20_000).map(lambda days: BEGIN + timedelta(days=days)),
    ),
    value=st.floats(width=64),
    quality=st.sampled_from(list(Quality)),
)


def gate(model: PlantModel | None = None) -> Gate:
    return Gate(model or plant(1), lambda: BEGIN)


@pytest.mark.clause("D7", "I4")
@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(samples, max_size=30), max_size=4))
def test_a_detector_only_ever_sees_good_finite_values_forward_in_time(batches: list[list[Sample]]) -> None:
    subject = gate()
    newest: dict[int, datetime] = {}
    for rows in batches:
        admitted = subject.admit(SampleBatch.of(rows))
        for sample, scored in zip(admitted.batch.rows(), admitted.scored, strict=True):
            assert BEGIN - timedelta(days=7) <= sample.source_time <= BEGIN + timedelta(seconds=5)
            assert sample.tag in (100, 101, 102)
            assert sample.tag not in newest or sample.source_time > newest[sample.tag]
            newest[sample.tag] = sample.source_time
            if scored:
                assert np.isfinite(sample.value)
                assert sample.quality == Quality.GOOD
                assert -1000 <= sample.value <= 1000


@settings(max_examples=50, deadline=None)
@given(st.lists(samples, max_size=60))
def test_every_sample_is_admitted_late_or_counted(rows: list[Sample]) -> None:
    subject = gate()
    admitted = subject.admit(SampleBatch.of(rows))
    refused = sum(subject.counts[r] for r in ("unknown_tag", "too_old", "in_future", "duplicate"))
    assert len(admitted.batch) + len(admitted.late) + refused == len(rows)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_shuffled_and_repeated_samples_leave_the_same_state_as_sorted_ones(random: object) -> None:
    model = plant(1)
    values = normal_run(model, 40)
    rows = [
        Sample(m.id, BEGIN + timedelta(seconds=s), float(values[s, i]), Quality.GOOD)
        for s in range(40)
        for i, m in enumerate(model.mappings)
    ]
    mixed = rows + rows[::3]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    ordered, shuffled = Run(model), Run(model)
    for run, content in ((ordered, rows), (shuffled, mixed)):
        run.time = BEGIN + timedelta(seconds=40)
        run.pipeline.ingest(SampleBatch.of(content))
    assert shuffled.pipeline.state() == ordered.pipeline.state()
    assert shuffled.pipeline.counts["duplicate"] == len(rows[::3])


@pytest.mark.clause("C3")
def test_scale_and_offset_turn_raw_values_into_plant_units() -> None:
    model = PlantModel(1, mappings=(mapping(7, scale=0.1, offset=-5.0),))
    assert gate(model).admit(batch([7], [BEGIN], [80.0])).batch.value.tolist() == [3.0]


def test_a_clock_that_is_ahead_is_put_right_before_the_time_is_judged() -> None:
    subject = gate(plant(1, drift_s=90.0))
    admitted = subject.admit(batch([100], [BEGIN + timedelta(seconds=90)], [50.0]))
    assert admitted.batch.source_time.tolist() == [to_micros(BEGIN)]
    assert not subject.counts


@pytest.mark.parametrize(
    ("value", "quality", "reason"),
    [
        (float("nan"), 0, "not_finite"),
        (float("inf"), 0, "not_finite"),
        (2000.0, 0, "out_of_range"),
        (50.0, 2, "bad_quality"),
        (50.0, 1, "uncertain"),
    ],
)
def test_a_flawed_value_is_shown_but_not_scored(value: float, quality: int, reason: str) -> None:
    subject = gate()
    admitted = subject.admit(batch([100], [BEGIN], [value], [quality]))
    assert len(admitted.batch) == 1
    assert not admitted.scored.any()
    assert admitted.batch.quality[0] == (Quality.UNCERTAIN if quality == 1 else Quality.BAD)
    assert subject.counts == {reason: 1}


@pytest.mark.parametrize(
    ("tag", "shift", "reason"),
    [
        (5, timedelta(0), "unknown_tag"),
        (100, timedelta(seconds=6), "in_future"),
        (100, timedelta(days=-8), "too_old"),
    ],
)
def test_what_is_no_sample_of_this_plant_is_refused(tag: int, shift: timedelta, reason: str) -> None:
    subject = gate()
    admitted = subject.admit(batch([tag], [BEGIN + shift], [50.0]))
    assert not len(admitted.batch)
    assert not len(admitted.late)
    assert subject.counts == {reason: 1}


def test_late_samples_are_kept_apart() -> None:
    subject = gate()
    subject.admit(batch([100], [BEGIN], [50.0]))
    admitted = subject.admit(batch([100, 101], [BEGIN - timedelta(seconds=3)] * 2, [49.0, 48.0]))
    assert admitted.batch.tag.tolist() == [101]
    assert admitted.late.value.tolist() == [49.0]


def test_a_plant_without_tags_refuses_everything() -> None:
    subject = gate(PlantModel(1))
    assert not len(subject.admit(batch([1], [BEGIN], [1.0])).batch)
    assert subject.counts == {"unknown_tag": 1}


def test_a_value_that_never_changes_any_more_is_stuck() -> None:
    model = plant(1)
    run = Run(model)
    values = normal_run(model, 300)
    values[150:, 2] = values[150, 2]
    run.feed(values)
    assert run.pipeline.is_stuck(102)
    assert not run.pipeline.is_stuck(101)
    assert run.pipeline.counts["stuck"] > 0
    run.feed(normal_run(model, 2, seed=2))
    assert not run.pipeline.is_stuck(102)
