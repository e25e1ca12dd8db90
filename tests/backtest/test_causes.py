"""Answers are judged as one would by hand, and written line by line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optria.backtest.causes import Answer, Reason, Similar, scoreboard, write_predictions
from optria.core.errors import Invalid

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


def answer(case: str, truth: str | None, similarity: float = 0.0, **scores: float) -> Answer:
    similar = (Similar("h1", "A", similarity), Similar("h2", "B", 0.1)) if similarity else ()
    return Answer(case, truth, AT if scores else None, scores or {"Other": 1.0}, similar)


def test_known_causes_are_judged_over_all_queries_and_over_those_detected() -> None:
    answers = [
        answer("q1", "A", A=0.8, Other=0.2),
        answer("q2", "B", A=0.5, B=0.3, Other=0.2),
        answer("q3", "A"),
        answer("q4", None, A=1.0),
    ]
    board = scoreboard(answers, {"A", "B"})
    assert board.cases == {"queries with a cause": 3, "known cause": 3, "detected": 2}
    value = {name: figure.value for name, figure in board.figures.items()}
    assert value["AC@1"] == pytest.approx(1 / 3)
    assert value["AC@3"] == pytest.approx(2 / 3)
    assert value["MRR"] == pytest.approx(1.5 / 3)
    assert value["AC@1, detected"] == 0.5
    assert value["MRR, detected"] == 0.75
    of_q1, of_q2 = 0.04 + 0.04, 0.25 + 0.49 + 0.04
    assert value["Brier, detected"] == pytest.approx((of_q1 + of_q2) / 2)
    assert value["Brier"] == pytest.approx((of_q1 + of_q2 + 2.0) / 3)
    assert value["ECE (top cause), detected"] == pytest.approx((0.2 + 0.5) / 2)
    figure = board.figures["AC@1"]
    assert figure.low <= figure.value <= figure.high
    assert not any(name.startswith("unknown") for name in value)


def test_a_cause_that_nothing_could_name_counts_for_novelty_alone() -> None:
    answers = [
        answer("q1", "A", 0.9, A=0.8, Other=0.2),
        answer("q2", "A", 0.7, A=0.6, Other=0.4),
        answer("q3", "New", 0.8, A=0.7, Other=0.3),
        answer("q4", "New", 0.2, Other=0.9, A=0.1),
        answer("q5", "New"),
    ]
    board = scoreboard(answers, {"A"})
    assert board.cases["known cause"] == 2
    assert board.cases["unknown cause"] == 2
    value = {name: figure.value for name, figure in board.figures.items()}
    assert value["AC@1"] == 1.0
    assert value["unknown: AUROC of P(Other)"] == 0.75  # 0.3 above 0.2, below 0.4; 0.9 above both
    assert value["unknown: AUROC of 1 - similarity"] == 0.75
    assert value["unknown: matched at 0.75"] == 0.5


def test_lines_hold_what_was_said(tmp_path: Path) -> None:
    said = Answer(
        "q1",
        "A",
        AT,
        {"A": 0.75, "Other": 0.25},
        (Similar("h1", "A", 0.91),),
        (("Reactor", 0.8),),
        (("TI-9", 0.7),),
        (Reason("A", "history", "Similar to h1 (0.91)", 0.75),),
    )
    path = tmp_path / "predictions.jsonl"
    write_predictions(path, [said, answer("q2", "A")])
    first, second = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert first == {
        "case": "q1",
        "anchor": "2026-03-01T06:00:00+00:00",
        "root_cause_scores": {"A": 0.75, "Other": 0.25},
        "similar": [{"case": "h1", "cause": "A", "similarity": 0.91}],
        "ranked_assets": [{"asset": "Reactor", "score": 0.8}],
        "ranked_tags": [{"tag": "TI-9", "score": 0.7}],
        "evidence": [{"cause": "A", "kind": "history", "text": "Similar to h1 (0.91)", "share": 0.75}],
    }
    assert second["anchor"] is None
    assert second["status"] == "not detected"
    assert second["root_cause_scores"] == {"Other": 1.0}
    with pytest.raises(Invalid, match="cannot be written"):
        write_predictions(tmp_path / "nowhere" / "p.jsonl", [said])
