"""The production analysis over a folder of cases: an answer per query, and how good the answers are."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from optria.backtest import figures
from optria.backtest.figures import Interval
from optria.core.errors import Invalid
from optria.core.incident import OTHER
from optria.rca.scoreboard import brier

NOT_DETECTED = "not detected"
SAME = 0.75
"""Similarity from which a past incident counts as the same."""
SHIFT_S = 60.0
NOTHING: Mapping[str, float] = MappingProxyType({OTHER: 1.0})


@dataclass(frozen=True, slots=True)
class Similar:
    """A case of the history that resembles the query."""

    case: str
    cause: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Reason:
    """A row of evidence; the shares of a cause's rows sum to its probability."""

    cause: str
    kind: str
    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one query; ``truth`` is its cause where the folder tells it.

    ``anchor`` None: the detectors saw nothing, so no analysis was made.
    """

    case: str
    truth: str | None
    anchor: datetime | None
    scores: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    similar: tuple[Similar, ...] = ()
    ranked_assets: tuple[tuple[str, float], ...] = ()
    ranked_tags: tuple[tuple[str, float], ...] = ()
    evidence: tuple[Reason, ...] = ()

    @property
    def best_similarity(self) -> float:
        return max((one.similarity for one in self.similar), default=0.0)

    def as_json(self) -> dict[str, object]:
        """The line of predictions.jsonl."""
        status = {} if self.anchor else {"status": NOT_DETECTED}
        return {
            "case": self.case,
            "anchor": self.anchor.isoformat() if self.anchor else None,
            **status,
            "root_cause_scores": {label: round(chance, 6) for label, chance in self.scores.items()},
            "similar": [
                {"case": one.case, "cause": one.cause, "similarity": round(one.similarity, 4)}
                for one in self.similar
            ],
            "ranked_assets": [
                {"asset": name, "score": round(score, 4)} for name, score in self.ranked_assets
            ],
            "ranked_tags": [{"tag": name, "score": round(score, 4)} for name, score in self.ranked_tags],
            "evidence": [
                {"cause": one.cause, "kind": one.kind, "text": one.text, "share": round(one.share, 6)}
                for one in self.evidence
            ],
        }


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """Figures of some answers, by name, each with its interval; how many cases each group has."""

    cases: Mapping[str, int]
    figures: Mapping[str, Interval]


def scoreboard(answers: Sequence[Answer], known: Collection[str]) -> Scoreboard:
    """Judge answers whose truth is told. ``known`` are the causes that history or a rule could name.

    AC@1, AC@3, MRR, Brier and ECE are over queries of a known cause, once over all of them (one that was not
    detected is a miss) and once over those that were detected. A cause that nothing could name counts for
    novelty alone: AUROC of P(Other) and of 1 - best similarity, and how often it still found a match.
    """
    told = [answer for answer in answers if answer.truth is not None]
    of_known = [answer for answer in told if answer.truth in known]
    seen = [answer for answer in of_known if answer.anchor]
    new = [answer for answer in told if answer.truth not in known and answer.anchor]
    found = _of_causes(of_known)
    if len(seen) < len(of_known):
        found |= {f"{name}, detected": figure for name, figure in _of_causes(seen).items()}
    groups = {"queries with a cause": len(told), "known cause": len(of_known), "detected": len(seen)}
    if new:
        found |= _of_novelty(seen, new)
        groups["unknown cause"] = len(new)
    return Scoreboard(groups, found)


def write_predictions(path: Path, answers: Iterable[Answer]) -> None:
    """One JSON line per query.

    Raises:
        Invalid: the file cannot be written.
    """
    lines = "".join(json.dumps(answer.as_json(), ensure_ascii=False) + "\n" for answer in answers)
    try:
        path.write_text(lines, encoding="utf-8")
    except OSError as error:
        raise Invalid(f"The predictions cannot be written to {path}: {error.strerror or error}.") from None


def _of_causes(answers: Sequence[Answer]) -> dict[str, Interval]:
    if not answers:
        return {}
    scores = [answer.scores for answer in answers]
    truths = [answer.truth or "" for answer in answers]
    ranks = [figures.rank(one, truth) for one, truth in zip(scores, truths, strict=True)]
    briers = [brier(one, truth) for one, truth in zip(scores, truths, strict=True)]

    def whole(figure: Callable[[Sequence[figures.Scores], Sequence[str]], float]) -> Interval:
        return figures.interval(
            len(scores),
            lambda places: figure([scores[i] for i in places], [truths[i] for i in places]),
            draws=500,
        )

    return {
        "AC@1": figures.mean_interval([float(place == 1) for place in ranks]),
        "AC@3": figures.mean_interval([float(place is not None and place <= 3) for place in ranks]),
        "MRR": figures.mean_interval([0.0 if place is None else 1.0 / place for place in ranks]),
        "Brier": figures.mean_interval(briers),
        "ECE (top cause)": whole(figures.top_calibration_error),
        "ECE (all causes)": whole(figures.whole_calibration_error),
    }


def _of_novelty(known: Sequence[Answer], new: Sequence[Answer]) -> dict[str, Interval]:
    everyone = [*new, *known]

    def area(score: Callable[[Answer], float]) -> Interval:
        values = np.array([score(answer) for answer in everyone])

        def of(places: NDArray[np.intp]) -> float:
            return figures.auroc(values[places[places < len(new)]], values[places[places >= len(new)]])

        return figures.interval(len(everyone), of, draws=500)

    matched = [float(answer.best_similarity >= SAME) for answer in new]
    return {
        "unknown: AUROC of P(Other)": area(lambda answer: figures.other(answer.scores)),
        "unknown: AUROC of 1 - similarity": area(lambda answer: 1.0 - answer.best_similarity),
        f"unknown: matched at {SAME}": figures.mean_interval(matched),
    }
