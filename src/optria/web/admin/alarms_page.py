"""``/admin/alarms``: how the alarms do, beside what the standards hold acceptable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from optria.web.admin.alarm_figures import SLOT, AlarmFigures, read_figures
from optria.web.admin.alarm_sql import FLOOD_OVER
from optria.web.admin.alarms import Judging, period_of
from optria.web.deps import IdFilter, OpenTx
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router

router = api_router(include_in_schema=False)

PERIODS: Final = (1, 7, 30)
BARS: Final = 168
"""Bars of the chart at most: each is the highest ten minutes of its time."""
HEIGHT: Final = 120
HEADROOM: Final = 1.15


@dataclass(frozen=True, slots=True)
class Bar:
    """The highest number of alarms in ten minutes from ``starts_at`` on; places in a box of 0 to 100."""

    starts_at: datetime
    alarms: int
    left: float
    width: float
    height: float

    @property
    def is_flood(self) -> bool:
        return self.alarms > FLOOD_OVER


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    minutes: int
    top: float
    height: int = HEIGHT

    def y(self, alarms: float) -> float:
        """Where a number of alarms lies, from the top."""
        return self.height * (1 - alarms / self.top)


@router.get("/admin/alarms")
async def alarms_page(
    request: Request,
    viewer: Judging,
    tx: OpenTx,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    site_id: IdFilter = None,
) -> Response:
    shell = await shell_for(tx, viewer, "admin", site_id)
    if tx.tenant_id is None:
        return render_page(request, "alarms.html", shell, figures=None)
    figures = await read_figures(tx, await period_of(tx, days, None, site_id))
    tenant: dict[str, object] = {"tenant_id": tx.tenant_id} if viewer.tenant_id is None else {}
    return render_page(
        request,
        "alarms.html",
        shell,
        figures=figures,
        chart=chart_of(figures),
        days=days,
        site_id=site_id,
        periods=PERIODS,
        address=lambda days, site: _address("/admin/alarms", days, site, tenant),
        export=lambda table: _address("/api/admin/alarms/export", days, site_id, tenant | {"table": table}),
        flood_over=FLOOD_OVER,
    )


def _address(path: str, days: int, site_id: int | None, more: dict[str, object]) -> str:
    asked = {"days": days, "site_id": site_id} | more
    return f"{path}?" + urlencode({name: value for name, value in asked.items() if value is not None})


def chart_of(figures: AlarmFigures) -> Chart:
    """The rate as bars; where there are more slots than bars, the highest of some together."""
    rate = figures.rate
    together = -(-len(rate) // BARS)
    parts = [(at, rate[at : at + together]) for at in range(0, len(rate), together)]
    top = max(FLOOD_OVER, figures.peak) * HEADROOM
    bars = [
        Bar(figures.period.at(at), max(part), 100 * at / len(rate), 100 * len(part) / len(rate), max(part))
        for at, part in parts
    ]
    return Chart(bars, int(together * SLOT.total_seconds() // 60), top)
