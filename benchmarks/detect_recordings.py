"""Replay recordings through the stream and score every row against its label.

    python benchmarks/detect_recordings.py FOLDER [--calibrate] [--removals 5] [--seed 1]

FOLDER holds files of the Skoltech Anomaly Benchmark (`;`-separated: datetime, tags, anomaly, changepoint).
Each file is one asset; the first 400 rows are warm-up; no detector knows where a fault is. Printed per
file: the first anchor, its delay, anchors before the fault; then pooled F1, false and missed alarm rates,
with 95 % intervals from drawing files again (bootstrap), by group of files, and once more for every
removal of 0-150 leading rows, drawn file by file.
"""

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optria.backtest.figures import calibration_error
from optria.core.asset import Asset, PlantModel
from optria.core.incident import Anchor
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit.settings import Settings
from optria.streams.anchoring import probability
from optria.streams.pipeline import Pipeline

WARM_UP = 400
STEP = timedelta(seconds=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recording:
    name: str
    tags: list[str]
    values: NDArray[np.float64]
    fault: NDArray[np.bool_]


@dataclass(slots=True)
class Outcome:
    recording: Recording
    score: list[float] = field(default_factory=list)
    alarm: list[bool] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)


def read(path: Path) -> Recording:
    with path.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines, delimiter=";")
    numbers = np.array([[float(cell) for cell in row[1:]] for row in rows])
    return Recording(path.stem, header[1:-2], numbers[:, :-2], numbers[:, -2] > 0)


def replay(recording: Recording) -> Outcome:
    """Row by row, a second apart, through the whole pipeline."""
    outcome, clock = Outcome(recording), [BEGIN]
    mappings = tuple(
        SignalMapping(i + 1, 1, 1, f"LOOP.{tag}", f"metric_{i}", "") for i, tag in enumerate(recording.tags)
    )
    plant = PlantModel(1, assets=(Asset(1, "LOOP", "Pump loop", "Pump", None),), mappings=mappings)
    pipeline = Pipeline(
        plant,
        Settings(),
        outcome.anchors.append,
        lambda event: None,
        lambda asset_id: None,
        now=lambda: clock[0],
    )
    tags = np.arange(1, len(mappings) + 1, dtype=np.int32)
    quality = np.zeros(len(mappings), np.uint8)
    for row in recording.values:
        time = np.full(len(mappings), to_micros(clock[0]), np.int64)
        pipeline.ingest(SampleBatch(tags, time, row, quality))
        outcome.score.append(pipeline.anchoring.scores().get(1, (0.0, 0.0))[0])
        outcome.alarm.append(pipeline.anchoring.alarming(1))
        clock[0] += STEP
    return outcome


def anchor_line(outcome: Outcome) -> str:
    fault = np.flatnonzero(outcome.recording.fault)
    rows = [(a.time - BEGIN) // STEP for a in outcome.anchors]
    before = [r for r in rows if r < fault[0]]
    inside = [r for r in rows if outcome.recording.fault[r]]
    first = "none" if not inside else f"row {inside[0]}, {inside[0] - fault[0]} s after onset"
    first_inside = bool(rows) and bool(outcome.recording.fault[rows[0]])
    detector = outcome.anchors[0].detector if outcome.anchors else "-"
    return (
        f"{outcome.recording.name:10} fault rows {fault[0]}-{fault[-1]}: anchor in the fault {first}; "
        f"first anchor inside: {first_inside} ({detector}); anchors before {len(before)}, all {rows}"
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows after the warm-up of one recording, onsets of alarms outside faults, and the delay in rows."""

    hit: int
    false: int
    missed: int
    quiet: int
    onsets: int
    delay: int


def counts(outcome: Outcome) -> Counts:
    """A fault without an alarm counts with its whole length as delay."""
    every = outcome.recording.fault
    fault, alarm = every[WARM_UP:], np.array(outcome.alarm[WARM_UP:])
    within = np.array(outcome.alarm)[every]
    return Counts(
        int((alarm & fault).sum()),
        int((alarm & ~fault).sum()),
        int((~alarm & fault).sum()),
        int((~alarm & ~fault).sum()),
        false_onsets(outcome),
        int(within.argmax()) if within.any() else len(within),
    )


def figures(parts: Sequence[Counts]) -> tuple[float, float, float, float, float]:
    """F1, false alarm rate, missed alarm rate, false onsets per 1,000 normal rows, median delay in s."""
    hit, false, missed, quiet, onsets = (
        sum(getattr(p, name) for p in parts) for name in ("hit", "false", "missed", "quiet", "onsets")
    )
    normal = max(false + quiet, 1)
    return (
        2 * hit / max(2 * hit + false + missed, 1),
        false / normal,
        missed / max(missed + hit, 1),
        1000 * onsets / normal,
        float(np.median([p.delay for p in parts])),
    )


def line(parts: Sequence[Counts], draws: int = 2000) -> str:
    """The figures with 95 % intervals over recordings."""
    rng = np.random.default_rng(1)
    again = [figures([parts[i] for i in rng.integers(0, len(parts), len(parts))]) for _ in range(draws)]
    low, high = np.percentile(np.array(again), [2.5, 97.5], axis=0)
    show: list[Callable[[float], str]] = [
        lambda v: f"{v:.3f}",
        lambda v: f"{100 * v:.1f} %",
        lambda v: f"{100 * v:.1f} %",
        lambda v: f"{v:.2f}",
        lambda v: f"{v:.0f} s",
    ]
    names = ("F1", "FAR", "MAR", "false onsets per 1,000 rows", "median delay")
    return "; ".join(
        f"{name} {said(value)} [{said(a)}, {said(b)}]"
        for name, said, value, a, b in zip(names, show, figures(parts), low, high, strict=True)
    )


def group(name: str) -> str:
    return name.split("-", maxsplit=1)[0]


def without_leading(recording: Recording, rows: int) -> Recording:
    return Recording(recording.name, recording.tags, recording.values[rows:], recording.fault[rows:])


def false_onsets(outcome: Outcome) -> int:
    alarm = np.array(outcome.alarm)
    begins = np.flatnonzero(alarm & ~np.r_[False, alarm[:-1]])
    return int((~outcome.recording.fault[begins[begins >= WARM_UP]]).sum())


def calibration(outcomes: list[Outcome]) -> str:
    """Brier score of the probability in use, and of a logistic fitted on the other files."""
    scores = [np.log1p(np.array(o.score[WARM_UP:])) for o in outcomes]
    labels = [o.recording.fault[WARM_UP:].astype(float) for o in outcomes]
    used = np.concatenate([[probability(float(np.expm1(s))) for s in part] for part in scores])
    truth = np.concatenate(labels)
    left_out = [
        logistic(fit(scores[:i] + scores[i + 1 :], labels[:i] + labels[i + 1 :]), s)
        for i, s in enumerate(scores)
    ]
    a, b = fit(scores, labels)
    other = np.concatenate(left_out)
    return (
        f"Brier in use {np.mean((used - truth) ** 2):.3f}, leave-one-file-out "
        f"{np.mean((other - truth) ** 2):.3f} ECE {calibration_error(other, truth.astype(bool)):.3f}; "
        f"fit a={a:.2f} b={b:.2f}"
    )


def fit(scores: list[NDArray[np.float64]], labels: list[NDArray[np.float64]]) -> tuple[float, float]:
    x, y = np.concatenate(scores), np.concatenate(labels)
    design, weights = np.stack([np.ones_like(x), x], axis=1), np.zeros(2)
    for _ in range(25):
        p = 1 / (1 + np.exp(-design @ weights))
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-6 * np.eye(2)
        weights = weights + np.linalg.solve(hessian, design.T @ (y - p))
    return float(weights[0]), float(weights[1])


def logistic(weights: tuple[float, float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-(weights[0] + weights[1] * x))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibrate", action="store_true", help="fit P(fault) by leaving one file out")
    parser.add_argument("--removals", type=int, default=5, help="how often leading rows are removed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    recordings = [read(path) for path in sorted(options.folder.glob("*.csv"))]
    outcomes = [replay(recording) for recording in recordings]
    for outcome in outcomes:
        print(anchor_line(outcome))
    whole = [counts(outcome) for outcome in outcomes]
    print(f"whole files: {line(whole)}")
    for name in sorted({group(r.name) for r in recordings}):
        print(
            f"  {name}: {line([c for c, r in zip(whole, recordings, strict=True) if group(r.name) == name])}"
        )
    if options.calibrate:
        print(calibration(outcomes))
    print_removals(recordings, options.removals, np.random.default_rng(options.seed))


def print_removals(recordings: Sequence[Recording], times: int, rng: np.random.Generator) -> None:
    every: list[tuple[float, ...]] = []
    for number in range(times):
        cut = rng.integers(0, 151, len(recordings))
        parts = [counts(replay(without_leading(r, int(c)))) for r, c in zip(recordings, cut, strict=True)]
        every.append(figures(parts))
        print(f"0-150 leading rows removed, {number + 1}: {line(parts)}")
    if every:
        mean = np.mean(every, axis=0)
        print(
            f"mean of {times} removals: F1 {mean[0]:.3f}; FAR {100 * mean[1]:.1f} %; "
            f"MAR {100 * mean[2]:.1f} %; "
            f"false onsets per 1,000 rows {mean[3]:.2f}; median delay {mean[4]:.0f} s"
        )


if __name__ == "__main__":
    main()
