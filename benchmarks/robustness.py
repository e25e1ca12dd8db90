"""Whether figures stay the same when names, units, the order of columns or the first rows change.

    python -m benchmarks.robustness DATA [--only detect,causes] [--seed 1]

The recordings of DATA/skab and the cases of DATA/tep are written anew as files, with every tag renamed, the
columns shuffled and every unit scaled and shifted, and once more with 0 to 150 leading rows removed besides.
The functions of the commands run on all three, and the figures are printed side by side.
"""

import argparse
import csv
import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality_parts import LEADING
from benchmarks.tep_cases import read_runs, write_folder
from optria.backtest import figures
from optria.backtest.causes_report import explain
from optria.backtest.detect import detect
from optria.backtest.figures import Counts
from optria.backtest.recording import Recording, read_recording

LABEL = "label"
Row: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Disguise:
    """What is done to every file: new names, another order, ``a * x + b`` in other units."""

    names: Mapping[str, str]
    order: NDArray[np.intp]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]

    @classmethod
    def draw(cls, tags: Sequence[str], spread: NDArray[np.float64], rng: np.random.Generator) -> "Disguise":
        """Scales from a thousandth to a thousand times, shifts of up to a hundred spreads of a tag."""
        order = rng.permutation(len(tags))
        names = {tag: f"s{place:02}" for place, tag in enumerate(rng.permutation(list(tags)))}
        scale = 10.0 ** rng.uniform(-3, 3, len(tags))
        return cls(names, order, scale, scale * spread * rng.uniform(-100, 100, len(tags)))

    def of(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((value * self.scale + self.shift)[:, self.order])

    def header(self, tags: Sequence[str]) -> list[str]:
        return [self.names[tags[place]] for place in self.order]


def disguised(recording: Recording, disguise: Disguise, cut: int, path: Path) -> Recording:
    """The recording in disguise, written as a file and read back."""
    _write_disguised(recording, disguise, cut, path, label=True)
    return read_recording(path, label=LABEL)


def _write_disguised(recording: Recording, disguise: Disguise, cut: int, path: Path, label: bool) -> None:
    """With ``;`` and decimal commas, without the first ``cut`` rows."""
    values = disguise.of(recording.value)
    fault = recording.label if recording.label is not None else np.zeros(len(recording), bool)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Zeit", *disguise.header(recording.tags), *([LABEL] if label else [])])
        for row in range(cut, len(recording)):
            cells = [f"{value:.9g}".replace(".", ",") for value in values[row]]
            writer.writerow([recording.stamp[row], *cells, *([int(fault[row])] if label else [])])


def detection(folder: Path, rng: np.random.Generator) -> dict[str, Row]:
    """Pooled figures of the detectors: as recorded, in disguise, and in disguise without leading rows."""
    counts = [Counts(), Counts(), Counts()]
    same_tag = rows = 0
    with tempfile.TemporaryDirectory() as place:
        for path in sorted(folder.glob("*.csv")):
            recording = read_recording(path, ignore=("changepoint",), label="anomaly")
            disguise = Disguise.draw(recording.tags, recording.value.std(axis=0), rng)
            cut = int(rng.integers(0, LEADING + 1))
            others = [disguised(recording, disguise, n, Path(place) / path.name) for n in (0, cut)]
            found = [detect(one) for one in (recording, *others)]
            for at, (one, said) in enumerate(zip((recording, *others), found, strict=True)):
                counts[at] += _counts(one, said.alarm)
            tops = zip(found[0].top, found[1].top, strict=True)
            same_tag += sum(disguise.names.get(a, "") == b for a, b in tops)
            rows += len(recording)
    return {
        "F1": _row([c.f1 for c in counts]),
        "false alarm rate": _row([c.false_alarm_rate for c in counts]),
        "missed alarm rate": _row([c.missed_alarm_rate for c in counts]),
        "false onsets per 1,000": _row([c.onsets_per_1000 for c in counts]),
        "rows that name the same tag": (1.0, same_tag / rows, math.nan),
    }


def causes(runs: Path, rng: np.random.Generator) -> dict[str, Row]:
    """Figures of the analysis of Tennessee Eastman cases: likewise."""
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / name for name in ("plain", "disguised", "cut")]
        write_folder(read_runs(runs), folders[0], past=3)
        for folder, most_cut in zip(folders[1:], (0, LEADING), strict=True):
            disguise_cases(folders[0], folder, most_cut, rng)
        found = [explain(folder).boards["anchor as set"].figures for folder in folders]
    return {name: _row([figures_[name].value for figures_ in found]) for name in found[0]}


def _row(values: Sequence[float]) -> Row:
    first, second, third = values
    return first, second, third


def disguise_cases(folder: Path, to: Path, most_cut: int, rng: np.random.Generator) -> None:
    """Write a folder of cases anew, all in the same disguise, each without up to so many leading rows."""
    some = read_recording(next(folder.glob("normal/*.csv")))
    disguise = Disguise.draw(some.tags, some.value.std(axis=0), rng)
    for path in sorted(folder.rglob("*.csv")):
        target = to / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        cut = 0 if path.parent.name == "normal" else int(rng.integers(0, most_cut + 1))
        _write_disguised(read_recording(path), disguise, cut, target, label=False)
    for path in folder.glob("*/case.json"):
        told = json.loads(path.read_text("utf-8"))
        told["assets"] = {disguise.names[tag]: asset for tag, asset in told["assets"].items()}
        (to / path.relative_to(folder)).write_text(json.dumps(told), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="detect,causes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    parts: Mapping[str, Callable[[], dict[str, Row]]] = {
        "detect": lambda: detection(options.data / "skab", rng),
        "causes": lambda: causes(options.data / "tep" / "tep-60s.npz", rng),
    }
    for part in options.only.split(","):
        print(f"{part:32}{'as recorded':>14}{'in disguise':>14}{'and cut':>14}")
        for name, row in parts[part]().items():
            print(f"{name:32}" + "".join(f"{value:>14.3f}" for value in row))


def _counts(recording: Recording, alarm: NDArray[np.bool_]) -> Counts:
    assert recording.label is not None
    return figures.count(alarm[400:], recording.label[400:])


if __name__ == "__main__":
    main()
