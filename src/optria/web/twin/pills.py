"""The badges on equipment of the drawing: its incidents and its open work orders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from optria.web.twin.drawing_config import pair, real
from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView

_NUMBER: Final = re.compile(r"^([A-Z]+)(?:-[A-Z]+)?-\d{4}-0*(\d+)$")
_PILL_GAP: Final = 5.0


@dataclass(frozen=True, slots=True)
class Pill:
    """A badge on equipment; ``severity`` is ``order`` for a work order."""

    x: float
    y: float
    width: float
    text: str
    title: str
    href: str
    severity: str
    digit: str = ""


def short_number(number: str) -> str:
    """``INC-2026-00012`` -> ``INC-0012``; other numbers stay whole."""
    found = _NUMBER.match(number)
    return f"{found[1]}-{int(found[2]):04d}" if found else number


def pills_of(row: Mapping[str, object], asset: AssetView | None, drawing_width: float) -> tuple[Pill, ...]:
    """One incident pill and one order pill at most, with "+n" for the rest, from the badge place onwards.

    Where they would leave the drawing they begin further left.
    """
    if asset is None:
        return ()
    x, y = pair(row.get("badges"), (real(row, "x"), real(row, "y") + 30))
    pills = []
    if asset.incidents:
        pills.append(_incident_pill(x, y, asset.incidents))
        x += pills[0].width + _PILL_GAP
    if asset.orders:
        pills.append(_order_pill(x, y, asset.orders))
    beyond = max((p.x + p.width + 1 - drawing_width for p in pills), default=0.0)
    return tuple(replace(p, x=p.x - beyond) for p in pills) if beyond > 0 else tuple(pills)


def _counted(text: str, count: int) -> str:
    return f"{text} +{count - 1}" if count > 1 else text


def _incident_pill(x: float, y: float, incidents: Sequence[IncidentView]) -> Pill:
    first = incidents[0]
    text = _counted(short_number(first.number), len(incidents))
    digit = {"critical": "1", "major": "2", "minor": "3"}.get(first.severity, "i")
    return Pill(
        x,
        y,
        34 + 7.2 * len(text),
        text,
        f"{first.number} {first.title}",
        f"/blackbox/incidents/{first.id}",
        first.severity,
        digit,
    )


def _order_pill(x: float, y: float, orders: Sequence[OrderView]) -> Pill:
    text = _counted(short_number(orders[0].number), len(orders))
    return Pill(
        x,
        y,
        38 + 7.2 * len(text),
        text,
        f"{orders[0].number} {orders[0].title}",
        f"/work-orders/{orders[0].id}",
        "order",
    )
