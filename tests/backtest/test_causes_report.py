"""A folder of cases is explained by the production analysis; the answers are judged where causes are told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from optria.backtest.causes_report import Explained, explain, in_words, report
from tests.backtest.case_folders import write_case, write_folder


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Explained:
    return explain(write_folder(tmp_path_factory.mktemp("cases")))


def test_each_query_has_an_answer_and_what_was_not_seen_says_so(explained: Explained) -> None:
    answers = {answer.case: answer for answer in explained.answers}
    assert list(answers) == ["q-blocked", "q-leaking", "q-new", "q-quiet"]
    assert max(answers["q-blocked"].scores, key=answers["q-blocked"].scores.__getitem__) == "Blocked"
    assert max(answers["q-leaking"].scores, key=answers["q-leaking"].scores.__getitem__) == "Leaking"
    assert max(answers["q-new"].scores, key=answers["q-new"].scores.__getitem__) == "Other"
    assert answers["q-new"].best_similarity < 0.75, "two tags stepped that never did together"
    assert answers["q-quiet"].anchor is None
    for answer in answers.values():
        assert sum(answer.scores.values()) == pytest.approx(1.0)
    assert report(explained)["not_detected"] == ["q-quiet"]


def test_what_speaks_for_a_cause_sums_to_its_probability(explained: Explained) -> None:
    for answer in explained.answers[:3]:
        for label, chance in answer.scores.items():
            shares = [row.share for row in answer.evidence if row.cause == label]
            assert sum(shares) == pytest.approx(chance, abs=1e-9)


def test_similar_cases_and_where_it_began_are_named(explained: Explained) -> None:
    blocked, leaking = explained.answers[:2]
    assert blocked.similar[0].cause == "Blocked"
    assert blocked.similar[0].case.startswith("blocked-")
    assert blocked.ranked_assets[0][0] == "Pump"
    assert {name for name, _ in leaking.ranked_assets} == {"Pump", "Tank"}
    assert leaking.ranked_tags[0][0] == "B1"


def test_figures_are_given_for_the_anchor_as_set_and_a_minute_off(explained: Explained) -> None:
    assert list(explained.boards) == ["anchor as set", "anchor -60 s", "anchor +60 s"]
    board = explained.boards["anchor as set"]
    assert board.cases == {"queries with a cause": 4, "known cause": 3, "detected": 2, "unknown cause": 1}
    assert board.figures["AC@1"].value == pytest.approx(2 / 3)
    assert board.figures["AC@1, detected"].value == 1.0
    words = "\n".join(in_words(report(explained)))
    assert "q-quiet: not detected; the cause was Leaking" in words
    assert "unknown: AUROC of P(Other)" in words


def test_without_causes_there_is_nothing_to_judge_by(tmp_path: Path) -> None:
    write_case(tmp_path, "one", 41, {"A1": 9.0}, role="query", anchor="2026-03-01T02:40:00Z")
    write_case(tmp_path, "two", 42, {"A1": 9.0}, role="query")
    explained = explain(tmp_path)
    assert explained.boards == {}
    assert explained.answers[0].anchor == datetime(2026, 3, 1, 2, 40, tzinfo=UTC)
    found = explained.answers[1].anchor
    assert found is not None
    assert timedelta(0) <= found - datetime(2026, 3, 1, 2, 40, tzinfo=UTC) < timedelta(minutes=10)
    assert "No query carries a cause" in in_words(report(explained))[-1]
