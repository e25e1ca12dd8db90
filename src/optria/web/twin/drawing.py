"""The process drawing: stored JSON -> what the template draws.

``twin_layouts.config`` of a process drawing::

    {"title": "...", "title_ar": "...", "size": [950, 727],
     "symbols": [{"symbol": "pump", "asset": "P-102B", "x": 1, "y": 2, "rotation": 0, "size": [w, h],
                  "label": {"x": 1, "y": 2, "anchor": "middle", "text": "...", "name": [x, y] | null},
                  "badges": [x, y], "run": {"metric": "current", "above": 5}, "level": "level",
                  "interface": "interface_level"}],
     "pipes": [{"points": [[x, y], ...], "kind": "main" | "second", "arrow": true}],
     "values": [{"tag": "P-102B.VT-1022", "x": 1, "y": 2, "label": "...", "label_ar": "..."}],
     "texts": [{"x": 1, "y": 2, "text": "...", "text_ar": "...", "style": "head" | "flow" | "name"}]}

Coordinates are pixels at scale 1; symbols are drawn around (x, y). Assets and tags are named, not numbered,
so that a drawing can be stored before the mappings exist; what a site does not have is drawn without values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from optria.web.twin.drawing_config import (
    anchor_of,
    pair,
    points_of,
    real,
    rows_of,
    said,
    size_of,
    style_of,
    symbol_rows,
)
from optria.web.twin.pills import Pill, pills_of
from optria.web.twin.twin_page_model import AssetView, SignalView, TwinPage

_ARROW: Final = {"main": (10.0, 4.5), "second": (9.0, 4.0)}


@dataclass(frozen=True, slots=True)
class Words:
    """A text at a place; ``anchor`` as in SVG."""

    x: float
    y: float
    text: str
    style: str = "name"
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Symbol:
    kind: str
    key: str
    x: float
    y: float
    rotation: float
    width: float
    height: float
    asset: AssetView | None
    state: str
    words: tuple[Words, ...]
    pills: tuple[Pill, ...]
    run_tag: SignalView | None = None
    run_above: float = 0.0
    level: SignalView | None = None
    interface: SignalView | None = None
    """Water under the oil, up to a weir: a three-phase separator."""
    letters: str = ""

    @property
    def incident_severity(self) -> str:
        incident = self.asset.incident if self.asset else None
        return incident.severity if incident else ""


@dataclass(frozen=True, slots=True)
class Pipe:
    path: str
    kind: str
    arrow: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    x: float
    y: float
    signal: SignalView | None
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class Drawing:
    title: str
    width: float
    height: float
    symbols: tuple[Symbol, ...] = ()
    pipes: tuple[Pipe, ...] = ()
    values: tuple[Value, ...] = ()
    texts: tuple[Words, ...] = ()


def drawn(config: Mapping[str, object] | None, page: TwinPage, language: str) -> Drawing | None:
    """The drawing, or None where a site has none in this format (v1 stored layouts of another)."""
    return resolve(config, page, language) if config and symbol_rows(config) else None


def resolve(config: Mapping[str, object], page: TwinPage, language: str) -> Drawing:
    """The drawing of ``config`` with the assets, signals, incidents and orders of ``page``."""
    width, height = size_of(config)
    return Drawing(
        title=said(config, "title", language),
        width=width,
        height=height,
        symbols=tuple(_symbol(row, page, language, width) for row in symbol_rows(config)),
        pipes=tuple(_pipe(row) for row in rows_of(config, "pipes")),
        values=tuple(_value(row, page, language) for row in rows_of(config, "values")),
        texts=tuple(
            Words(
                real(r, "x"),
                real(r, "y"),
                said(r, "text", language),
                style_of(r, "name"),
                anchor_of(r, "anchor", "start"),
            )
            for r in rows_of(config, "texts")
        ),
    )


def with_stopped(page: TwinPage) -> TwinPage:
    """``page`` with the machines ``stopped`` whose run signal in the drawing says so."""
    runs = {str(row.get("asset")): row.get("run") for row in symbol_rows(page.drawing)}

    def seen(asset: AssetView) -> AssetView:
        run = runs.get(asset.code)
        signal = asset.signal(str(run.get("metric"))) if isinstance(run, Mapping) else None
        if not isinstance(run, Mapping) or signal is None or signal.value is None or asset.state != "running":
            return asset
        return asset if signal.value > real(run, "above") else replace(asset, state="stopped")

    return replace(page, assets=tuple(seen(asset) for asset in page.assets))


def _symbol(row: Mapping[str, object], page: TwinPage, language: str, drawing_width: float) -> Symbol:
    code = str(row.get("asset") or "")
    asset = page.asset_coded(code) if code else None
    width, height = pair(row.get("size"))
    run = row.get("run")
    run = run if isinstance(run, Mapping) else {}

    def named(key: str) -> SignalView | None:
        return asset.signal(str(row[key])) if asset and key in row else None

    return Symbol(
        kind=str(row.get("symbol")),
        key=code or f"at-{real(row, 'x'):g}-{real(row, 'y'):g}",
        x=real(row, "x"),
        y=real(row, "y"),
        rotation=real(row, "rotation"),
        width=width,
        height=height,
        asset=asset,
        state=asset.state if asset else ("unknown" if code else "running"),
        words=_label(row, asset, language),
        pills=pills_of(row, asset, drawing_width),
        run_tag=asset.signal(str(run.get("metric"))) if asset and run else None,
        run_above=real(run, "above"),
        level=named("level"),
        interface=named("interface"),
        letters=str(row.get("letters") or ""),
    )


def _label(row: Mapping[str, object], asset: AssetView | None, language: str) -> tuple[Words, ...]:
    label = row.get("label")
    if not isinstance(label, Mapping):
        return ()
    anchor = anchor_of(label, "anchor", "middle")
    text = said(label, "text", language) or str(row.get("asset") or "")
    words = [Words(real(label, "x"), real(label, "y"), text, style_of(label, "tag"), anchor)]
    if asset and label.get("name"):
        x, y = pair(label.get("name"))
        name = asset.name_ar if language == "ar" and asset.name_ar else asset.name
        words.append(Words(x, y, name, "name", anchor_of(label, "name_anchor", anchor)))
    return tuple(words)


def _pipe(row: Mapping[str, object]) -> Pipe:
    points = points_of(row)
    kind = "second" if row.get("kind") == "second" else "main"
    arrow = ""
    if row.get("arrow") and len(points) > 1:
        arrow, points = _arrow(points, kind)
    return Pipe("M" + "L".join(f"{x:g} {y:g}" for x, y in points), kind, arrow)


def _arrow(points: list[tuple[float, float]], kind: str) -> tuple[str, list[tuple[float, float]]]:
    """An arrowhead whose tip is the last point, and the line shortened to its base."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length, half = _ARROW[kind]
    far = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / far, (y1 - y0) / far
    bx, by = x1 - ux * length, y1 - uy * length
    head = f"M{x1:g} {y1:g}L{bx - uy * half:g} {by + ux * half:g}L{bx + uy * half:g} {by - ux * half:g}Z"
    return head, [*points[:-1], (bx, by)]


def _value(row: Mapping[str, object], page: TwinPage, language: str) -> Value:
    name = str(row.get("tag") or "")
    return Value(
        real(row, "x"),
        real(row, "y"),
        page.signal_named(name),
        said(row, "label", language),
        name.rsplit(".", 1)[-1],
    )
