"""The stored JSON of a drawing, read without trust: whatever it holds, numbers and words come out."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

MOST_ROWS: Final = 2_000
"""Symbols, pipes, values or texts of one drawing; the rest is not drawn."""
FURTHEST: Final = 100_000.0
"""Pixels from the origin, either way."""
SYMBOLS: Final = frozenset(
    {
        "separator_horizontal",
        "separator_vertical",
        "tank",
        "pump",
        "compressor",
        "turbine",
        "motor",
        "flow_meter",
        "exchanger",
        "air_cooler",
        "control_valve",
        "esd_valve",
        "relief_valve",
        "boundary",
    }
)
"""What ``templates/macros/symbols.html`` can draw."""
_CLASS: Final = re.compile(r"[a-z][a-z-]{0,19}")
_ANCHORS: Final = ("start", "middle", "end")


def rows_of(config: object, key: str) -> list[Mapping[str, object]]:
    """The objects of the list ``key``."""
    rows = config.get(key) if isinstance(config, Mapping) else None
    return (
        [row for row in islice(rows, MOST_ROWS) if isinstance(row, Mapping)] if isinstance(rows, list) else []
    )


def symbol_rows(config: object) -> list[Mapping[str, object]]:
    """The symbols of a kind that can be drawn."""
    return [row for row in rows_of(config, "symbols") if str(row.get("symbol")) in SYMBOLS]


def real(row: Mapping[str, object], key: str, default: float = 0.0) -> float:
    return _number(row.get(key), default)


def pair(value: object, default: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """Two numbers; ``default`` for anything else."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return default
    return _number(value[0], default[0]), _number(value[1], default[1])


def size_of(config: Mapping[str, object]) -> tuple[float, float]:
    """Width and height in pixels, both more than nothing."""
    width, height = pair(config.get("size"), (950.0, 727.0))
    return (width, height) if width > 0 and height > 0 else (950.0, 727.0)


def points_of(row: Mapping[str, object]) -> list[tuple[float, float]]:
    points = row.get("points")
    return [pair(point) for point in islice(points, MOST_ROWS)] if isinstance(points, list) else []


def said(row: Mapping[str, object], key: str, language: str) -> str:
    """The text in the language, else in any."""
    own = row.get(f"{key}_{language}")
    return str(own or row.get(key) or "")


def style_of(row: Mapping[str, object], default: str) -> str:
    """The name of a text style: a word, nothing that names other classes beside it."""
    style = row.get("style")
    return style if isinstance(style, str) and _CLASS.fullmatch(style) else default


def anchor_of(row: Mapping[str, object], key: str, default: str) -> str:
    """Where a text hangs, in the words of SVG."""
    anchor = row.get(key)
    return str(anchor) if anchor in _ANCHORS else default


def _number(value: object, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    if isinstance(value, float) and not math.isfinite(value):
        return default
    return float(max(-FURTHEST, min(FURTHEST, value)))
