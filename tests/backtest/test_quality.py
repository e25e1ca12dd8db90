"""The table of the quality benchmark: what is reached, what not, and what is not there."""

from pathlib import Path

import numpy as np

from benchmarks.quality import GOALS, measure, table
from benchmarks.quality_parts import PARTS
from benchmarks.tep_cases import BEGAN_AT, FLOWS, TAGS, UNITS


def test_every_goal_is_of_a_part_and_said_once() -> None:
    assert {goal.part for goal in GOALS} == set(PARTS)
    assert len({(goal.part, goal.name) for goal in GOALS}) == len(GOALS)


def test_a_line_says_whether_the_goal_is_met_whichever_way_is_better() -> None:
    figures = {"f1": [0.93, 0.9, 0.95], "far": [6.0, 5.0, 8.0], "mar": [9.0, 8.0, 10.0]}
    lines = table({"skab": {"figures": figures | {"files": [17.0, 17.0, 17.0]}}})
    by_name = {line[:54].strip(): line for line in lines}
    assert by_name["Pump loop: F1"].endswith("yes")
    assert "0.9 to 0.95" in by_name["Pump loop: F1"]
    assert by_name["Pump loop: false alarm rate"].endswith("yes")
    assert by_name["Pump loop: missed alarm rate"].endswith("no")
    assert by_name["Pump loop: median delay"].endswith("not measured")
    assert lines[-1].startswith("skab, files")


def test_data_that_is_not_there_is_said_instead_of_a_figure(tmp_path: Path) -> None:
    for part in ("skab", "tep", "tep-causes"):
        assert "absent" in measure(part, tmp_path, quick=True)
        assert "figures" not in measure(part, None, quick=True)
    lines = table({"skab": measure("skab", tmp_path, quick=True)})
    assert any(line.endswith("no folder skab with recordings in DATA") for line in lines)


def test_recordings_in_the_folder_are_measured(tmp_path: Path) -> None:
    (tmp_path / "skab").mkdir()
    value = np.random.default_rng(1).normal(5, 1, (700, 3))
    value[600:, 1] += 20
    rows = [f"{row};{a};{b};{c};{int(row >= 600)};0" for row, (a, b, c) in enumerate(value)]
    text = "\n".join(["time;x;y;z;anomaly;changepoint", *rows])
    (tmp_path / "skab" / "one.csv").write_text(text)
    told = measure("skab", tmp_path, quick=True)
    figures = told["figures"]
    assert isinstance(figures, dict)
    assert figures["f1"][0] > 0.9
    assert figures["onsets"][0] == 0.0


def test_the_drawing_of_the_process_names_each_tag_once() -> None:
    drawn = [tag for tags in UNITS.values() for tag in tags]
    assert sorted(drawn) == sorted(TAGS)
    assert {unit for flow in FLOWS for unit in flow} == set(UNITS)
    assert set(BEGAN_AT.values()) <= set(UNITS)
