"""The drawing as the editor changes it: lines stay at right angles and attached, every step can be undone."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from optria.web.twin.drawing_config import SYMBOLS

JS = Path(__file__).parents[2] / "frontend/js"
DEMO = Path(__file__).parents[2] / "src/optria/db/demo"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")


def run(config: object, script: str) -> Any:
    """What ``script`` gives back, with the model ``m`` of ``config``."""
    program = f"""
      import {{ DrawingModel }} from "{JS.as_uri()}/drawing_model.js";
      import {{ boxOf }} from "{JS.as_uri()}/drawing_geometry.js";
      const m = new DrawingModel({json.dumps(config)}, {json.dumps(sorted(SYMBOLS))});
      const result = (() => {{ {script} }})();
      console.log(JSON.stringify(result));
    """
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def two_pumps() -> dict[str, Any]:
    return {
        "size": [950, 727],
        "symbols": [
            {"symbol": "pump", "asset": "A", "x": 100, "y": 100, "label": {"x": 100, "y": 150}},
            {"symbol": "pump", "asset": "B", "x": 300, "y": 200},
        ],
        "pipes": [
            {"points": [[121, 100], [200, 100], [200, 200], [279, 200]], "kind": "main", "arrow": True}
        ],
    }


@pytest.mark.parametrize("name", ["drawing_plant_a.json", "drawing_plant_b.json"])
def test_a_drawing_that_is_not_touched_is_stored_as_it_was(name: str) -> None:
    config = json.loads((DEMO / name).read_text("utf-8"))
    assert run(config, "return [m.stored(), m.isDirty];") == [config, False]


def test_a_symbol_of_an_unknown_kind_is_kept() -> None:
    config = {"symbols": [{"symbol": "rocket", "x": 1, "y": 2}, {"symbol": "pump", "x": 3, "y": 4}]}
    made = run(config, 'm.select(["symbols.0"]); m.move(4, 0); return m.stored().symbols;')
    assert made == [{"symbol": "pump", "x": 7, "y": 4}, {"symbol": "rocket", "x": 1, "y": 2}]


def test_lines_and_words_follow_a_symbol_and_stay_at_right_angles() -> None:
    pump, points = run(
        two_pumps(),
        'm.select(["symbols.0"]); m.move(8, 20); return [m.get("symbols.0"), m.get("pipes.0").points];',
    )
    assert (pump["x"], pump["y"], pump["label"]) == (108, 120, {"x": 108, "y": 170})
    assert points == [[129, 120], [200, 120], [200, 200], [279, 200]]


def test_a_straight_line_gets_a_bend_when_one_end_moves_across() -> None:
    config = two_pumps() | {"pipes": [{"points": [[121, 100], [279, 100]]}]}
    config["symbols"][1]["y"] = 100
    points = run(config, 'm.select(["symbols.1"]); m.move(0, 40); return m.get("pipes.0").points;')
    assert points == [[121, 100], [200, 100], [200, 140], [279, 140]]


def test_connecting_leads_from_side_to_side() -> None:
    made = run(two_pumps(), 'return m.get(m.connect("symbols.0", "symbols.1"));')
    assert made == {"points": [[121, 100], [200, 100], [200, 200], [279, 200]], "kind": "main", "arrow": True}
    assert run(two_pumps(), 'return m.connect("symbols.0", "symbols.0");') is None


def test_a_segment_moves_across_itself_and_the_ends_stay() -> None:
    points = run(two_pumps(), 'm.moveSegment("pipes.0", 1, 40); return m.get("pipes.0").points;')
    assert points == [[121, 100], [240, 100], [240, 200], [279, 200]]
    first = run(two_pumps(), 'm.moveSegment("pipes.0", 0, -20); return m.get("pipes.0").points;')
    assert first == [[121, 100], [121, 80], [200, 80], [200, 200], [279, 200]]


def test_every_step_is_undone_and_done_again() -> None:
    steps = """
      m.placeSymbol("tank", 402, 399); m.rotate(); m.resize("symbols.2", 101, 60);
      m.set("symbols.2", "asset", "T");
      m.placeLabel("symbols.2", "below", true); m.copy(); m.paste(); m.select(["symbols.0"]); m.remove();
      const end = m.stored();
      while (m.undo());
      const begin = m.stored();
      while (m.redo());
      const isSame = JSON.stringify(m.stored()) === JSON.stringify(end);
      return [begin, isSame, end.symbols.map((s) => [s.symbol, s.x, s.y, s.asset ?? null])];
    """
    begin, is_same, symbols = run(two_pumps(), steps)
    assert begin == two_pumps()
    assert is_same
    assert symbols == [["pump", 300, 200, "B"], ["tank", 404, 400, "T"], ["tank", 428, 424, None]]


def test_the_way_back_is_bounded() -> None:
    length = run(
        two_pumps(),
        'm.select(["symbols.0"]); for (let i = 0; i < 300; i++) m.move(4, 0); return m.past.length;',
    )
    assert length == 100


def test_a_free_place_is_free() -> None:
    script = """
      for (let i = 0; i < 20; i++) m.placeSymbol("pump", ...m.freePlace());
      const boxes = m.config.symbols.map((row) => boxOf("symbols", row));
      const meet = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
      return boxes.some((a, i) => boxes.some((b, j) => i < j && meet(a, b)));
    """
    assert run(two_pumps(), script) is False
