"""Replay recordings through the stream and score every row against its label.

    python benchmarks/detect_recordings.py FOLDER [--calibrate]

FOLDER holds files of the Skoltech Anomaly Benchmark (`;`-separated: datetime, tags, anomaly, changepoint).
Each file is one asset; the first 400 rows are warm-up; no detector knows where a fault is. Printed per
file: the first anchor, its delay, anchors before the fault; then pooled F1, false and missed alarm rates.
"""

import argparse
import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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


def pooled(outcomes: list[Outcome]) -> str:
    fault = np.concatenate([o.recording.fault[WARM_UP:] for o in outcomes])
    alarm = np.concatenate([np.array(o.alarm[WARM_UP:]) for o in outcomes])
    hit, false = (alarm & fault).sum(), (alarm & ~fault).sum()
    missed, quiet = (~alarm & fault).sum(), (~alarm & ~fault).sum()
    onsets = sum(false_onsets(o) for o in outcomes)
    return (
        f"F1 {2 * hit / (2 * hit + false + missed):.3f}  FAR {100 * false / (false + quiet):.1f} %  "
        f"MAR {100 * missed / (missed + hit):.1f} %  "
        f"false onsets {1000 * onsets / (~fault).sum():.2f} per 1,000 rows ({onsets})"
    )


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
        f"{np.mean((other - truth) ** 2):.3f} ECE {ece(other, truth):.3f}; fit a={a:.2f} b={b:.2f}"
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


def ece(p: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    bins = np.minimum((p * 10).astype(int), 9)
    return float(
        sum(abs((p[bins == b] - truth[bins == b]).sum()) for b in range(10) if (bins == b).any()) / len(p)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--calibrate", action="store_true", help="fit P(fault) by leaving one file out")
    options = parser.parse_args()
    outcomes = [replay(read(path)) for path in sorted(options.folder.glob("*.csv"))]
    for outcome in outcomes:
        print(anchor_line(outcome))
    print(pooled(outcomes))
    if options.calibrate:
        print(calibration(outcomes))


if __name__ == "__main__":
    main()
