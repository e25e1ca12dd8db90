"""Samples as plants deliver them: no numbers, out of order, twice, of wrong times and clocks, frozen."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.incident import Anchor
from optria.core.tag import EPOCH, Quality, Sample, SampleBatch, from_micros, to_micros
from optria.kit.settings import Settings
from optria.streams.gate import Gate
from optria.streams.pipeline import Pipeline
from tests.faults.figures import Figures, Scale
from tests.streams.plants import BEGIN, Run, batch, normal_run, plant

WARM = 460
FAULTY_S = 12
LATENESS_S = 5.0
USUAL = Settings()
REFUSALS = ("unknown_tag", "too_old", "in_future", "duplicate")


class Clocks:
    """A wall clock and a steady one, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.steady_s = BEGIN, 0.0

    def pass_s(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady_s += seconds


class Stream:
    """A pipeline with clocks of its own, fed second by second."""

    def __init__(self, model: PlantModel, clocks: Clocks | None = None) -> None:
        self.model, self.clocks = model, clocks or Clocks()
        self.anchors: list[Anchor] = []
        self.pipeline = Pipeline(
            model,
            USUAL,
            self.anchors.append,
            lambda _event: None,
            lambda _asset: None,
            now=lambda: self.clocks.wall,
            steady_s=lambda: self.clocks.steady_s,
        )

    def second(self, values: NDArray[np.float64], ahead_s: float = 0.0) -> None:
        """A second passes; one sample of every tag comes, by a clock that is ahead."""
        self.clocks.pass_s(1)
        time = self.clocks.wall + timedelta(seconds=ahead_s)
        self.pipeline.ingest(batch([m.id for m in self.model.mappings], [time] * len(values), list(values)))


def test_not_finite(scale: Scale, figures: Figures) -> None:
    """What is no measurement never reaches a detector, is shown as bad, and is counted."""
    seconds = scale.of(3000, 100)
    run = Run(replace(plant(2), mappings=tuple(replace(m, scale=10.0) for m in plant(2).mappings)))
    run.feed(normal_run(run.model, WARM) / 10)
    before, sent = run.pipeline.state(), 0
    worst = [np.nan, np.inf, -np.inf, 1e308, -1e308]
    for second in range(seconds):
        run.feed(np.full((1, len(run.model.mappings)), worst[second % len(worst)]))
        sent += len(run.model.mappings)
    ids = [m.id for m in run.model.mappings]
    run.time += timedelta(seconds=1)
    run.pipeline.ingest(batch(ids, [run.time] * len(ids), [5.0] * len(ids), [Quality.BAD] * len(ids)))
    assert run.pipeline.state() == before
    assert run.anchors == []
    assert {run.pipeline.live.snapshot()[tag][2] for tag in ids} == {Quality.BAD}
    assert run.pipeline.counts["not_finite"] == sent
    assert run.pipeline.counts["bad_quality"] == len(ids)
    assert run.pipeline.recent.window(ids[0], BEGIN, run.time).quality[-1] == Quality.BAD
    figures.load = f"{sent:,} samples without a number, {len(ids)} of bad quality"
    figures.lost = 0
    figures.notes.append("0 of them reached a detector; state and anchors as without them")


generated = st.builds(
    Sample,
    tag=st.sampled_from([100, 101, 102, 999]),
    source_time=st.one_of(
        st.integers(-40, 40).map(lambda s: BEGIN + timedelta(seconds=s)),
        st.integers(-20_000, 20_000).map(lambda days: BEGIN + timedelta(days=days)),
    ),
    value=st.floats(width=64),
    quality=st.sampled_from(list(Quality)),
)


def _holds_for(batches: list[list[Sample]]) -> int:
    """The invariants of the gate; the number of samples."""
    gate, newest = Gate(plant(1), lambda: BEGIN), dict.fromkeys((100, 101, 102), 0)
    admitted_ones = late_ones = sent = 0
    for rows in batches:
        found = gate.admit(SampleBatch.of(rows))
        sent, admitted_ones = sent + len(rows), admitted_ones + len(found.batch)
        late_ones += len(found.late)
        for sample, is_scored in zip(found.batch.rows(), found.scored, strict=True):
            assert to_micros(sample.source_time) > newest[sample.tag]
            newest[sample.tag] = to_micros(sample.source_time)
            assert abs(sample.source_time - BEGIN) <= timedelta(days=7)
            if is_scored:
                assert np.isfinite(sample.value)
                assert sample.quality == Quality.GOOD
                assert -1000 <= sample.value <= 1000
    assert sent == admitted_ones + late_ones + sum(gate.counts[reason] for reason in REFUSALS)
    return sent


def test_shuffled_gate(scale: Scale, figures: Figures) -> None:
    """Generated samples: none lost without a reason, no tag goes back, only measurements are scored."""
    wanted, sent, runs = scale.of(20_000, 1_000), 0, 0

    @settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.lists(generated, min_size=5, max_size=40), min_size=1, max_size=4))
    def check(batches: list[list[Sample]]) -> None:
        nonlocal sent, runs
        sent, runs = sent + _holds_for(batches), runs + 1

    while sent < wanted:
        check()
    figures.load = f"{sent:,} generated samples in {runs:,} runs"
    figures.lost = 0


def _late_plant() -> PlantModel:
    return replace(plant(1), lateness_s={1: LATENESS_S})


def _faulty_minute(model: PlantModel, begin: datetime) -> list[Sample]:
    """Flow falls and vibration rises; every tag is read at a moment of its own within the second."""
    values = normal_run(model, FAULTY_S, seed=2)
    values[:, 0] -= 20 * np.minimum(np.arange(FAULTY_S) / 3, 1.0)
    values[:, 4] += 20 * np.minimum(np.arange(FAULTY_S) / 3, 1.0)
    return [
        Sample(
            m.id, begin + timedelta(seconds=s, milliseconds=37 * place), float(values[s, place]), Quality.GOOD
        )
        for s in range(FAULTY_S)
        for place, m in enumerate(model.mappings)
    ]


def _arrived(rows: list[Sample], chance: random.Random) -> list[list[Sample]]:
    """A third comes twice, each up to the lateness late, in batches of any size."""
    twice = rows + chance.sample(rows, len(rows) // 3)
    late = [(row.source_time + timedelta(seconds=chance.uniform(0, LATENESS_S)), row) for row in twice]
    chance.shuffle(late)
    mixed = [row for _, row in sorted(late, key=lambda each: each[0])]
    parts = []
    while mixed:
        size = chance.randint(1, 60)
        parts.append(chance.sample(mixed[:size], len(mixed[:size])) if size < 4 else mixed[:size])
        mixed = mixed[size:]
    return parts


def _played(
    saved: dict[str, object], parts: list[list[Sample]], at: datetime
) -> tuple[object, list[Anchor], Pipeline]:
    stream = Stream(_late_plant())
    stream.clocks.wall = at
    stream.pipeline.restore(saved)
    for part in parts:
        stream.pipeline.ingest(SampleBatch.of(part))
    stream.pipeline.release_all()
    return stream.pipeline.state(), stream.anchors, stream.pipeline


def test_shuffled(scale: Scale, figures: Figures) -> None:
    """Out of order and twice, across batches: learned state and anchors are those of the sorted run."""
    warm = Run(plant(1)).feed(normal_run(plant(1), WARM))
    saved, end = warm.pipeline.state(), warm.time + timedelta(seconds=60)
    rows = _faulty_minute(warm.model, warm.time + timedelta(seconds=1))
    in_order = sorted(rows, key=lambda row: row.source_time)
    state, anchors, _ = _played(saved, [in_order[n : n + 6] for n in range(0, len(in_order), 6)], end)
    assert [anchor.asset_id for anchor in anchors] == [1]
    shuffles, sent, samples = scale.of(2000, 20), 0, 0
    for seed in range(shuffles):
        parts = _arrived(rows, random.Random(seed))
        again, found, pipeline = _played(saved, parts, end)
        assert found == anchors, f"shuffle {seed}"
        assert again == state, f"shuffle {seed}"
        sent, samples = sent + sum(map(len, parts)), samples + pipeline.taken
        assert pipeline.counts["duplicate"] == len(rows) // 3
        assert len(pipeline.recent.window(100, BEGIN, end)) == FAULTY_S
    assert samples == sent
    figures.load = f"{shuffles:,} shuffles, {sent:,} samples"
    figures.lost = figures.duplicated = 0
    figures.notes.append(
        f"a third twice, up to {LATENESS_S:g} s late: state and anchor as sorted, every time"
    )


def test_shuffled_beyond_the_lateness(figures: Figures) -> None:
    """Later than that: kept once for history and analysis, never backwards through a detector."""
    stream = Stream(plant(1))
    values = normal_run(stream.model, 100)
    for row in values[:60]:
        stream.second(row)
    before = stream.pipeline.state()
    late = batch([100, 101], [stream.clocks.wall - timedelta(seconds=9, milliseconds=500)] * 2, [48.0, 49.0])
    stream.pipeline.ingest(late)
    stream.pipeline.ingest(late)
    assert stream.pipeline.state() == before
    assert (stream.pipeline.counts["late"], stream.pipeline.counts["duplicate"]) == (2, 2)
    kept = stream.pipeline.recent.window(100, BEGIN, stream.clocks.wall)
    assert len(kept) == 61
    assert (np.diff(kept.time) > 0).all()
    assert 48.0 in kept.value
    figures.notes.append("later than the lateness: in memory once, detectors untouched")


def test_times(scale: Scale, figures: Figures) -> None:
    """Times of the future or of 1970 are refused, counted, and kept to be looked at."""
    stream, seconds = Stream(plant(1)), scale.of(2000, 100)
    shown = BEGIN
    for second, row in enumerate(normal_run(stream.model, seconds)):
        stream.second(row)
        shown = stream.clocks.wall
        ahead = timedelta(days=30 + second), timedelta(minutes=second % 50 + 1)
        wrong = [EPOCH, *(shown + each for each in ahead)]
        stream.pipeline.ingest(batch([100, 101, 102], wrong, [50.0, 51.0, 52.0]))
    assert stream.pipeline.counts["too_old"] == seconds
    assert stream.pipeline.counts["in_future"] == 2 * seconds
    assert {from_micros(ms * 1000) for _, ms, _ in stream.pipeline.live.snapshot().values()} == {shown}
    refused = stream.pipeline.gate.quarantine.last(3)
    assert [row.tag for row in refused if row.reason == "too_old"] == [100] * 3
    assert {(row.tag, row.value) for row in refused if row.reason == "in_future"} == {
        (101, 51.0),
        (102, 52.0),
    }
    assert stream.anchors == []
    figures.load = f"{3 * seconds:,} samples of impossible times among {6 * seconds:,}"
    figures.lost = 0
    figures.notes.append("all counted and in quarantine, none live, none in a detector")


def test_drift(figures: Figures) -> None:
    """A source whose clock steps 90 s ahead: found out from its samples, let in at the right times."""
    stream = Stream(plant(1))
    values = normal_run(stream.model, 400)
    for row in values[:300]:
        stream.second(row)
    taken_before, took = stream.pipeline.taken, 0
    for row in values[300:340]:
        stream.second(row, ahead_s=90)
        took += int(stream.pipeline.gate.clock_ahead_s(1) == 0)
    assert abs(stream.pipeline.gate.clock_ahead_s(1) - 90) < 2
    window = stream.pipeline.recent.window(100, BEGIN + timedelta(seconds=301), stream.clocks.wall)
    assert window.value.tolist() == values[300:340, 0].tolist()
    assert abs(window.time[-1] - to_micros(stream.clocks.wall)) < 2_000_000
    assert stream.pipeline.counts["in_future"] == 0
    assert stream.anchors == []
    figures.load = f"{stream.pipeline.taken - taken_before} samples of a clock 90 s ahead"
    figures.lost = 0
    figures.recovered_s = float(took)
    figures.notes.append(f"measured {stream.pipeline.gate.clock_ahead_s(1):.1f} s")


def test_drift_told_by_the_source(figures: Figures) -> None:
    """That a clock is behind is known from the source's own time, and taken back when it is put right."""
    stream = Stream(plant(1))
    stream.pipeline.clock_told(1, -90.0)
    for row in normal_run(stream.model, 30):
        stream.second(row, ahead_s=-90)
    newest = stream.pipeline.recent.window(100, BEGIN, stream.clocks.wall + timedelta(minutes=3)).time[-1]
    assert newest == to_micros(stream.clocks.wall)
    stream.pipeline.clock_told(1, 0.0)
    stream.second(normal_run(stream.model, 1)[0])
    assert stream.pipeline.counts.get("late", 0) == 0
    window = stream.pipeline.recent.window(100, BEGIN, stream.clocks.wall)
    assert window.time[-1] == to_micros(stream.clocks.wall)
    figures.notes.append("90 s behind, as its server tells: corrected from the first sample on")


def test_stuck(scale: Scale, figures: Figures) -> None:
    """A frozen instrument is uncertain on the screens; an asset that is frozen whole is not called normal."""
    run, seconds = Run(plant(2)), scale.of(1800, 200)
    values = normal_run(run.model, WARM + seconds)
    values[WARM:, 2] = values[WARM, 2]
    values[WARM:, 6:] = values[WARM, 6:]
    run.feed(values[:WARM])
    assert run.pipeline.blind_assets() == frozenset()
    run.feed(values[WARM:])
    shown = run.pipeline.live.snapshot()
    assert shown[102][2] == Quality.UNCERTAIN
    assert shown[101][2] == Quality.GOOD
    assert run.pipeline.blind_assets() == {2}
    assert [(a.asset_id, a.mode, a.contributions[0].tag) for a in run.anchors] == [(1, "sensor", 102)]
    figures.load = f"{7 * seconds:,} samples of 7 frozen signals"
    figures.lost = 0
    figures.notes.append("one sensor anchor; the asset frozen whole is blind, not normal")


def test_our_clock_jumps(figures: Figures) -> None:
    """Our own clock jumps: nothing is refused, no anchor is set, and values go on."""
    stream = Stream(plant(1))
    values = normal_run(stream.model, 700)
    for row in values[:WARM]:
        stream.second(row)
    for jump, part in ((-3600, values[WARM:600]), (3600, values[600:700])):
        stream.clocks.wall += timedelta(seconds=jump)
        for row in part:
            stream.clocks.pass_s(1)
            true = BEGIN + timedelta(seconds=stream.clocks.steady_s)
            stream.pipeline.ingest(batch([m.id for m in stream.model.mappings], [true] * 6, list(row)))
    assert stream.anchors == []
    assert sum(stream.pipeline.counts.values()) == 0
    assert len(stream.pipeline.recent.window(100, BEGIN, stream.clocks.wall)) == 700
    figures.notes.append("our clock an hour back and forth: 0 of 4,200 samples refused")
