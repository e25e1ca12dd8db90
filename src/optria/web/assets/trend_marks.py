"""What stands beside the trends of an asset in time: anchors, work orders and maintenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, or_, select

from optria.core.event import EventCategory
from optria.core.roles import Permission, can
from optria.db.alarms import MaintenanceWindow
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.rca.event_words import event_words
from optria.web.filters import severity_key
from optria.web.incidents.incident_views import title_for
from optria.web.orders import work_order_views
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.web.sight import sees_analysis, visible

MOST: Final = 100
"""Of each kind; the newest."""


@dataclass(frozen=True, slots=True)
class Mark:
    """``kind`` is anchor, order or maintenance; ``end`` is of work that is done."""

    kind: str
    time: datetime
    label: str
    words: str
    href: str = ""
    severity: str = ""
    end: datetime | None = None


async def marks_of(tx: Tx, viewer: Viewer, asset: AssetRow, start: datetime, end: datetime) -> list[Mark]:
    """What the viewer may know of, by time."""
    marks = await _anchors(tx, viewer, asset, start, end)
    if can(viewer.role, Permission.VIEW_WORK_ORDERS):
        marks += await _orders(tx, viewer, asset, start, end)
    if sees_analysis(viewer):
        marks += await _maintenance(tx, viewer, asset, start, end)
        marks += await _windows(tx, asset, start, end)
    return sorted(marks, key=lambda mark: mark.time)


async def _anchors(tx: Tx, viewer: Viewer, asset: AssetRow, start: datetime, end: datetime) -> list[Mark]:
    query = (
        select(IncidentRow)
        .where(
            IncidentRow.tenant_id == asset.tenant_id,
            IncidentRow.root_asset_id == asset.id,
            IncidentRow.start_time.between(start, end),
            visible(viewer),
        )
        .order_by(IncidentRow.start_time.desc())
        .limit(MOST)
    )
    return [
        Mark(
            kind="anchor",
            time=row.start_time,
            label=row.incident_number or "",
            words=title_for(viewer, row),
            href=f"/blackbox/incidents/{row.id}",
            severity=severity_key(row.severity),
        )
        for row in (await tx.session.scalars(query)).all()
    ]


async def _orders(tx: Tx, viewer: Viewer, asset: AssetRow, start: datetime, end: datetime) -> list[Mark]:
    """The work itself where it has begun, else when it was ordered."""
    reaches = or_(WorkOrderRow.completed_at.is_(None), WorkOrderRow.completed_at >= start)
    begun = or_(
        WorkOrderRow.started_at.is_not(None) & (WorkOrderRow.started_at <= end) & reaches,
        WorkOrderRow.started_at.is_(None) & WorkOrderRow.created_at.between(start, end),
    )
    query = (
        select(WorkOrderRow)
        .where(
            WorkOrderRow.tenant_id == asset.tenant_id,
            WorkOrderRow.asset_id == asset.id,
            begun,
            work_order_views.visible(viewer),
        )
        .order_by(WorkOrderRow.created_at.desc())
        .limit(MOST)
    )
    return [_order_mark(viewer, row) for row in (await tx.session.scalars(query)).all()]


def _order_mark(viewer: Viewer, row: WorkOrderRow) -> Mark:
    moment = row.started_at or row.created_at
    assert moment is not None, "an order that is shown has begun or was made"
    return Mark(
        kind="order",
        time=moment,
        end=row.completed_at if row.started_at else None,
        label=row.work_order_number or row.code,
        words=(row.title_ar if viewer.language == "ar" else None) or row.title,
        href=f"/work-orders/{row.id}",
    )


async def _maintenance(tx: Tx, viewer: Viewer, asset: AssetRow, start: datetime, end: datetime) -> list[Mark]:
    query = (
        select(EventRow)
        .where(
            EventRow.tenant_id == asset.tenant_id,
            EventRow.asset_id == asset.id,
            EventRow.event_time.between(start, end),
            EventRow.event_category == EventCategory.MAINTENANCE,
        )
        .order_by(EventRow.event_time.desc())
        .limit(MOST)
    )
    rows: Sequence[EventRow] = (await tx.session.scalars(query)).all()
    marks = []
    for row in rows:
        said = event_words(row.summary or "", row.event_category, row.payload or {})
        words = said.ar if viewer.language == "ar" else said.en
        marks.append(Mark("maintenance", row.event_time, row.source_id or "", words))
    return marks


async def _windows(tx: Tx, asset: AssetRow, start: datetime, end: datetime) -> list[Mark]:
    """When the asset was, is or will be out of service."""
    over_at = func.coalesce(MaintenanceWindow.ended_at, MaintenanceWindow.ends_at)
    query = select(MaintenanceWindow).where(
        MaintenanceWindow.tenant_id == asset.tenant_id,
        MaintenanceWindow.site_id == asset.site_id,
        MaintenanceWindow.starts_at <= end,
        over_at > func.greatest(MaintenanceWindow.starts_at, start),
        or_(MaintenanceWindow.asset_ids == [], MaintenanceWindow.asset_ids.contains([asset.id])),
    )
    rows = (await tx.session.scalars(query.order_by(MaintenanceWindow.starts_at.desc()).limit(MOST))).all()
    return [
        Mark(
            "maintenance",
            row.starts_at,
            "",
            row.reason,
            "/admin/alarms/maintenance",
            end=row.ended_at or row.ends_at,
        )
        for row in rows
    ]


def mark_json(mark: Mark) -> Json:
    return {
        "kind": mark.kind,
        "time": when(mark.time),
        "end": when(mark.end),
        "label": mark.label,
        "words": mark.words,
        "href": mark.href or None,
        "severity": mark.severity or None,
    }
