"""At which unit a fault of the Tennessee Eastman process began, without history, in several drawings.

    python -m benchmarks.tep_units RUNS.npz [--own-normal]

RUNS.npz as in `tep_cases`. A drawing says which unit each instrument belongs to and what flows where, and
where disturbances of stream 4 (faults 1, 2, 8, 10) count as begun; anchors are the detectors'. Top-1 and
top-3 with all detected runs whose fault has one unit, and without faults 3, 9 and 15.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.tep_cases import BEGAN_AT, FLOWS, HARDLY_SEEN, UNITS, read_runs
from benchmarks.tep_causes import Study, study
from optria.backtest.cases import case_of
from optria.rca.ranking import rank
from optria.rca.signals import read_signals

STREAM_4 = (1, 2, 8, 10)
FEEDS = {"Stream 4": "Feed", "Condenser": "Separator"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Units of `tep_cases` merged under another's name, instruments moved, where stream 4's faults count."""

    merged: Mapping[str, str]
    moved: Mapping[str, str]
    stream_4: tuple[str, ...]

    def unit_of(self) -> dict[str, str]:
        """Unit of each tag."""
        asset_of = {tag: self.merged.get(unit, unit) for unit, tags in UNITS.items() for tag in tags}
        return asset_of | dict(self.moved)

    def flows(self) -> tuple[tuple[str, str], ...]:
        """What flows where, without a unit into itself."""
        pairs = ((self.merged.get(a, a), self.merged.get(b, b)) for a, b in FLOWS)
        return tuple(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))

    def truth(self, fault: int) -> tuple[str, ...]:
        """Units that count for a fault."""
        unit = BEGAN_AT[fault]
        return self.stream_4 if fault in STREAM_4 else (self.merged.get(unit, unit),)


ANALYSERS = {f"XMEAS_{number}": "Feed" for number in (6, *range(23, 29))}
DRAWINGS: Mapping[str, Drawing] = {
    "seven units; stream 4 or stripper": Drawing({}, {}, ("Stream 4", "Stripper")),
    "seven units; stream 4 alone": Drawing({}, {}, ("Stream 4",)),
    "five units; feed or stripper": Drawing(FEEDS, {}, ("Feed", "Stripper")),
    "five units; feed alone": Drawing(FEEDS, {}, ("Feed",)),
    "stream 4 with the stripper": Drawing({"Stream 4": "Stripper"}, {}, ("Stripper",)),
    "analysers with the feeds; feed alone": Drawing({"Stream 4": "Feed"}, ANALYSERS, ("Feed",)),
}


def ranks(whole: Study, drawing: Drawing) -> list[tuple[int, int]]:
    """Fault and place of its unit for each detected run; 99 where it is not named."""
    found = []
    for file, fault in zip(whole.files, whole.fault, strict=True):
        if file.name not in whole.anchors or fault not in BEGAN_AT:
            continue
        drawn = replace(file, assets=drawing.unit_of(), topology=drawing.flows())
        case = case_of(drawn, whole.anchors[file.name], whole.normal)
        codes = {asset.id: asset.code for asset in case.plant.assets}
        ranked = [codes[asset] for asset, _ in rank(case, read_signals(case, case.series)).assets]
        places = [ranked.index(unit) for unit in drawing.truth(fault) if unit in ranked]
        found.append((fault, min(places, default=99)))
    return found


def _line(places: Sequence[int]) -> str:
    return f"{np.mean([p < 1 for p in places]):.2f} / {np.mean([p < 3 for p in places]):.2f} ({len(places)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--own-normal", action="store_true", help="learn from the runs' own begin alone")
    options = parser.parse_args()
    whole = study(read_runs(options.runs), not options.own_normal)
    for name, drawing in DRAWINGS.items():
        found = ranks(whole, drawing)
        seen = [place for fault, place in found if fault not in HARDLY_SEEN]
        print(f"{name:40} all {_line([place for _, place in found])}   without 3, 9, 15 {_line(seen)}")


if __name__ == "__main__":
    main()
