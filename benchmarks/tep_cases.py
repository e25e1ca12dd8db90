"""Runs of the Tennessee Eastman process as folders of cases, for `optria backtest rca`.

    python benchmarks/tep_cases.py RUNS.npz FOLDER [--past 3] [--fold 0] [--left-out FAULT]

RUNS.npz holds `idv` (fault of each run, 0 = normal), `onset` (row) and `run000`, ... (rows x 52 at 60 s:
XMEAS 1-41, then XMV 1-11). Which instrument belongs to which unit, and what flows where, is the process'
drawing (Downs and Vogel, 1993). Of each fault, one run is the query and `past` others are history.
"""

import argparse
import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optria.backtest.recording import Recording
from optria.core.tag import to_micros

FAULTS = tuple(range(1, 21))
HARDLY_SEEN = (3, 9, 15)
"""Faults that the controllers hide so well that no method finds them reliably."""
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(seconds=60)
UNITS: Mapping[str, tuple[str, ...]] = {
    "Feed": ("XMEAS_1", "XMEAS_2", "XMEAS_3", "XMV_1", "XMV_2", "XMV_3"),
    "Stream 4": ("XMEAS_4", "XMV_4"),
    "Reactor": (*(f"XMEAS_{i}" for i in (6, 7, 8, 9, 21, *range(23, 29))), "XMV_10"),
    "Condenser": ("XMEAS_22", "XMV_11"),
    "Separator": (*(f"XMEAS_{i}" for i in (10, 11, 12, 13, 14, *range(29, 37))), "XMV_6", "XMV_7"),
    "Compressor": ("XMEAS_5", "XMEAS_20", "XMV_5"),
    "Stripper": (*(f"XMEAS_{i}" for i in (*range(15, 20), *range(37, 42))), "XMV_8", "XMV_9"),
}
FLOWS = (
    ("Feed", "Reactor"),
    ("Stream 4", "Stripper"),
    ("Reactor", "Condenser"),
    ("Condenser", "Separator"),
    ("Separator", "Compressor"),
    ("Compressor", "Reactor"),
    ("Separator", "Stripper"),
    ("Stripper", "Reactor"),
)
BEGAN_AT: Mapping[int, str] = {
    **dict.fromkeys((1, 2, 7, 8, 10), "Stream 4"),
    **dict.fromkeys((3, 6, 9), "Feed"),
    **dict.fromkeys((4, 11, 13, 14, 17), "Reactor"),
    **dict.fromkeys((5, 12, 15, 18), "Condenser"),
    16: "Stripper",
}
"""The unit that a fault begins at; 19 (several valves) and 20 (a line not named) have none."""
TAGS = tuple([f"XMEAS_{i}" for i in range(1, 42)] + [f"XMV_{i}" for i in range(1, 12)])


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """All runs of a file: ``fault`` and ``onset`` of each, and its values float64[rows, 52]."""

    fault: NDArray[np.int64]
    onset: NDArray[np.int64]
    value: tuple[NDArray[np.float64], ...]

    def of(self, fault: int) -> list[int]:
        return [int(run) for run in np.flatnonzero(self.fault == fault)]


def read_runs(path: Path) -> Runs:
    with np.load(path) as file:
        value = tuple(file[f"run{run:03}"].astype(float) for run in range(len(file["idv"])))
        return Runs(file["idv"].astype(np.int64), file["onset"].astype(np.int64), value)


def recording_of(runs: Runs, run: int) -> Recording:
    """A run as a recording of the whole process."""
    value = runs.value[run]
    time = to_micros(BEGIN) + np.arange(len(value), dtype=np.int64) * (STEP // timedelta(microseconds=1))
    return Recording(f"run {run}", TAGS, time, value)


def cause(fault: int) -> str:
    return f"Disturbance {fault}"


def write_folder(runs: Runs, folder: Path, past: int, fold: int = 0, left_out: tuple[int, ...] = ()) -> None:
    """One query per fault (its run number ``fold``), ``past`` further runs of it as history.

    Faults of ``left_out`` have queries only: their cause is unknown.
    """
    for run in runs.of(0):
        _write_run(runs.value[run], folder / "normal" / f"day{run}.csv")
    for fault in FAULTS:
        mine = runs.of(fault)
        query, *others = mine[fold % len(mine) :] + mine[: fold % len(mine)]
        _write_case(runs, folder, query, "query")
        for run in [] if fault in left_out else others[:past]:
            _write_case(runs, folder, run, "history")


def write_all(runs: Runs, folder: Path) -> dict[int, list[str]]:
    """Every run as a case of the history; by fault, the names of its cases."""
    for run in runs.of(0):
        _write_run(runs.value[run], folder / "normal" / f"day{run}.csv")
    for fault in FAULTS:
        for run in runs.of(fault):
            _write_case(runs, folder, run, "history")
    return {fault: [f"history-{run:03}" for run in runs.of(fault)] for fault in FAULTS}


def _write_case(runs: Runs, folder: Path, run: int, role: str) -> None:
    case = folder / f"{role}-{run:03}"
    _write_run(runs.value[run], case / "data.csv")
    told = {
        "role": role,
        "cause": cause(int(runs.fault[run])),
        "asset_type": "Process",
        "assets": {tag: unit for unit, tags in UNITS.items() for tag in tags},
        "topology": FLOWS,
    }
    (case / "case.json").write_text(json.dumps(told), encoding="utf-8")


def _write_run(value: NDArray[np.float64], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("time", *TAGS))
        for row, values in enumerate(value.tolist()):
            writer.writerow(((BEGIN + row * STEP).isoformat(), *(f"{v:.7g}" for v in values)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--past", type=int, default=3)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--left-out", type=int, nargs="*", default=[])
    options = parser.parse_args()
    runs = read_runs(options.runs)
    write_folder(runs, options.folder, options.past, options.fold, tuple(options.left_out))


if __name__ == "__main__":
    main()
