"""The demo drawings have room for the worst day: an incident and an order on every asset, every value red."""

import itertools
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from optria.simulator.catalogue import CATALOGUE
from optria.web.rendering import SiteLink
from optria.web.twin import drawing
from optria.web.twin.pills import Pill
from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView, TwinPage

DEMO = Path(__file__).parents[3] / "src/optria/db/demo"
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
WIDTH_OF_A_LETTER = {"tag": 7.5, "name": 5.9, "head": 6.5, "flow": 6.5}
ARABIC_LETTER = 5.5
TIGHT = {"PSV-101"}
"""Beside the flare line there is room for one incident and one order, not for a count of more."""
ROUND = {"pump": 20.0, "motor": 20.0, "flow_meter": 17.5, "exchanger": 24.0}


@dataclass(frozen=True)
class Box:
    """A rectangle of the drawing; ``asset`` when it belongs to one."""

    what: str
    left: float
    top: float
    right: float
    bottom: float
    asset: str = ""

    def covers(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def words(w: drawing.Words, asset: str) -> Box:
    width = min(WIDTH_OF_A_LETTER[w.style], math.inf if w.text.isascii() else ARABIC_LETTER) * len(w.text)
    left = w.x - {"start": 0.0, "middle": width / 2, "end": width}[w.anchor]
    return Box(f"text {w.text}", left, w.y - 9, left + width, w.y + 2, asset)


def pill(p: Pill) -> Box:
    return Box(f"badge {p.text}", p.x, p.y, p.x + p.width, p.y + 25)


def value(v: drawing.Value) -> Box:
    return Box(f"value {v.name}", v.x - 7.5, v.y - 2.5, v.x + 96.5, v.y + 46.5)


def body(s: drawing.Symbol) -> Box:
    if s.width:
        half_width, half_height = s.width / 2, s.height / 2
    else:
        half_width = half_height = ROUND.get(s.kind, 14.0)
    return Box(
        f"symbol {s.key}", s.x - half_width, s.y - half_height, s.x + half_width, s.y + half_height, s.key
    )


@dataclass(frozen=True)
class Ring:
    """The ring of selection or incident around a symbol, as ``macros/symbols.html`` draws it."""

    what: str
    frame: Box
    round_at: tuple[float, float, float] | None = None

    def covers(self, box: Box) -> bool:
        if self.round_at is None:
            return self.frame.covers(box)
        x, y, radius = self.round_at
        near = max(box.left, min(x, box.right)), max(box.top, min(y, box.bottom))
        return math.dist((x, y), near) < radius


def ring(s: drawing.Symbol) -> Ring:
    what, stroke = f"ring {s.key}", 1.25
    if s.width:
        roof = 15 if s.kind == "tank" else 0
        across, up = s.width / 2 + 7 + stroke, s.height / 2 + 7 + stroke
        return Ring(what, Box(what, s.x - across, s.y - up - roof, s.x + across, s.y + up, s.key))
    small = {"relief_valve": (-4.0, 18.0), "control_valve": (-4.0, 25.0), "esd_valve": (-4.0, 25.0)}
    down, radius = small.get(s.kind, (2.0, 36.0))
    round_at = (s.x, s.y + down, radius + stroke)
    return Ring(what, Box(what, 0, 0, 0, 0, s.key), round_at)


def full(site: str, language: str, count: int = 1) -> drawing.Drawing:
    """The drawing of a demo site with everything on it that can be, ``count`` times on each asset."""
    incident = IncidentView("i", "INC-2026-00012", "", "critical", "OPEN", BEGAN)
    order = OrderView("w", "WO-BB-2026-00012", "", "open", "high")
    assets = tuple(
        AssetView(
            n, a.code, a.name, "", "high", a.name_ar, incidents=(incident,) * count, orders=(order,) * count
        )
        for n, a in enumerate(CATALOGUE.assets)
        if a.site == site
    )
    config = json.loads((DEMO / f"drawing_{site.lower().replace('-', '_')}.json").read_text("utf-8"))
    return drawing.resolve(config, TwinPage(SiteLink(1, site, site), assets), language)


def covered(on_top: Iterable[Box], below: Iterable[Box]) -> list[str]:
    pairs = itertools.product(on_top, list(below))
    return [f"{a.what} on {b.what}" for a, b in pairs if a is not b and a.covers(b)]


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("site", ["PLANT-A", "PLANT-B"])
def test_nothing_covers_what_has_to_be_read(site: str, language: str) -> None:
    shown = full(site, language)
    texts = [words(w, s.key) for s in shown.symbols for w in s.words if s.kind != "boundary"]
    texts += [words(w, "") for w in shown.texts]
    values = [value(v) for v in shown.values]
    symbols = [body(s) for s in shown.symbols]
    pills = [pill(p) for s in shown.symbols for p in s.pills]
    assert covered(pills, [*texts, *values, *symbols, *pills]) == []
    assert covered(values, [*texts, *symbols, *values]) == []
    assert covered(texts, symbols) == []
    page = Box("drawing", 0, 0, shown.width, shown.height)
    assert [
        b.what
        for b in (*pills, *values, *texts)
        if b.left < 0 or b.right > page.right or b.bottom > page.bottom
    ] == []


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("site", ["PLANT-A", "PLANT-B"])
def test_no_ring_covers_a_name_or_a_value(site: str, language: str) -> None:
    shown = full(site, language)
    texts = [words(w, s.key) for s in shown.symbols for w in s.words if s.kind != "boundary"]
    values = [value(v) for v in shown.values]
    rings = [ring(s) for s in shown.symbols if s.asset]
    assert [f"{r.what} on {b.what}" for r in rings for b in (*texts, *values) if r.covers(b)] == []


@pytest.mark.parametrize("site", ["PLANT-A", "PLANT-B"])
def test_badges_that_count_more_cover_no_name_and_no_value(site: str) -> None:
    shown = full(site, "en", count=2)
    texts = [words(w, s.key) for s in shown.symbols for w in s.words if s.kind != "boundary"]
    pills = [pill(p) for s in shown.symbols if s.key not in TIGHT for p in s.pills]
    assert covered(pills, [*texts, *(value(v) for v in shown.values)]) == []
