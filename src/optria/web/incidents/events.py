"""Black Box events over HTTP: what the plant, people and connected systems said, and counts of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from sqlalchemy import ColumnElement, func, select, true

from optria.blackbox.folding import times_said
from optria.core.errors import NotFound
from optria.core.event import EventCategory, Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow, IncidentRow
from optria.kit import clock
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, require
from optria.web.incidents.event_views import event_json
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.rows import count
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import ACTIVE_INCIDENTS, sees_analysis, visible

router = api_router(prefix="/api/blackbox", tags=["events"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Reporting = Annotated[Viewer, require(Permission.RUN_RCA)]
Word = Annotated[str | None, Query(max_length=50)]
LONGEST_SOURCE_ID: Final = 220
"""Characters: what the key of an event leaves room for."""
NOT_FOR_ALL: Final = (EventCategory.AI_OUTPUT, EventCategory.CONFIG_CHANGE, EventCategory.MAINTENANCE)
"""Categories of events that only those are told of who see analyses."""


@router.get("/events", summary="List events")
async def list_events(
    viewer: Seeing,
    tx: OpenTx,
    asset_id: IdFilter = None,
    site_id: IdFilter = None,
    severity: Word = None,
    category: Word = None,
    source_system: Word = None,
    start_time: EdgeOfSpan | None = None,
    end_time: EdgeOfSpan | None = None,
    folded: Annotated[bool, Query(description="Also those that another one stands for.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """The latest first. Of many that say the same within ten minutes three are listed; ``occurrences`` of
    the third counts the others. ``suppressed_by`` says what kept one quiet."""
    wanted = {
        "asset_id": asset_id,
        "site_id": site_id,
        "severity": severity.upper() if severity else None,
        "event_category": category,
        "source_system": source_system,
    }
    conditions = _conditions(wanted, start_time, end_time)
    if not folded:
        conditions.append(EventRow.folded_into.is_(None))
    query = select(EventRow).where(told(viewer), *conditions)
    total = await count(tx, query)
    page = query.order_by(EventRow.event_time.desc(), EventRow.id).limit(limit).offset(offset)
    rows = (await tx.session.scalars(page)).all()
    times = await times_said(tx, rows)
    events = [_shown(row, viewer) | {"occurrences": times.get(row.id, 1)} for row in rows]
    return {"events": events, "total": total, "limit": limit, "offset": offset}


def _conditions(
    wanted: Mapping[str, object], start: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    conditions = [getattr(EventRow, name) == value for name, value in wanted.items() if value is not None]
    if start is not None:
        conditions.append(EventRow.event_time >= start)
    if end is not None:
        conditions.append(EventRow.event_time <= end)
    return conditions


@router.get("/events/{event_id}", summary="Read an event")
async def get_event(viewer: Seeing, tx: OpenTx, event_id: UUID) -> Json:
    row = await tx.session.scalar(select(EventRow).where(EventRow.id == event_id, told(viewer)))
    if row is None:
        raise NotFound("There is no such event.")
    return _shown(row, viewer)


def told(viewer: Viewer) -> ColumnElement[bool]:
    """The events that somebody is told of.

    What the detectors say is part of the analysis; changes of the configuration name costs and causes, and
    maintenance names work orders and what was found.
    """
    return true() if sees_analysis(viewer) else EventRow.event_category.not_in(NOT_FOR_ALL)


def _shown(row: EventRow, viewer: Viewer) -> Json:
    view = event_json(row)
    return view if sees_analysis(viewer) else view | {"payload": {}}


@router.get("/stats", summary="Count events and incidents")
async def get_stats(viewer: Seeing, tx: OpenTx) -> Json:
    """Counts of events and of the incidents that the viewer may see."""
    day_ago = clock.now() - timedelta(hours=24)
    events = await tx.session.execute(
        select(func.count(), func.count().filter(EventRow.event_time >= day_ago))
        .select_from(EventRow)
        .where(told(viewer))
    )
    total_events, events_24h = events.one()
    is_open = IncidentRow.status.in_(ACTIVE_INCIDENTS)
    critical = IncidentRow.severity == Severity.CRITICAL.name
    incidents = await tx.session.execute(
        select(func.count(), func.count().filter(is_open), func.count().filter(is_open, critical))
        .select_from(IncidentRow)
        .where(visible(viewer))
    )
    total_incidents, open_incidents, critical_incidents = incidents.one()
    severities = await tx.session.execute(
        select(EventRow.severity, func.count())
        .where(told(viewer))
        .group_by(EventRow.severity)
        .order_by(EventRow.severity)
    )
    return {
        "total_events": total_events,
        "events_24h": events_24h,
        "total_incidents": total_incidents,
        "open_incidents": open_incidents,
        "critical_incidents": critical_incidents,
        "severity_distribution": {severity or "INFO": count for severity, count in severities},
    }
