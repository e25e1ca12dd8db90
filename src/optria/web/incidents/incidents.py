"""``/api/blackbox/incidents``: list, make, change and read incidents, as the role allows."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Query, Request
from sqlalchemy import select

from optria.blackbox import feedback, incidents, used_causes
from optria.blackbox.events import link_event
from optria.blackbox.windows import window_of
from optria.core.errors import Invalid, NotFound
from optria.core.event import Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow, IncidentEvent, IncidentRow
from optria.db.counters import next_incident_number
from optria.db.identity import User
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import audit
from optria.web.deps import (
    Given,
    IdFilter,
    Limit,
    Offset,
    OpenTx,
    TenantChoice,
    require,
    tenant_to_write,
    written_tenant,
)
from optria.web.edits import apply_edit
from optria.web.incidents.event_views import linked_events
from optria.web.incidents.incident_bodies import IncidentCreate, IncidentEventLink, IncidentUpdate
from optria.web.incidents.incident_detail import incident_detail, timeline
from optria.web.incidents.incident_views import find_incident, for_viewer, incident_json, list_incidents
from optria.web.moments import Moment, check_happened
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/blackbox", tags=["incidents"])

Seeing = Annotated[Viewer, require(Permission.VIEW_INCIDENTS)]
Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]
Running = Annotated[Viewer, require(Permission.RUN_RCA)]
Word = Annotated[str | None, Query(max_length=50)]


@router.get("/incidents", summary="List incidents")
async def get_incidents(
    viewer: Seeing,
    tx: OpenTx,
    status: Word = None,
    severity: Word = None,
    incident_type: Word = None,
    site_id: IdFilter = None,
    asset_id: IdFilter = None,
    start_date: Annotated[Moment | None, Query()] = None,
    end_date: Annotated[Moment | None, Query()] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    filters = {
        "status": status,
        "severity": severity,
        "incident_type": incident_type,
        "site_id": site_id,
        "asset_id": asset_id,
        "start_date": start_date,
        "end_date": end_date,
    }
    return await list_incidents(tx, viewer, filters, limit, offset)


@router.post("/incidents", summary="Make an incident")
async def create_incident(
    viewer: Running, services: Given, body: IncidentCreate, tenant: TenantChoice = None
) -> Json:
    """Make an incident by hand. A grave one on an asset is analysed at once, like a detected one."""
    tenant_id = tenant_to_write(viewer, tenant)
    async with services.database.transaction(tenant_id) as tx:
        row = await _new_incident(tx, tenant_id, body)
        incidents.announce(tx, row, "incident_opened")
        answer = {"success": True, "incident": incident_json(row)}
    services.recorder.wake()
    return answer


async def _new_incident(tx: Tx, tenant_id: int, body: IncidentCreate) -> IncidentRow:
    _check_times(body)
    asset = await _asset(tx, tenant_id, body.root_asset_id)
    site_id = body.site_id or (asset.site_id if asset else None)
    await _check_site(tx, tenant_id, site_id)
    window = await window_of(tx, tenant_id, (asset.asset_type if asset else None) or "Asset", body.start_time)
    grave = asset is not None and Severity.parse(body.severity) >= Severity.MAJOR
    row = IncidentRow(
        id=uuid4(),
        tenant_id=tenant_id,
        incident_number=await next_incident_number(tx, tenant_id),
        incident_type=body.incident_type,
        severity=body.severity,
        title=body.title,
        description=body.description,
        root_asset_id=body.root_asset_id,
        site_id=site_id,
        start_time=body.start_time,
        end_time=body.end_time,
        anchored_at=clock.now(),
        window_start=window.start,
        window_end=window.end,
        next_pass_at=clock.now() if grave else None,
    )
    tx.session.add(row)
    await tx.session.flush()
    return row


def _check_times(body: IncidentCreate) -> None:
    check_happened(body.start_time, "The start of an incident")
    if body.end_time is None:
        return
    check_happened(body.end_time, "The end of an incident")
    if body.end_time < body.start_time:
        raise Invalid("The incident ends before it starts.")


async def _asset(tx: Tx, tenant_id: int, asset_id: int | None) -> AssetRow | None:
    """Foreign keys do not know tenants: look the asset up. Raises NotFound."""
    if asset_id is None:
        return None
    query = select(AssetRow).where(AssetRow.id == asset_id, AssetRow.tenant_id == tenant_id)
    found = (await tx.session.scalars(query)).first()
    if found is None:
        raise NotFound(f"There is no asset {asset_id}.")
    return found


async def _check_site(tx: Tx, tenant_id: int, site_id: int | None) -> None:
    query = select(SiteRow.id).where(SiteRow.id == site_id, SiteRow.tenant_id == tenant_id)
    if site_id is not None and await tx.session.scalar(query) is None:
        raise NotFound(f"There is no site {site_id}.")


@router.get("/incidents/{incident_id}", summary="Read an incident")
async def get_incident(viewer: Seeing, tx: OpenTx, incident_id: UUID) -> Json:
    row = await find_incident(tx, viewer, incident_id)
    return for_viewer(await incident_detail(tx, viewer, row), viewer)


@router.put("/incidents/{incident_id}", summary="Change an incident")
async def update_incident(
    request: Request, viewer: Running, tx: OpenTx, incident_id: UUID, body: IncidentUpdate
) -> Json:
    tenant_id = written_tenant(tx)
    row = await find_incident(tx, viewer, incident_id, lock=True)
    changes = body.model_dump(exclude_unset=True)
    if changes.get("assigned_to") is not None:
        await _check_user(tx, tenant_id, changes["assigned_to"])
    status, before = changes.pop("status", None), row.status
    edit = apply_edit(row, changes)
    if edit:
        who, what = viewer.user_id, ("incident_changed", "incident", row.id)
        audit.record(tx, who, tenant_id, *what, request, old=edit.old, new=edit.new)
    if "confirmed_cause" in changes:
        cause = await used_causes.named(tx, row.confirmed_cause)
        await feedback.confirm_incident(tx, row, cause, viewer.user_id)
    row.updated_at = clock.now()
    if status is not None:
        await incidents.set_status(tx, row, status, viewer.user_id)
        _write_down(tx, viewer, row, before, request)
    else:
        incidents.announce(tx, row, "incident_changed")
    return {"success": True, "incident": incident_json(row)}


def _write_down(tx: Tx, viewer: Viewer, row: IncidentRow, before: str, request: Request) -> None:
    action = "incident_status_changed"
    audit.moved(tx, viewer.user_id, action, "incident", row.id, request, before, row.status)


async def _check_user(tx: Tx, tenant_id: int, user_id: int) -> None:
    query = select(User.id).where(User.id == user_id, User.tenant_id == tenant_id)
    if await tx.session.scalar(query.where(User.is_active.is_not(False))) is None:
        raise Invalid(f"User {user_id} is not an active user of this tenant.")


@router.get("/incidents/{incident_id}/events", summary="List the events of an incident")
async def get_incident_events(viewer: Reading, tx: OpenTx, incident_id: UUID) -> Json:
    row = await find_incident(tx, viewer, incident_id)
    events = await linked_events(tx, row)
    return {"incident_id": str(row.id), "events": events, "total_events": len(events)}


@router.post("/incidents/{incident_id}/events", summary="Attach an event to an incident")
async def link_incident_event(
    viewer: Running, tx: OpenTx, incident_id: UUID, body: IncidentEventLink
) -> Json:
    """Attach a stored event to an incident; attaching it again changes its role and notes."""
    tenant_id = written_tenant(tx)
    row = await find_incident(tx, viewer, incident_id, lock=True)
    known = select(EventRow.id).where(EventRow.id == body.event_id, EventRow.tenant_id == tenant_id)
    if await tx.session.scalar(known) is None:
        raise NotFound(f"There is no event {body.event_id}.")
    link = await _link(tx, row, body)
    link.added_by = viewer.user_id
    incidents.announce(tx, row, "incident_changed")
    names = ("id", "tenant_id", "role", "sequence_order", "notes", "added_by", "added_at")
    shown = {name: getattr(link, name) for name in names}
    ids = {"incident_id": str(link.incident_id), "event_id": str(link.event_id)}
    return {"success": True, "link": shown | ids}


async def _link(tx: Tx, incident: IncidentRow, body: IncidentEventLink) -> IncidentEvent:
    query = select(IncidentEvent).where(
        IncidentEvent.incident_id == incident.id, IncidentEvent.event_id == body.event_id
    )
    link = (await tx.session.scalars(query)).first()
    if link is None:
        order = len(await linked_events(tx, incident))
        await link_event(tx, incident, body.event_id, body.role, order)
        link = (await tx.session.scalars(query)).one()
    link.role, link.notes = body.role, body.notes
    return link


@router.get("/incidents/{incident_id}/timeline", summary="Read the timeline of an incident")
async def get_timeline(viewer: Reading, tx: OpenTx, incident_id: UUID) -> Json:
    return await timeline(tx, await find_incident(tx, viewer, incident_id))


@router.post("/incidents/{incident_id}/acknowledge", summary="Acknowledge an incident")
async def acknowledge_incident(request: Request, viewer: Reading, tx: OpenTx, incident_id: UUID) -> Json:
    """Say that somebody has seen it. A second time changes nothing."""
    written_tenant(tx)
    row = await find_incident(tx, viewer, incident_id, lock=True)
    before = row.status
    await incidents.acknowledge(tx, row, viewer.user_id)
    _write_down(tx, viewer, row, before, request)
    return {"success": True, "incident": incident_json(row)}
