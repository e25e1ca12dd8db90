"""A folder of cases becomes past incidents and queries, whatever its tags are called."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optria.backtest.case_files import read_case
from optria.backtest.cases import CaseFolder, read_cases
from optria.core.errors import Invalid
from optria.core.incident import Analysis
from optria.rca.baseline import Floats
from optria.rca.engine import analyse
from tests.rca.test_baseline import running

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
ROWS, ONSET = 300, 150
TAGS = ("FI:1", "LI 1", "XV@1")
SHIFTS = {"Valve fails": (0.0, 0.0, 9.0), "Feed drops": (-20.0, 0.0, 0.0), "Level lies": (0.0, 6.0, 0.0)}


def write_csv(path: Path, value: Floats, tags: tuple[str, ...] = TAGS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(("time", *tags))]
    for row, cells in enumerate(value):
        stamp = (BEGIN + timedelta(minutes=row)).isoformat()
        lines.append(",".join([stamp, *(f"{cell:.6g}" for cell in cells)]))
    path.write_text("\n".join(lines), encoding="utf-8")


def write_case(
    folder: Path, role: str, cause: str, seed: int, scale: float = 1.0, anchored: bool = True, **more: object
) -> None:
    """One without an anchor is four times as strong, for the detectors to see."""
    value = running(ROWS, seed)
    value[ONSET:] += np.multiply(SHIFTS[cause], 1.0 if anchored else 4.0)
    write_csv(folder / "data.csv", scale * value)
    anchor = {"anchor": (BEGIN + timedelta(minutes=ONSET + 2)).isoformat()} if anchored else {}
    told = {"role": role, "cause": cause, "asset_type": "Unit", **anchor, **more}
    (folder / "case.json").write_text(json.dumps(told), encoding="utf-8")


def write_all(folder: Path, normal: bool = True, scale: float = 1.0) -> Path:
    if normal:
        write_csv(folder / "normal" / "day.csv", scale * running(800, 1))
    for number, cause in enumerate(list(SHIFTS)[:2]):
        for past in range(3):
            write_case(folder / f"past-{number}-{past}", "history", cause, 10 * number + past, scale)
    for number, cause in enumerate(SHIFTS):
        write_case(folder / f"query-{number}", "query", cause, 50 + number, scale)
    return folder


def answers(folder: CaseFolder) -> dict[str, Analysis]:
    found = {}
    for query in folder.queries:
        case = folder.case(query)
        assert case is not None
        found[query.name] = analyse(case)
    return found


@pytest.mark.parametrize("normal", [True, False])
def test_known_causes_are_named_and_the_unknown_is_other(tmp_path: Path, normal: bool) -> None:
    folder = read_cases(write_all(tmp_path, normal))
    assert folder.known_causes == {"Valve fails", "Feed drops"}
    told = answers(folder)
    assert told["query-0"].top.label == "Valve fails"
    assert told["query-1"].top.label == "Feed drops"
    assert told["query-2"].top.label == "Other"
    assert not told["query-2"].similar
    assert told["query-2"].nearest


def test_units_do_not_matter(tmp_path: Path) -> None:
    plain = answers(read_cases(write_all(tmp_path / "a")))
    scaled = answers(read_cases(write_all(tmp_path / "b", scale=1000.0)))
    for name, analysis in plain.items():
        assert scaled[name].scores == pytest.approx(analysis.scores, abs=0.01)


def test_tags_are_ranked_by_what_they_show(tmp_path: Path) -> None:
    assets = {"FI:1": "Feed", "LI 1": "Drum", "XV@1": "Drum"}
    more: dict[str, Any] = {"assets": assets, "topology": [["Feed", "Drum"]]}
    write_csv(tmp_path / "normal" / "day.csv", running(800, 1))
    write_case(tmp_path / "one", "query", "Feed drops", 3, **more)
    folder = read_cases(tmp_path)
    case = folder.case(folder.queries[0])
    assert case is not None
    analysis = analyse(case)
    first = next(asset for asset in case.plant.assets if asset.id == analysis.ranked_assets[0][0])
    assert first.code == "Feed"
    assert case.plant.mappings[analysis.ranked_tags[0][0] - 1].external_tag == "FI:1"
    assert analysis.top.label == "Other"


def test_an_anchor_is_moved_and_one_that_is_missing_is_found(tmp_path: Path) -> None:
    write_csv(tmp_path / "normal" / "day.csv", running(800, 1))
    write_case(tmp_path / "a", "query", "Valve fails", 3)
    write_case(tmp_path / "b", "query", "Valve fails", 4, anchored=False)
    said: list[str] = []
    folder = read_cases(tmp_path, said.append)
    given, found = (folder.case(query) for query in folder.queries)
    moved = folder.case(folder.queries[0], shift_s=60.0)
    assert given is not None
    assert moved is not None
    assert moved.anchor.time - given.anchor.time == timedelta(seconds=60)
    assert found is not None
    assert abs(found.anchor.time - BEGIN - timedelta(minutes=ONSET)) < timedelta(minutes=30)
    assert any("b detected" in line for line in said)


def test_a_past_incident_that_no_detector_saw_still_has_a_pattern(tmp_path: Path) -> None:
    write_csv(tmp_path / "normal" / "day.csv", running(800, 1))
    value = running(ROWS, 5)
    value[ONSET:, 1] += np.linspace(0.0, 1.5, ROWS - ONSET)
    write_csv(tmp_path / "faint" / "data.csv", value)
    (tmp_path / "faint" / "case.json").write_text(json.dumps({"role": "history", "cause": "Creeps"}))
    (past,) = read_cases(tmp_path).history
    assert past.cause == "Creeps"
    assert past.signature


def test_events_are_read(tmp_path: Path) -> None:
    write_case(tmp_path, "query", "Valve fails", 3)
    rows = [{"time": "2026-03-01T02:31:00", "message": "Valve moved", "category": "OPERATOR_ACTION"}, {}]
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(rows[0]) + "\n\n", encoding="utf-8")
    (event,) = read_case(tmp_path).events
    assert (event.summary, event.category) == ("Valve moved", "OPERATOR_ACTION")
    assert event.time == BEGIN + timedelta(minutes=151)
    events.write_text(json.dumps(rows[1]), encoding="utf-8")
    with pytest.raises(Invalid, match=r"events\.jsonl, line 1: there is no time"):
        read_case(tmp_path)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ("[]", "must be a JSON object"),
        ("{", "is no JSON"),
        ("{}", "role must be"),
        ('{"role": "query", "anchor": "soon"}', "no ISO 8601 time"),
        ('{"role": "query", "assets": ["a"]}', "assets must be"),
        ('{"role": "query", "topology": [["a"]]}', "topology must be"),
        ('{"role": "query", "cause": 3}', "cause must be text"),
    ],
)
def test_a_case_that_cannot_be_read_is_named(tmp_path: Path, cells: str, complaint: str) -> None:
    folder = tmp_path / "case-1"
    write_csv(folder / "data.csv", running(20, 1))
    (folder / "case.json").write_text(cells, encoding="utf-8")
    with pytest.raises(Invalid, match=rf"case-1/case\.json.*{complaint}"):
        read_cases(tmp_path)


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no case"):
        read_cases(tmp_path)
    with pytest.raises(Invalid, match="is no folder"):
        read_cases(tmp_path / "nowhere")
