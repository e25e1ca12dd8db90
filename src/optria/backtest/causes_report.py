"""A folder of cases explained by the production analysis, and what is said of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from optria.backtest.case_files import CaseFile
from optria.backtest.cases import CaseFolder, read_cases
from optria.backtest.causes import SHIFT_S, Answer, Reason, Scoreboard, Similar, scoreboard
from optria.backtest.figures import Interval
from optria.core.incident import Analysis
from optria.rca.case import Case
from optria.rca.engine import analyse

MOST_RANKED = 10
Say = Callable[[str], None]
Told = dict[str, object]


@dataclass(frozen=True, slots=True)
class Explained:
    """The answers to a folder's queries, and how good they are by anchor: as set, earlier and later."""

    answers: tuple[Answer, ...]
    boards: Mapping[str, Scoreboard]


def explain(path: Path, say: Say = lambda words: None) -> Explained:
    """Read a folder of cases and explain its queries.

    Raises:
        Invalid: it cannot be read as such a folder.
    """
    folder = read_cases(path, say)
    return explain_folder(folder, say)


def explain_folder(folder: CaseFolder, say: Say = lambda words: None) -> Explained:
    """Explain the queries of a folder, and judge the answers where their causes are told."""
    answers = answer_all(folder, 0.0, say)
    if all(answer.truth is None for answer in answers):
        return Explained(answers, {})
    shifted = {f"anchor {shift:+.0f} s": answer_all(folder, shift, say) for shift in (-SHIFT_S, SHIFT_S)}
    by_anchor = {"anchor as set": answers} | shifted
    known = folder.known_causes
    return Explained(answers, {name: scoreboard(some, known) for name, some in by_anchor.items()})


def answer_all(folder: CaseFolder, shift_s: float, say: Say) -> tuple[Answer, ...]:
    """An answer per query, with the anchor moved by ``shift_s``."""
    answers = []
    for query in folder.queries:
        answers.append(_answer(folder, query, shift_s))
        say(f"{query.name}: {_first(answers[-1])}" + (f" (anchor {shift_s:+.0f} s)" if shift_s else ""))
    return tuple(answers)


def report(explained: Explained) -> Told:
    """Everything worth saying but the lines themselves, in plain values."""
    return {
        "queries": len(explained.answers),
        "not_detected": [answer.case for answer in explained.answers if answer.anchor is None],
        "answers": [
            {"case": answer.case, "said": _first(answer), "cause": answer.truth}
            for answer in explained.answers
        ],
        "figures": {
            name: {"cases": dict(board.cases)}
            | {figure: _interval(value) for figure, value in board.figures.items()}
            for name, board in explained.boards.items()
        },
    }


def in_words(told: Mapping[str, object]) -> list[str]:
    """The report for people: a line per query, then a table of figures."""
    answers, figures = told["answers"], told["figures"]
    assert isinstance(answers, list)
    assert isinstance(figures, dict)
    lines = [
        f"{answer['case']}: {answer['said']}"
        + ("" if answer["cause"] is None else f"; the cause was {answer['cause']}")
        for answer in answers
    ]
    if not figures:
        return [*lines, "No query carries a cause: nothing to judge the answers by."]
    first = next(iter(figures.values()))
    groups = ", ".join(f"{name} {number}" for name, number in first["cases"].items())
    lines += ["", f"Queries: {groups}", f"{'':34}" + "".join(f"{name:>26}" for name in figures)]
    names = [name for name in first if name != "cases"]
    for name in names:
        cells = "".join(f"{_cell(by_anchor.get(name)):>26}" for by_anchor in figures.values())
        lines.append(f"{name:34}{cells}")
    return [
        *lines,
        "",
        "With 95 % intervals over cases. A query without an anchor is a miss where not only those detected",
        "are counted. ECE in ten bins; Brier summed over all causes. A cause that neither history nor a rule",
        "could name counts for novelty alone.",
    ]


def _answer(folder: CaseFolder, query: CaseFile, shift_s: float) -> Answer:
    case = folder.case(query, shift_s)
    if case is None:
        return Answer(query.name, query.cause, None)
    return _told(query, case, analyse(case))


def _told(query: CaseFile, case: Case, analysis: Analysis) -> Answer:
    codes = {asset.id: asset.code for asset in case.plant.assets}
    tags = {mapping.id: mapping.external_tag for mapping in case.plant.mappings}
    return Answer(
        query.name,
        query.cause,
        case.anchor.time,
        analysis.scores,
        tuple(Similar(one.number, one.cause, one.similarity) for one in analysis.nearest),
        tuple((codes[asset], score) for asset, score in analysis.ranked_assets[:MOST_RANKED]),
        tuple((tags[tag], score) for tag, score in analysis.ranked_tags[:MOST_RANKED]),
        tuple(
            Reason(cause.label, row.kind, row.text, row.share)
            for cause in analysis.causes
            for row in cause.evidence
        ),
    )


def _first(answer: Answer) -> str:
    if answer.anchor is None:
        return "not detected"
    label = max(answer.scores, key=lambda one: answer.scores[one])
    return f"{label} ({answer.scores[label]:.2f})"


def _interval(figure: Interval) -> Told:
    parts = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {name: value if math.isfinite(value) else None for name, value in parts.items()}


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None or None in figure.values():
        return "-"
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
