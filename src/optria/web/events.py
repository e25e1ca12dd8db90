"""Black Box events over HTTP: what the plant, people and connected systems said, and counts of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import ColumnElement, func, select

from optria.blackbox.incidents import open_for_event
from optria.core.errors import Invalid, NotFound
from optria.core.event import Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import bodies
from optria.web.deps import Given, IdFilter, Limit, Offset, OpenTx, TenantChoice, require, tenant_to_write
from optria.web.incident_views import ACTIVE_INCIDENTS, event_json, visible
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.texts import Text

router = APIRouter(prefix="/api/blackbox", tags=["events"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Reporting = Annotated[Viewer, require(Permission.RUN_RCA)]
Word = Annotated[str | None, Query(max_length=50)]
DEFAULT_ZONE: Final = "Asia/Riyadh"


class EventCreate(bodies.Body):
    """``event_time`` without an offset is meant in the time zone of the site."""

    asset_id: bodies.RowNumber | None = None
    site_id: bodies.RowNumber | None = None
    source_system: bodies.Text50
    source_type: bodies.Text50
    source_id: bodies.Text255 | None = None
    event_time: datetime
    severity: bodies.Text20 = "INFO"
    event_category: bodies.Text50
    summary: Annotated[Text, Field(max_length=500)] | None = None
    payload: dict[str, object] = Field(default_factory=dict)
    tags: Annotated[list[bodies.Text255], Field(max_length=100)] = Field(default_factory=list)


@router.get("/events")
async def list_events(
    _viewer: Seeing,
    tx: OpenTx,
    asset_id: IdFilter = None,
    site_id: IdFilter = None,
    severity: Word = None,
    category: Word = None,
    source_system: Word = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
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
    query = select(EventRow).where(*conditions)
    total = await tx.session.scalar(select(func.count()).select_from(query.subquery()))
    page = query.order_by(EventRow.event_time.desc(), EventRow.id).limit(limit).offset(offset)
    events = [event_json(row) for row in (await tx.session.scalars(page)).all()]
    return {"events": events, "total": total, "limit": limit, "offset": offset}


def _conditions(
    wanted: Mapping[str, object], start: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    conditions = [getattr(EventRow, name) == value for name, value in wanted.items() if value is not None]
    if start is not None:
        conditions.append(EventRow.event_time >= _aware(start, UTC))
    if end is not None:
        conditions.append(EventRow.event_time <= _aware(end, UTC))
    return conditions


@router.get("/events/{event_id}")
async def get_event(_viewer: Seeing, tx: OpenTx, event_id: UUID) -> Json:
    row = await tx.session.get(EventRow, event_id)
    if row is None:
        raise NotFound("There is no such event.")
    return event_json(row)


@router.post("/events")
async def create_event(
    viewer: Reporting, services: Given, asked: EventCreate, tenant: TenantChoice = None
) -> Json:
    """Store an event; a CRITICAL one on an asset opens (or joins) its incident at once."""
    tenant_id = tenant_to_write(viewer, tenant)
    async with services.database.transaction(tenant_id) as tx:
        row = await _store(tx, tenant_id, asked)
        opened = await open_for_event(tx, services.plants(tenant_id), row)
        answer = {"success": True, "event": event_json(row)}
        if opened is not None:
            answer["incident_id"] = str(opened.incident.id)
    if opened is not None:
        services.recorder.wake()
    return answer


async def _store(tx: Tx, tenant_id: int, asked: EventCreate) -> EventRow:
    if asked.severity.upper() not in Severity.__members__:
        raise Invalid(f"The severity is one of {', '.join(Severity.__members__)}.")
    site = await _site_of(tx, asked)
    given = asked.model_dump(exclude={"event_time", "severity", "site_id"})
    row = EventRow(
        tenant_id=tenant_id,
        site_id=site.id if site else None,
        event_time=_aware(asked.event_time, _zone(site)).astimezone(UTC),
        severity=asked.severity.upper(),
        **given,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row


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


def _zone(site: SiteRow | None) -> ZoneInfo:
    try:
        return ZoneInfo((site.time_zone if site else None) or DEFAULT_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(DEFAULT_ZONE)


def _aware(time: datetime, zone: tzinfo) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=zone)


@router.get("/stats")
async def get_stats(viewer: Seeing, tx: OpenTx) -> Json:
    """Counts of events and of the incidents that the viewer may see."""
    day_ago = clock.now() - timedelta(hours=24)
    events = await tx.session.execute(
        select(func.count(), func.count().filter(EventRow.event_time >= day_ago)).select_from(EventRow)
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
        select(EventRow.severity, func.count()).group_by(EventRow.severity).order_by(EventRow.severity)
    )
    return {
        "total_events": total_events,
        "events_24h": events_24h,
        "total_incidents": total_incidents,
        "open_incidents": open_incidents,
        "critical_incidents": critical_incidents,
        "severity_distribution": {severity or "INFO": count for severity, count in severities},
    }
