"""The process drawing: names become assets and signals, pipes become paths, badges have their place."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optria.simulator.catalogue import CATALOGUE
from optria.web.rendering import SiteLink, environment
from optria.web.twin import drawing
from optria.web.twin.drawing_config import SYMBOLS
from optria.web.twin.pills import short_number
from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView, SignalView, TwinPage

DEMO = Path(__file__).parents[3] / "src/optria/db/demo"
SITE = SiteLink(1, "PLANT-B", "Abqaiq")
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
SIGNAL = SignalView(7, "P-1.IT-1", "Motor current", "current", "A", value=100.0, time_ms=0)
PUMP = {"symbol": "pump", "asset": "P-1", "x": 50, "y": 60, "run": {"metric": "current", "above": 5}}


def incident(number: str = "INC-2026-00012") -> IncidentView:
    return IncidentView("i-1", number, "Bearing Fault", "critical", "OPEN", BEGAN)


def plant(*incidents: IncidentView, orders: tuple[OrderView, ...] = ()) -> TwinPage:
    asset = AssetView(
        1, "P-1", "Pump", "Pump", "high", "مضخة", incidents=incidents, orders=orders, signals=(SIGNAL,)
    )
    return TwinPage(SITE, (asset,))


def symbol(row: dict[str, object], page: TwinPage, language: str = "en") -> drawing.Symbol:
    return drawing.resolve({"symbols": [row]}, page, language).symbols[0]


def test_symbol_finds_its_asset_and_the_signal_that_says_it_runs() -> None:
    shown = symbol(PUMP, plant())
    assert shown.asset is not None
    assert (shown.state, shown.run_tag, shown.run_above) == ("running", SIGNAL, 5.0)


@pytest.mark.parametrize(("current", "state"), [(100.0, "running"), (0.1, "stopped"), (None, "running")])
def test_a_machine_without_current_stands_still(current: float | None, state: str) -> None:
    page = plant()
    quiet = replace(page.assets[0], signals=(replace(SIGNAL, value=current),))
    page = replace(page, assets=(quiet,), drawing={"symbols": [PUMP]})
    assert drawing.with_stopped(page).assets[0].state == state


def test_an_asset_that_the_site_lacks_is_drawn_unknown() -> None:
    shown = symbol(PUMP | {"asset": "P-9"}, plant())
    assert (shown.asset, shown.state, shown.pills) == (None, "unknown", ())


def test_one_pill_for_incidents_and_one_for_orders_with_the_rest_counted() -> None:
    orders = tuple(OrderView(f"w-{n}", f"WO-BB-2026-0000{n}", "", "open", "high") for n in (1, 2, 3))
    pills = symbol(PUMP, plant(incident(), orders=orders)).pills
    assert [(p.text, p.severity, p.digit) for p in pills] == [
        ("INC-0012", "critical", "1"),
        ("WO-0001 +2", "order", ""),
    ]
    assert pills[1].x == pytest.approx(pills[0].x + pills[0].width + 5)


def test_pills_stay_inside_the_drawing() -> None:
    orders = tuple(OrderView(f"w-{n}", f"WO-BB-2026-0000{n}", "", "open", "high") for n in (1, 2))
    pills = symbol(PUMP | {"badges": [900, 5]}, plant(incident(), orders=orders)).pills
    assert pills[1].x + pills[1].width < 950
    assert pills[1].x == pytest.approx(pills[0].x + pills[0].width + 5)


def test_labels_follow_the_language() -> None:
    row = PUMP | {"label": {"x": 1, "y": 2, "name": [3, 4]}}
    assert [w.text for w in symbol(row, plant()).words] == ["P-1", "Pump"]
    assert [w.text for w in symbol(row, plant(), "ar").words] == ["P-1", "مضخة"]


def test_pipe_ends_at_the_base_of_its_arrow() -> None:
    pipe = {"points": [[0, 0], [50, 0]], "kind": "main", "arrow": True}
    drawn = drawing.resolve({"pipes": [pipe]}, plant(), "en").pipes[0]
    assert drawn.path == "M0 0L40 0"
    assert drawn.arrow == "M50 0L40 4.5L40 -4.5Z"


def test_a_value_whose_tag_is_not_mapped_keeps_its_place() -> None:
    rows = [{"tag": "P-1.IT-1", "x": 1, "y": 2}, {"tag": "P-1.XX-9", "x": 3, "y": 4}]
    known, unknown = drawing.resolve({"values": rows}, plant(), "en").values
    assert known.signal is SIGNAL
    assert (unknown.signal, unknown.name, unknown.x) == (None, "XX-9", 3.0)


@pytest.mark.parametrize(
    ("number", "short"),
    [("INC-2026-00012", "INC-0012"), ("WO-BB-2026-12345", "WO-12345"), ("INC-ARA-001", "INC-ARA-001")],
)
def test_short_numbers(number: str, short: str) -> None:
    assert short_number(number) == short


def test_odd_stored_content_is_drawn_as_nothing_rather_than_failing() -> None:
    odd = {"symbols": "none", "pipes": [3], "values": None, "size": "big"}
    drawn = drawing.resolve(odd, plant(), "en")
    assert (drawn.symbols, drawn.pipes, drawn.values, drawn.width) == ((), (), (), 950.0)


@pytest.mark.parametrize("site", ["PLANT-A", "PLANT-B"])
def test_demo_drawings_name_only_what_the_demo_plant_has(site: str) -> None:
    config = json.loads((DEMO / f"drawing_{site.lower().replace('-', '_')}.json").read_text("utf-8"))
    assets = {asset.code for asset in CATALOGUE.assets if asset.site == site}
    tags = {tag.name: tag.metric for tag in CATALOGUE.tags}
    metrics = {(tag.asset, tag.metric) for tag in CATALOGUE.tags}
    drawn = [row for row in config["symbols"] if "asset" in row]
    assert {row["asset"] for row in drawn} == assets
    assert {row["tag"] for row in config["values"]} <= set(tags)
    for row in drawn:
        wanted = [row[key] for key in ("level", "interface") if key in row]
        wanted += [row["run"]["metric"]] if "run" in row else []
        assert all((row["asset"], metric) in metrics for metric in wanted), row["asset"]
    module = environment().get_template("macros/symbols.html").make_module({"language": "en"})
    assert {row["symbol"] for row in config["symbols"]} <= set(module.SHAPES)  # type: ignore[attr-defined]
    assert set(module.SHAPES) == SYMBOLS  # type: ignore[attr-defined]
