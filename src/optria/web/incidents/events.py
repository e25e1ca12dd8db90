"""Black Box events over HTTP: what the plant, people and connected systems said, and counts of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import ConfigDict, Field
from sqlalchemy import ColumnElement, func, select, true

from optria.blackbox.events import store_event
from optria.blackbox.incidents import open_for_event
from optria.core.errors import Invalid, NotFound
from optria.core.event import Event, EventCategory, Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.plant import AssetRow, ClockDrift, SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import bodies
from optria.web.deps import Given, IdFilter, Limit, Offset, OpenTx, TenantChoice, require, tenant_to_write
from optria.web.incidents.event_views import event_json
from optria.web.moments import AHEAD, EdgeOfSpan, LocalMoment, check_happened
from optria.web.routing import api_router
from optria.web.rows import count
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import ACTIVE_INCIDENTS, sees_analysis, visible
from optria.web.site_time import zone_of
from optria.web.texts import Text

router = api_router(prefix="/api/blackbox", tags=["events"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Reporting = Annotated[Viewer, require(Permission.RUN_RCA)]
Word = Annotated[str | None, Query(max_length=50)]
LONGEST_SOURCE_ID: Final = 220
"""Characters: what the key of an event leaves room for."""
NOT_FOR_ALL: Final = (EventCategory.AI_OUTPUT, EventCategory.CONFIG_CHANGE, EventCategory.MAINTENANCE)
"""Categories of events that only those are told of who see analyses."""


class EventCreate(bodies.Body):
    """``event_time`` without an offset is meant in the time zone of the site.

    The same ``source_id`` at the same time is the same event: sending it again stores nothing.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_id": 9,
                    "source_system": "SCADA",
                    "source_type": "ALARM",
                    "source_id": "ALM-20418",
                    "event_time": "2026-11-22T09:58:30+03:00",
                    "severity": "MAJOR",
                    "event_category": "ALERT",
                    "summary": "P-102B vibration high",
                    "payload": {"tag": "P-102B.VT-1022", "value": 7.4, "unit": "mm/s"},
                    "tags": ["vibration"],
                }
            ]
        }
    )

    asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    source_system: bodies.Text50
    source_type: bodies.Text50
    source_id: Annotated[Text, Field(max_length=LONGEST_SOURCE_ID)] | None = None
    event_time: LocalMoment
    severity: bodies.Text20 = "INFO"
    event_category: bodies.Text50
    summary: Annotated[Text, Field(max_length=500)] | None = None
    payload: dict[str, object] = Field(default_factory=dict)
    tags: Annotated[list[bodies.Text255], Field(max_length=100)] = Field(default_factory=list)


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
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    wanted = {
        "asset_id": asset_id,
        "site_id": site_id,
        "severity": severity.upper() if severity else None,
        "event_category": category,
        "source_system": source_system,
    }
    conditions = _conditions(wanted, start_time, end_time)
    query = select(EventRow).where(told(viewer), *conditions)
    total = await count(tx, query)
    page = query.order_by(EventRow.event_time.desc(), EventRow.id).limit(limit).offset(offset)
    events = [_shown(row, viewer) for row in (await tx.session.scalars(page)).all()]
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


@router.post("/events", summary="Store an event")
async def create_event(
    viewer: Reporting, services: Given, asked: EventCreate, tenant: TenantChoice = None
) -> Json:
    """Store an event; a CRITICAL one on an asset opens (or joins) its incident at once."""
    tenant_id = tenant_to_write(viewer, tenant)
    async with services.database.transaction(tenant_id) as tx:
        site = await _site_of(tx, asked)
        event = await _event(tx, asked, zone_of(site))
        row = await store_event(tx, tenant_id, event, site.id if site else None)
        if row is None:
            return await _repeated(tx, event)
        row.summary, row.tags = asked.summary, asked.tags
        opened = await open_for_event(tx, services.plants(tenant_id), row)
        answer = _answer(row, opened.incident.id if opened else None)
    if opened is not None:
        services.recorder.wake()
    return answer


def _answer(row: EventRow, incident_id: UUID | None) -> Json:
    answer: Json = {"success": True, "event": event_json(row)}
    return answer if incident_id is None else answer | {"incident_id": str(incident_id)}


async def _event(tx: Tx, asked: EventCreate, zone: tzinfo) -> Event:
    """Raises Invalid for an unknown severity and for a time that cannot be."""
    if asked.severity.upper() not in Severity.__members__:
        raise Invalid(f"The severity is one of {', '.join(Severity.__members__)}.")
    moment = asked.event_time if asked.event_time.tzinfo else asked.event_time.replace(tzinfo=zone)
    fast = await tx.session.scalar(select(ClockDrift.drift_s).where(ClockDrift.source == asked.source_system))
    check_happened(moment, "The time of an event", AHEAD + timedelta(seconds=max(0.0, fast or 0.0)))
    return Event(
        time=moment.astimezone(UTC),
        severity=Severity[asked.severity.upper()],
        category=asked.event_category,
        summary=asked.summary or "",
        asset_id=asked.asset_id,
        source_system=asked.source_system,
        source_type=asked.source_type,
        source_id=asked.source_id,
        payload=asked.payload,
    )


async def _repeated(tx: Tx, event: Event) -> Json:
    """The answer to an event that is stored already: the same as the first time."""
    same = (EventRow.source_id == event.source_id) & (EventRow.event_time == event.time)
    keyed = EventRow.idempotency_key.is_not(None)
    row = (await tx.session.scalars(select(EventRow).where(same, keyed))).one()
    link = select(IncidentEvent.incident_id).where(IncidentEvent.event_id == row.id)
    return _answer(row, await tx.session.scalar(link.order_by(IncidentEvent.id).limit(1)))


async def _site_of(tx: Tx, asked: EventCreate) -> SiteRow | None:
    """The site named, else that of the asset.

    Raises:
        NotFound: when the tenant has no such asset or site.
    """
    asset = await tx.session.get(AssetRow, asked.asset_id) if asked.asset_id else None
    if asked.asset_id and asset is None:
        raise NotFound(f"There is no asset {asked.asset_id}.")
    site_id = asked.site_id or (asset.site_id if asset else None)
    site = await tx.session.get(SiteRow, site_id) if site_id else None
    if asked.site_id and site is None:
        raise NotFound(f"There is no site {asked.site_id}.")
    return site


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
