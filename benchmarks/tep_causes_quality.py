"""Causes on Tennessee Eastman cases, through the functions of `optria backtest rca`.

Every run is once a query. Its past are three other runs of each fault, one, none, or those of all faults but
its own. Anchors are set by the detectors; a fault that they do not see has no anchor, so the headline figures
are of the queries that were detected and the others are given beside them.
"""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.tep_cases import BEGAN_AT, FAULTS, HARDLY_SEEN, Runs, cause, write_all
from optria.backtest import figures
from optria.backtest.case_files import CaseFile, read_case
from optria.backtest.cases import CaseFolder, read_cases
from optria.backtest.causes import SHIFT_S, Answer, Scoreboard, scoreboard
from optria.backtest.causes_report import answer_all
from optria.backtest.figures import Interval

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """All runs as one folder; ``names`` of the cases by fault."""

    folder: CaseFolder
    files: Mapping[str, CaseFile]
    names: Mapping[int, Sequence[str]]

    def answers(self, fold: int, past: int, shift_s: float = 0.0) -> list[Answer]:
        """Run ``fold`` of each fault explained with ``past`` other runs of every fault."""
        return self._ask(fold, self._past(fold, past), shift_s)

    def of_unknown(self, fold: int, past: int) -> list[Answer]:
        """The same runs, each explained with the past of all other faults."""
        known = self._past(fold, past)
        answers = []
        for fault in self.names:
            others = known - set(self.names[fault])
            [answer] = self._ask(fold, others, 0.0, [fault])
            answers.append(replace(answer, truth=f"{answer.truth}, left out"))
        return answers

    def _past(self, fold: int, past: int) -> set[str]:
        return {
            mine[(fold + 1 + step) % len(mine)]
            for mine in self.names.values()
            for step in range(min(past, len(mine) - 1))
        }

    def _ask(
        self, fold: int, past: Collection[str], shift_s: float, faults: Collection[int] | None = None
    ) -> list[Answer]:
        names = [
            mine[fold % len(mine)] for fault, mine in self.names.items() if faults is None or fault in faults
        ]
        folder = replace(
            self.folder,
            queries=tuple(self.files[name] for name in names),
            history=tuple(one for one in self.folder.history if one.id in past),
        )
        return list(answer_all(folder, shift_s, lambda words: None))


def measure(runs: Runs, quick: bool, say: Say) -> dict[str, Interval]:
    """All figures by name, each with its 95 % interval over queries."""
    with tempfile.TemporaryDirectory() as place:
        names = write_all(_some(runs) if quick else runs, Path(place))
        names = {fault: mine for fault, mine in names.items() if mine}
        folder = read_cases(Path(place), say)
        files = {name: read_case(Path(place) / name) for mine in names.values() for name in mine}
    cases = Cases(folder, files, names)
    folds = range(2 if quick else 4)
    known = {cause(fault) for fault in names}
    found: dict[str, Interval] = {}

    def note(title: str, answers: Sequence[Answer]) -> None:
        say(title)
        board = scoreboard(answers, known)
        found.update({f"{title}: {name}": figure for name, figure in _both(board).items()})
        seen = [a for a in answers if a.truth not in {cause(fault) for fault in HARDLY_SEEN}]
        found[f"{title}: AC@1, without 3, 9, 15"] = scoreboard(seen, known).figures["AC@1"]

    three = [answer for fold in folds for answer in cases.answers(fold, 3)]
    note("past 3", three)
    note("past 1", [answer for fold in folds for answer in cases.answers(fold, 1)])
    for shift in (-SHIFT_S, SHIFT_S):
        shifted = scoreboard([a for fold in folds for a in cases.answers(fold, 3, shift)], known)
        say(f"anchor {shift:+.0f} s")
        found |= {
            f"past 3, anchor {shift:+.0f} s: {n}": shifted.figures[n] for n in ("AC@1", "AC@3", "Brier")
        }
    unknown = [answer for fold in folds for answer in cases.of_unknown(fold, 3)]
    board = scoreboard([*three, *unknown], known)
    found |= {name: figure for name, figure in board.figures.items() if name.startswith("unknown")}
    say("unknown causes")
    return found | _units([answer for fold in folds for answer in cases.answers(fold, 0)])


def _units(answers: Sequence[Answer]) -> dict[str, Interval]:
    """How often the unit that a fault begins at is the first, is among the first three, of those ranked."""
    began = {cause(fault): unit for fault, unit in BEGAN_AT.items()}
    asked = [answer for answer in answers if answer.truth in began and answer.anchor]
    places = []
    for answer in asked:
        units = [unit for unit, _ in answer.ranked_assets]
        unit = began[answer.truth or ""]
        places.append(units.index(unit) + 1 if unit in units else 99)
    return {
        "unit: top-1": figures.mean_interval([float(place == 1) for place in places]),
        "unit: top-3": figures.mean_interval([float(place <= 3) for place in places]),
    }


def _both(board: Scoreboard) -> dict[str, Interval]:
    """The figures of those detected under that name even where all were."""
    same = {name: figure for name, figure in board.figures.items() if ", detected" not in name}
    detected = {f"{name}, detected": figure for name, figure in same.items()}
    return detected | dict(board.figures)


def _some(runs: Runs) -> Runs:
    """Two runs of every third fault, and two normal days."""
    kept = [run for fault in (0, *FAULTS[::3]) for run in runs.of(fault)[:2]]
    return Runs(runs.fault[kept], runs.onset[kept], tuple(runs.value[run] for run in kept))
