"""How the alarms do: rate, floods, chattering, stale and frequent ones, after ISA-18.2 and IEC 62682."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import Query
from fastapi.responses import StreamingResponse

from optria.core.errors import Invalid
from optria.core.roles import Permission
from optria.db.session import Tx
from optria.kit import clock
from optria.web.admin.alarm_figures import (
    SLOT,
    AlarmFigures,
    Flood,
    FrequentAlarm,
    Period,
    StaleAlarm,
    read_figures,
)
from optria.web.deps import IdFilter, OpenTx, require
from optria.web.moments import EdgeOfSpan
from optria.web.people.on_call import check_site
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.spreadsheets import MARK, download, line

router = api_router(prefix="/api/admin/alarms", tags=["alarms"])

Judging = Annotated[Viewer, require(Permission.VIEW_RCA)]
Days = Annotated[int, Query(ge=1, le=90, description="How long the period is.")]
End = Annotated[EdgeOfSpan | None, Query(description="Where the period ends; now, when it is missing.")]
Table = Literal["rate", "frequent", "stale", "floods"]


async def period_of(tx: Tx, days: int, to: datetime | None, site_id: int | None) -> Period:
    """The period that is asked for, of the tenant of the transaction.

    Raises:
        Invalid: a platform owner does not say which tenant.
        NotFound: there is no such site.
    """
    if tx.tenant_id is None:
        raise Invalid("Say which tenant this is for: add ?tenant_id= to the address.")
    await check_site(tx, site_id)
    return Period(to or clock.now(), timedelta(days=days) // SLOT, tx.tenant_id, site_id)


@router.get("", summary="How the alarms do")
async def get_alarms(
    _viewer: Judging, tx: OpenTx, days: Days = 7, to: End = None, site_id: IdFilter = None
) -> Json:
    """An alarm is an event of category ALERT that is more than INFO: a limit crossed for good, or an alert
    that was sent. `rate` is the number of alarms in each ten minutes, counted back from `to`. Stale alarms
    are limits that were crossed more than 24 hours before `to` and have not returned."""
    return figures_json(await read_figures(tx, await period_of(tx, days, to, site_id)))


@router.get("/export", summary="Take the figures along as CSV", response_class=StreamingResponse)
async def export_alarms(
    _viewer: Judging,
    tx: OpenTx,
    table: Annotated[Table, Query(description="Which figures.")] = "frequent",
    days: Days = 7,
    to: End = None,
    site_id: IdFilter = None,
) -> StreamingResponse:
    """One table of the figures; times in UTC."""
    figures = await read_figures(tx, await period_of(tx, days, to, site_id))
    name = f"alarms-{table}-{figures.period.end:%Y%m%d}.csv"
    return download(_lines(figures, table), name, "text/csv; charset=utf-8")


COLUMNS: Final[dict[Table, tuple[str, ...]]] = {
    "rate": ("from", "alarms"),
    "floods": ("from", "to", "alarms", "peak_in_10_min"),
    "frequent": ("alarm", "asset", "tag", "severity", "times", "share", "last_at", "chatters", "summary"),
    "stale": ("alarm", "asset", "severity", "since", "summary"),
}


async def _lines(figures: AlarmFigures, table: Table) -> AsyncIterator[str]:
    yield MARK + line(COLUMNS[table])
    for row in _table(figures, table):
        yield line(row)


def _table(figures: AlarmFigures, table: Table) -> list[tuple[object, ...]]:
    if table == "rate":
        return [(figures.period.at(slot), n) for slot, n in enumerate(figures.rate)]
    if table == "floods":
        return [(each.starts_at, each.ends_at, each.alarms, each.peak) for each in figures.floods]
    rows = figures.frequent if table == "frequent" else figures.stale
    return [tuple(getattr(each, name) for name in COLUMNS[table]) for each in rows]


def figures_json(figures: AlarmFigures) -> Json:
    period = figures.period
    return {
        "from": when(period.start),
        "to": when(period.end),
        "site_id": period.site_id,
        "total": figures.total,
        "average_per_10_min": round(figures.average, 3),
        "peak_per_10_min": figures.peak,
        "verdict": figures.verdict.value,
        "rate": list(figures.rate),
        "histogram": [{"from": low, "to": high, "slots": n} for low, high, n in figures.histogram],
        "floods": [_flood_json(each) for each in figures.floods],
        "share_in_flood": round(figures.in_flood, 4),
        "chattering": {"alarms": figures.chattering, "times": figures.chattering_times},
        "stale": [_stale_json(each) for each in figures.stale],
        "most_frequent": [_frequent_json(each) for each in figures.frequent],
        "priorities": [
            {"severity": name, "alarms": n, "share": round(share, 4), "recommended": target}
            for name, n, share, target in figures.distribution
        ],
    }


def _flood_json(each: Flood) -> Json:
    return {
        "from": when(each.starts_at),
        "to": when(each.ends_at),
        "alarms": each.alarms,
        "peak_per_10_min": each.peak,
    }


def _stale_json(each: StaleAlarm) -> Json:
    return {
        "alarm": each.alarm,
        "asset_id": each.asset_id,
        "asset": each.asset,
        "summary": each.summary,
        "severity": each.severity,
        "since": when(each.since),
    }


def _frequent_json(each: FrequentAlarm) -> Json:
    return {
        "alarm": each.alarm,
        "asset_id": each.asset_id,
        "asset": each.asset,
        "tag": each.tag,
        "summary": each.summary,
        "severity": each.severity,
        "times": each.times,
        "share": round(each.share, 4),
        "last_at": when(each.last_at),
        "chatters": each.chatters,
    }
