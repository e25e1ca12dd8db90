"""How well causes are told on the Tennessee Eastman process, through the whole engine.

    python benchmarks/tep_causes.py RUNS.npz [--past 3] [--shift 0] [--rows N] [--own-normal]

Every run of each fault is a query once; its past incidents are drawn from the other runs. Anchors are the
detectors'. Printed with all 20 faults and without those that hardly show (3, 9, 15).
"""

import argparse
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.tep_cases import (
    BEGAN_AT,
    FAULTS,
    FLOWS,
    HARDLY_SEEN,
    UNITS,
    Runs,
    cause,
    read_runs,
    recording_of,
)
from optria.backtest import figures
from optria.backtest.case_files import CaseFile
from optria.backtest.cases import case_of, find_anchors, kind_of, learn_normal, past_of
from optria.core.incident import Analysis, Anchor
from optria.rca.baseline import Baseline
from optria.rca.case import PastIncident
from optria.rca.engine import analyse
from optria.rca.scoreboard import brier


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """All runs as cases, with what the detectors and normal running say of them."""

    files: tuple[CaseFile, ...]
    fault: tuple[int, ...]
    anchors: dict[str, Anchor]
    normal: Baseline | None

    def past(self, index: int) -> PastIncident:
        file = self.files[index]
        return past_of(file, self.anchors.get(file.name), self.normal)

    def analysis(
        self, index: int, history: Sequence[PastIncident], shift_s: float = 0.0, rows: int | None = None
    ) -> Analysis | None:
        """None where nothing was detected. ``rows``: so many after the anchor were there."""
        file = self.files[index]
        anchor = self.anchors.get(file.name)
        if anchor is None:
            return None
        anchor = replace(anchor, time=anchor.time + timedelta(seconds=shift_s))
        case = case_of(file, anchor, self.normal, tuple(history))
        if rows is not None:
            now = min(case.now, anchor.time + timedelta(seconds=rows * file.recording.step_us / 1e6))
            case = replace(case, now=now)
        return analyse(case)


def study(runs: Runs, with_normal: bool = True, faults: Sequence[int] = FAULTS) -> Study:
    """Detect every run and learn normal running (from the runs' own begin where ``with_normal`` is off)."""
    asset_of = {tag: unit for unit, tags in UNITS.items() for tag in tags}
    picked = [(run, fault) for fault in faults for run in runs.of(fault)]
    files = tuple(
        CaseFile(
            f"run{run:03}", "history", recording_of(runs, run), cause(fault), "Process", None, asset_of, FLOWS
        )
        for run, fault in picked
    )
    normal = [recording_of(runs, run) for run in runs.of(0)] if with_normal else []
    anchors = find_anchors(files, normal)
    learned = learn_normal(files, normal, anchors)
    return Study(files, tuple(fault for _, fault in picked), anchors, learned[kind_of(files[0])])


@dataclass(frozen=True, slots=True)
class Told:
    fault: int
    analysis: Analysis | None


def told(
    whole: Study,
    past: int,
    shift_s: float = 0.0,
    rows: int | None = None,
    unknown: bool = False,
    seed: int = 1,
) -> list[Told]:
    """Every run as a query, with ``past`` other runs of each fault; none of its own where ``unknown``."""
    incidents = [whole.past(index) for index in range(len(whole.files))]
    rng, answers = random.Random(seed), []
    for query, fault in enumerate(whole.fault):
        history = []
        for one in sorted(set(whole.fault)):
            others = [i for i, f in enumerate(whole.fault) if f == one and i != query]
            if not (unknown and one == fault):
                history += rng.sample(others, min(past, len(others)))
        answers.append(Told(fault, whole.analysis(query, [incidents[i] for i in history], shift_s, rows)))
    return answers


def drawn(whole: Study, past: int, unknown: bool = False) -> list[Told]:
    """:func:`told` with three draws of the past: with few past incidents it matters which."""
    return [one for seed in (1, 2, 3) for one in told(whole, past, unknown=unknown, seed=seed)]


def measured(answers: Sequence[Told]) -> dict[str, float]:
    """Of the detected: AC@1, AC@3, Brier, ECE; how many there are."""
    seen = [(one.analysis, cause(one.fault)) for one in answers if one.analysis]
    ranks = [figures.rank(a.scores, truth) for a, truth in seen]
    return {
        "n": len(seen),
        "AC@1": figures.top_share(ranks, 1),
        "AC@3": figures.top_share(ranks, 3),
        "Brier": statistics.mean(brier(a.scores, truth) for a, truth in seen),
        "ECE": figures.top_calibration_error([a.scores for a, _ in seen], [truth for _, truth in seen]),
    }


def novelty(known: Sequence[Told], unknown: Sequence[Told]) -> dict[str, float]:
    """AUROC of 1 - best similarity, and of P(Other); unknown causes that matched at 0.75."""
    new, old = [o.analysis for o in unknown if o.analysis], [o.analysis for o in known if o.analysis]
    return {
        "AUROC": figures.auroc([1.0 - _best(a) for a in new], [1.0 - _best(a) for a in old]),
        "AUROC P(Other)": figures.auroc(
            [figures.other(a.scores) for a in new], [figures.other(a.scores) for a in old]
        ),
        "false match": statistics.mean(_best(a) >= 0.75 for a in new),
    }


def _best(analysis: Analysis) -> float:
    return max((one.similarity for one in analysis.nearest), default=0.0)


def units(whole: Study, answers: Sequence[Told]) -> dict[str, float]:
    """Top-1 and top-3 of the unit it began at, by the incident's own data."""
    hits = []
    for one, file in zip(answers, whole.files, strict=True):
        if one.analysis and one.fault in BEGAN_AT:
            case = case_of(file, whole.anchors[file.name], None)
            codes = {asset.id: asset.code for asset in case.plant.assets}
            ranked = [codes[asset] for asset, _ in one.analysis.ranked_assets]
            hits.append(ranked.index(BEGAN_AT[one.fault]) if BEGAN_AT[one.fault] in ranked else 99)
    return {
        "n": len(hits),
        "top-1": float(np.mean([h < 1 for h in hits])),
        "top-3": float(np.mean([h < 3 for h in hits])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--own-normal", action="store_true", help="learn from the runs' own begin alone")
    options = parser.parse_args()
    runs = read_runs(options.runs)
    for name, faults in (
        ("20 faults", FAULTS),
        ("without 3, 9, 15", tuple(f for f in FAULTS if f not in HARDLY_SEEN)),
    ):
        whole = study(runs, not options.own_normal, faults)
        print(f"{name}: {len(whole.anchors)} of {len(whole.files)} detected")
        known = told(whole, 3)
        lines = {
            "3 past": measured(known),
            "2 past, 3 draws": measured(drawn(whole, 2)),
            "1 past, 3 draws": measured(drawn(whole, 1)),
            "3 past, anchor -60 s": measured(told(whole, 3, -60.0)),
            "3 past, anchor +60 s": measured(told(whole, 3, 60.0)),
            "3 past, 15 rows after": measured(told(whole, 3, rows=15)),
            "3 past, 60 rows after": measured(told(whole, 3, rows=60)),
            "3 past, 180 rows after": measured(told(whole, 3, rows=180)),
            "unknown cause": novelty(known, told(whole, 3, unknown=True)),
            "unknown cause, 1 past": novelty(drawn(whole, 1), drawn(whole, 1, unknown=True)),
            "unit, no history": units(whole, known),
        }
        for line, values in lines.items():
            print(f"  {line:24}", "  ".join(f"{key} {value:.3f}" for key, value in values.items()))


if __name__ == "__main__":
    main()
