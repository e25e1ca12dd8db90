"""``optria backtest detect`` needs a file and nothing else: no database, no network, no home folder."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.backtest.case_folders import write_folder

Optria = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def backtest(tmp_path: Path) -> Optria:
    """Runs ``optria backtest`` with some words, where no home folder can be made."""
    nowhere = tmp_path / "a-file"
    nowhere.write_text("")
    environment = {**os.environ, "OPTRIA_HOME": str(nowhere / "home"), "HOME": str(nowhere)}
    environment["OPTRIA_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:9/nothing"

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "optria", "backtest", *map(str, words)]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """600 rows of three unknown tags; the second steps at row 500; rows 10 and 11 are in the wrong order."""
    rng = np.random.default_rng(1)
    value = rng.normal([5.0, 2e4, -0.1], [0.1, 300.0, 0.01], (600, 3)).round(5)
    value[500:, 1] += 4000.0
    rows = [
        f"2026-03-01 06:{i // 60:02}:{i % 60:02};"
        + ";".join(str(v).replace(".", ",") for v in value[i])
        + f";{int(i >= 500)}"
        for i in range(600)
    ]
    rows[10], rows[11] = rows[11], rows[10]
    path = tmp_path / "run.csv"
    path.write_text("Zeit;x1;x2;x3;fault\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_recording_is_scored_row_by_row(backtest: Optria, recording: Path, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    ran = backtest("detect", recording, "--label", "fault", "--out", scores)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "Anchors: 1" in ran.stdout
    assert "x2 high since 2026-03-01 06:08:2" in ran.stdout
    assert "F1 0.9" in ran.stdout
    with scores.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["time", "score", "probability", "alarm", "top"]
    times = [line.split(";")[0] for line in recording.read_text("utf-8").splitlines()[1:]]
    assert [row[0] for row in rows] == times
    assert {row[3] for row in rows[:500]} == {"0"}
    assert {row[3] for row in rows[510:]} == {"1"}
    assert {row[4] for row in rows[510:]} == {"x2"}
    assert all(0.0 <= float(row[2]) <= 1.0 for row in rows)


def test_json_alone_is_on_the_standard_output(backtest: Optria, recording: Path) -> None:
    ran = backtest("detect", recording, "--ignore", "fault,x3", "--warmup", "450", "--json")
    told = json.loads(ran.stdout)
    assert told["tags"] == ["x1", "x2"]
    assert told["warmup"] == 450
    assert told["anchors"][0]["tags"][0]["tag"] == "x2"
    assert 500 <= told["anchors"][0]["row"] < 510
    assert "against_label" not in told


def test_an_error_is_a_sentence(backtest: Optria, tmp_path: Path) -> None:
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("time,a\n2026-03-01,1\n2026-03-02,1,2\n")
    ran = backtest("detect", ragged)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr == "optria: ragged.csv, line 3: 3 cells where the first line has 2.\n"
    assert backtest("detect", tmp_path / "none.csv").stderr.endswith("No such file or directory.\n")


def test_a_folder_of_cases_is_explained_line_by_line(backtest: Optria, tmp_path: Path) -> None:
    lines = tmp_path / "predictions.jsonl"
    ran = backtest("rca", write_folder(tmp_path / "cases"), "--out", lines, "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["figures"]["anchor +60 s"]["AC@1, detected"]["value"] == 1.0
    answers = [json.loads(line) for line in lines.read_text("utf-8").splitlines()]
    assert [answer["case"] for answer in answers] == ["q-blocked", "q-leaking", "q-new", "q-quiet"]
    assert {
        "case",
        "anchor",
        "root_cause_scores",
        "similar",
        "ranked_assets",
        "ranked_tags",
        "evidence",
    } <= set(answers[0])
    assert answers[3]["status"] == "not detected"


def test_a_folder_without_cases_is_an_error(backtest: Optria, tmp_path: Path) -> None:
    ran = backtest("rca", tmp_path)
    assert ran.returncode == 1
    assert "holds no case" in ran.stderr
