"""What of a stored drawing will not show as meant, item by item: for the editor, before it is saved."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optria.web.twin.drawing_config import points_of, real, rows_of, size_of, symbol_rows
from optria.web.twin.twin_page_model import TwinPage
from optria.web.words import _


@dataclass(frozen=True, slots=True)
class Problem:
    """``item`` is a list and a place in it, such as ``symbols.3``; ``text`` is a message of the catalogue."""

    item: str
    text: str
    what: str = ""


def problems_of(config: Mapping[str, object], page: TwinPage) -> Iterator[Problem]:
    """All that hides a part of the drawing or leaves it without a value; nothing of it forbids saving."""
    yield from _of_symbols(config, page)
    for index, row in enumerate(rows_of(config, "pipes")):
        if len(points_of(row)) < 2:
            yield Problem(f"pipes.{index}", _("A line needs two points."))
    for index, row in enumerate(rows_of(config, "values")):
        tag = str(row.get("tag") or "")
        if not tag:
            yield Problem(f"values.{index}", _("Choose the signal of this value."))
        elif page.signal_named(tag) is None:
            yield Problem(f"values.{index}", _("%(what)s is no mapped signal of this site."), tag)
    yield from _outside(config)


def _of_symbols(config: Mapping[str, object], page: TwinPage) -> Iterator[Problem]:
    rows = symbol_rows(config)
    times = Counter(str(row.get("asset")) for row in rows if row.get("asset"))
    for index, row in enumerate(rows):
        code = str(row.get("asset") or "")
        asset = page.asset_coded(code)
        if code and asset is None:
            yield Problem(f"symbols.{index}", _("%(what)s is no asset of this site."), code)
        if times[code] > 1:
            yield Problem(f"symbols.{index}", _("%(what)s is drawn more than once."), code)
        if asset is not None:
            for metric in _metrics(row):
                if asset.signal(metric) is None:
                    yield Problem(f"symbols.{index}", _("The asset has no mapped signal %(what)s."), metric)


def _metrics(row: Mapping[str, object]) -> Iterator[str]:
    run = row.get("run")
    named = [row.get("level"), row.get("interface"), run.get("metric") if isinstance(run, Mapping) else None]
    return (str(one) for one in named if one)


def _outside(config: Mapping[str, object]) -> Iterator[Problem]:
    width, height = size_of(config)
    for kind in ("symbols", "values", "texts"):
        rows = symbol_rows(config) if kind == "symbols" else rows_of(config, kind)
        for index, row in enumerate(rows):
            if not (0 <= real(row, "x") <= width and 0 <= real(row, "y") <= height):
                yield Problem(f"{kind}.{index}", _("This lies outside the drawing."))
