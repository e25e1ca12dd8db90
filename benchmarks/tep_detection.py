"""Detection on the Tennessee Eastman process: 20 faults, 52 tags at 60 s, one asset.

    python benchmarks/tep_detection.py FOLDER [--protocol days1 days4 alone] [--every N]

FOLDER holds tep-60s.npz: normal days and faulty runs with the row of their onset. A run is replayed row
by row through the whole stream after its warm-up: one or four normal days (a held-out day and the rows
before each onset count false alarms), or nothing but its own rows, the first up to 150 removed at
random. Reported: share of rows after the onset in alarm, by fault; delay; false alarm rate of rows.
"""

import argparse
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import Asset, PlantModel
from optria.core.tag import SampleBatch, SignalMapping, to_micros
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline

Values: TypeAlias = NDArray[np.float64]
Alarms: TypeAlias = NDArray[np.bool_]
STEP = timedelta(seconds=60)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
HARD = (3, 9, 15)
PROTOCOLS = ("days1", "days4", "alone")
MOST_REMOVED = 150
LEAST_NORMAL = 180


@dataclass(frozen=True, slots=True)
class Run:
    fault: int
    onset: int
    values: Values


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: alarms from its first judged row on, and which of these rows the fault begins at."""

    fault: int
    onset: int
    alarm: Alarms

    @property
    def detected(self) -> float:
        """Share of the rows after the onset in alarm."""
        return float(self.alarm[self.onset :].mean())

    @property
    def delay_rows(self) -> float:
        hits = np.flatnonzero(self.alarm[self.onset :])
        return float(hits[0]) if len(hits) else float("inf")


class Replay:
    """A stream with one asset, fed a row per scan."""

    def __init__(self, tags: int, warm_up: int | None = None) -> None:
        self.time = BEGIN
        mappings = tuple(
            SignalMapping(i + 1, 1, 1, f"TEP.{i}", f"metric_{i}", "", scan_s=STEP.total_seconds())
            for i in range(tags)
        )
        plant = PlantModel(1, assets=(Asset(1, "TEP", "Process", "Process", None),), mappings=mappings)
        self.pipeline = Pipeline(plant, Settings(), _ignore, _ignore, _ignore, now=self.now, warm_up=warm_up)
        self.tags, self.quality = np.arange(1, tags + 1, dtype=np.int32), np.zeros(tags, np.uint8)

    def now(self) -> datetime:
        """The plant's clock."""
        return self.time

    def feed(self, rows: Values) -> Alarms:
        """Whether the asset is in alarm after each row."""
        alarms = np.zeros(len(rows), bool)
        for place, row in enumerate(rows):
            times = np.full(len(row), to_micros(self.time), np.int64)
            self.pipeline.ingest(SampleBatch(self.tags, times, row, self.quality))
            alarms[place] = self.pipeline.anchoring.alarming(1)
            self.time += STEP
        return alarms


def read(folder: Path) -> tuple[list[Values], list[Run]]:
    """The normal days and the faulty runs."""
    with np.load(folder / "tep-60s.npz") as stored:
        runs = [
            Run(int(fault), int(onset), stored[f"run{i:03d}"].astype(np.float64))
            for i, (fault, onset) in enumerate(zip(stored["idv"], stored["onset"], strict=True))
        ]
    return [run.values for run in runs if not run.fault], [run for run in runs if run.fault]


def after_days(days: Sequence[Values], runs: Sequence[Run], count: int) -> tuple[list[Outcome], list[Alarms]]:
    """Each run after ``count`` normal days, and the alarms of the day held out beside them."""
    outcomes, held_out = [], []
    warm: dict[int, Replay] = {}
    seen: dict[int, int] = {}
    for run in runs:
        first = seen.get(run.fault, 0)
        seen[run.fault] = first + 1
        first %= len(days)
        if first not in warm:
            warm[first] = Replay(run.values.shape[1])
            for place in range(count):
                warm[first].feed(days[(first + place) % len(days)])
            held_out.append(copy.deepcopy(warm[first]).feed(days[(first + count) % len(days)]))
        alarms = copy.deepcopy(warm[first]).feed(run.values)
        outcomes.append(Outcome(run.fault, run.onset, alarms))
    return outcomes, held_out


def alone(runs: Sequence[Run]) -> tuple[list[Outcome], list[Alarms]]:
    """Each run by itself; some leading rows removed, ``LEAST_NORMAL`` normal ones are the warm-up."""
    rng, outcomes = np.random.default_rng(1), []
    for run in runs:
        removed = min(int(rng.integers(0, MOST_REMOVED + 1)), max(run.onset - LEAST_NORMAL, 0))
        alarms = Replay(run.values.shape[1], LEAST_NORMAL).feed(run.values[removed:])
        onset = run.onset - removed - LEAST_NORMAL
        outcomes.append(Outcome(run.fault, onset, alarms[LEAST_NORMAL:]))
    return outcomes, []


def evaluate(folder: Path, protocol: str, every: int = 1) -> tuple[list[Outcome], list[Alarms]]:
    """Outcomes of a protocol of ``PROTOCOLS``; ``every`` thins the runs out."""
    days, runs = read(folder)
    if protocol == "alone":
        return alone(runs[::every])
    return after_days(days, runs[::every], 1 if protocol == "days1" else 4)


def summary(outcomes: Sequence[Outcome], held_out: Sequence[Alarms]) -> dict[str, float]:
    """Means over faults, false alarm rates of rows (0 to 1), median delay in rows."""
    faults = sorted({o.fault for o in outcomes})
    rate = {f: float(np.mean([o.detected for o in outcomes if o.fault == f])) for f in faults}
    before = np.concatenate([o.alarm[: o.onset] for o in outcomes])
    quiet = np.concatenate([before, *held_out])
    return {
        "detected": float(np.mean(list(rate.values()))),
        "detected without 3, 9, 15": float(np.mean([r for f, r in rate.items() if f not in HARD])),
        "false alarms": float(quiet.mean()),
        "false alarms before onsets": float(before.mean()),
        "median delay": float(np.median([o.delay_rows for o in outcomes])),
    } | {f"fault {f}": rate[f] for f in faults}


def table(name: str, figures: dict[str, float]) -> str:
    by_fault = "  ".join(
        f"{key[6:]}: {rate:.2f}" for key, rate in figures.items() if key.startswith("fault ")
    )
    return (
        f"{name}: detected {figures['detected']:.3f}, without 3, 9, 15 "
        f"{figures['detected without 3, 9, 15']:.3f}, false alarms {100 * figures['false alarms']:.2f} % "
        f"(before onsets {100 * figures['false alarms before onsets']:.2f} %), median delay "
        f"{figures['median delay']:.0f} rows\n    {by_fault}"
    )


def _ignore(_: object) -> None:
    """The benchmark reads the alarms; nobody listens."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--protocol", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--every", type=int, default=1, help="take every N-th run only")
    options = parser.parse_args()
    for protocol in options.protocol:
        print(table(protocol, summary(*evaluate(options.folder, protocol, options.every))), flush=True)


if __name__ == "__main__":
    main()
