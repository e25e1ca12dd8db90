"""A first drawing of a site: its assets from left to right along the lines between them, to be moved by hand.

The order is the longest way from an asset that nothing flows into (Sugiyama's first step, without crossing
reduction): a place to begin, not a layout algorithm.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from optria.web.shapes import Json
from optria.web.twin.twin_page_model import AssetView

SYMBOL_OF: Final[Mapping[str, str]] = {
    "Separator": "separator_horizontal",
    "Tank": "tank",
    "Pump": "pump",
    "Compressor": "compressor",
    "Turbine": "turbine",
    "Heat Exchanger": "exchanger",
    "Valve": "control_valve",
    "Motor": "motor",
}
SIZE_OF: Final[Mapping[str, tuple[int, int]]] = {
    "separator_horizontal": (160, 76),
    "tank": (84, 84),
    "compressor": (72, 80),
    "turbine": (72, 80),
}
COLUMN: Final = 212
ROW: Final = 152
MARGIN: Final = 120
"""Pixels at scale 1."""


def arranged(title: str, assets: Sequence[AssetView], lines: Sequence[tuple[int, int]]) -> Json:
    """A drawing (see ``drawing.py``) of every asset, with a pipe for each (source, target) of asset ids."""
    known = {asset.id for asset in assets}
    lines = [(a, b) for a, b in lines if a in known and b in known and a != b]
    columns = _columns([asset.id for asset in assets], lines)
    places: dict[int, tuple[int, int]] = {}
    filled: dict[int, int] = {}
    for asset in assets:
        column = columns[asset.id]
        places[asset.id] = (MARGIN + column * COLUMN, MARGIN + filled.get(column, 0) * ROW)
        filled[column] = filled.get(column, 0) + 1
    width = MARGIN * 2 + max(columns.values(), default=0) * COLUMN
    height = MARGIN * 2 + (max(filled.values(), default=1) - 1) * ROW
    return {
        "title": title,
        "size": [max(950, width), max(727, height)],
        "symbols": [_symbol(asset, *places[asset.id]) for asset in assets],
        "pipes": [_pipe(places[a], places[b]) for a, b in lines],
        "values": [],
        "texts": [],
    }


def _columns(ids: Sequence[int], lines: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Longest way to each asset; a circle of lines ends after as many rounds as there are assets."""
    columns = dict.fromkeys(ids, 0)
    for _ in ids:
        before = dict(columns)
        for source, target in lines:
            columns[target] = min(len(ids) - 1, max(columns[target], columns[source] + 1))
        if columns == before:
            break
    return columns


def _symbol(asset: AssetView, x: int, y: int) -> Json:
    kind = SYMBOL_OF.get(asset.asset_type, "motor")
    size = SIZE_OF.get(kind)
    below = y + (size[1] if size else 44) // 2 + 24
    symbol: Json = {"symbol": kind, "asset": asset.code, "x": x, "y": y, "badges": [x - 40, below + 24]}
    if size:
        symbol["size"] = list(size)
    symbol["label"] = {"x": x, "y": below, "anchor": "middle", "name": [x, below + 14]}
    return symbol


def _pipe(start: tuple[int, int], end: tuple[int, int]) -> Json:
    (x0, y0), (x1, y1) = (start[0] + 48, start[1]), (end[0] - 48, end[1])
    middle = (x0 + x1) // 2
    points = [[x0, y0], [x1, y1]] if y0 == y1 else [[x0, y0], [middle, y0], [middle, y1], [x1, y1]]
    return {"points": points, "kind": "main", "arrow": True}
