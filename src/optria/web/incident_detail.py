"""One incident in full: v1's detail and what the page needs besides, from one place."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from optria.blackbox.incidents import anchor_of
from optria.core.event import EventWindow
from optria.core.incident import Analysis, Evidence, RootCause
from optria.db.blackbox import AnalysisRow, EventRow, IncidentRow
from optria.db.identity import User
from optria.db.plant import SiteRow
from optria.db.session import Tx
from optria.db.work import NotificationRow, WorkOrderRow
from optria.kit import clock
from optria.rca.storage import from_json
from optria.web.incident_views import (
    View,
    asset_of,
    asset_words,
    incident_json,
    linked_events,
    order_of,
    sees_analysis,
)
from optria.web.sessions import Viewer
from optria.web.work_order_views import order_json, user_name

HALF_WINDOW = timedelta(minutes=30)


def window_of_incident(row: IncidentRow) -> EventWindow:
    """The window as stored; v1's incidents, which have none, get 30 minutes each way."""
    return EventWindow(
        row.window_start or row.start_time - HALF_WINDOW, row.window_end or row.start_time + HALF_WINDOW
    )


async def incident_detail(tx: Tx, viewer: Viewer, row: IncidentRow) -> View:
    """Everything about one incident; a viewer's caller cuts it down to the summary."""
    asset = await asset_of(tx, row)
    view = incident_json(row) | asset_words(asset)
    if not sees_analysis(viewer):
        return view
    analyses = await _analyses(tx, row)
    newest = from_json(analyses[-1].analysis) if analyses else None
    order = await order_of(tx, row)
    events = await linked_events(tx, row)
    window = window_of_incident(row)
    anchor = anchor_of(row)
    return view | {
        "events": events,
        "event_count": len(events),
        "site_name": await _site_name(tx, row),
        "anchor": {
            "time": anchor.time,
            "score": anchor.score,
            "probability": anchor.probability,
            "detector": anchor.detector,
            "mode": anchor.mode,
            "tags": [c.tag for c in anchor.contributions],
        },
        "window": {"start": window.start, "end": window.end, "closed": clock.now() >= window.end},
        "stages": await stages(tx, row, order, newest, viewer.language),
        "root_causes": [cause_json(cause) for cause in newest.causes] if newest else [],
        "similar": _similar(newest),
        "facts": dict(newest.facts) if newest else {},
        "missing_sources": list(newest.missing_sources) if newest else [],
        "provisional": newest.provisional if newest else None,
        "samples_in_window": newest.samples_in_window if newest else None,
        "events_in_window": newest.events_in_window if newest else None,
        "revisions": await _revisions(tx, analyses, viewer.language),
        "work_order": await _order(tx, order, viewer.language),
        "acknowledged_by_name": await name_of(tx, row.acknowledged_by, viewer.language),
        "assigned_name": await name_of(tx, row.assigned_to, viewer.language),
    }


def cause_json(cause: RootCause) -> View:
    """A cause with the evidence whose shares sum to its probability."""
    return {
        "label": cause.label,
        "code": cause.code,
        "probability": cause.probability,
        "evidence": [_evidence(row) for row in cause.evidence],
        "missing": list(cause.missing),
        "missing_ar": list(cause.missing_ar),
    }


def _evidence(row: Evidence) -> View:
    return {
        "kind": row.kind,
        "text": row.text,
        "text_ar": row.text_ar,
        "share": row.share,
        "incident_number": row.incident_number,
        "rule_id": row.rule_id,
        "tag": row.tag,
    }


def _similar(analysis: Analysis | None) -> list[View]:
    return [
        {
            "id": past.incident_id,
            "number": past.number,
            "cause": past.cause,
            "similarity": past.similarity,
            "resolution": past.resolution,
        }
        for past in (analysis.similar if analysis else ())
    ]


async def _analyses(tx: Tx, row: IncidentRow) -> Sequence[AnalysisRow]:
    query = (
        select(AnalysisRow)
        .where(AnalysisRow.incident_id == row.id, AnalysisRow.tenant_id == row.tenant_id)
        .order_by(AnalysisRow.revision)
    )
    return (await tx.session.scalars(query)).all()


async def _revisions(tx: Tx, rows: Sequence[AnalysisRow], language: str) -> list[View]:
    """Every analysis so far, latest first."""
    shown: list[View] = []
    for row in reversed(rows):
        top = from_json(row.analysis).top
        shown.append(
            {
                "revision": row.revision,
                "is_final": row.is_final,
                "top_cause": top.label,
                "top_probability": top.probability,
                "requested_by": row.requested_by,
                "requested_by_name": await name_of(tx, row.requested_by, language),
                "created_at": row.created_at,
            }
        )
    return shown


async def name_of(tx: Tx, user_id: int | None, language: str = "en") -> str | None:
    """The name of a user that the transaction may see."""
    user = await tx.session.get(User, user_id) if user_id is not None else None
    return user_name(user, language) if user else None


async def _site_name(tx: Tx, row: IncidentRow) -> str | None:
    site = await tx.session.get(SiteRow, row.site_id) if row.site_id is not None else None
    return site.name if site else None


async def _order(tx: Tx, order: WorkOrderRow | None, language: str) -> View | None:
    if order is None:
        return None
    return order_json(order) | {"assigned_name": await name_of(tx, order.assigned_to, language)}


async def stages(
    tx: Tx, row: IncidentRow, order: WorkOrderRow | None, analysis: Analysis | None, language: str
) -> list[View]:
    """The way from anchor to acknowledgement; ``after_s`` is seconds after the anchor was set."""
    notified_at, people = await _notified(tx, row, order)
    ordered_at = row.ordered_at or (order.created_at if order else None)
    return [
        _stage("anchor", row.anchored_at or row.start_time, row, score=anchor_of(row).probability),
        _stage("analysis", row.analysed_at, row, events=analysis.events_in_window if analysis else 0),
        _stage(
            "order",
            ordered_at,
            row,
            number=(order.work_order_number or order.code) if order else None,
            assigned_name=await name_of(tx, order.assigned_to, language) if order else None,
        ),
        _stage("notified", notified_at, row, people=people),
        _stage("acknowledged", row.acknowledged_at, row, by=await name_of(tx, row.acknowledged_by, language)),
    ]


def _stage(key: str, at: datetime | None, row: IncidentRow, **facts: object) -> View:
    start = row.anchored_at or row.start_time
    after_s = max(0.0, (at - start).total_seconds()) if at else None
    return {"key": key, "at": at, "after_s": after_s, **facts}


async def _notified(tx: Tx, row: IncidentRow, order: WorkOrderRow | None) -> tuple[datetime | None, int]:
    """When the first notification of the incident or its order was written, and how many people got one."""
    about = [(NotificationRow.entity_type == "incident") & (NotificationRow.entity_id == str(row.id))]
    if order is not None:
        about.append(
            (NotificationRow.entity_type == "work_order") & (NotificationRow.entity_id == str(order.id))
        )
    query = select(
        func.min(NotificationRow.created_at), func.count(func.distinct(NotificationRow.user_id))
    ).where(NotificationRow.tenant_id == row.tenant_id, or_(*about))
    first, people = (await tx.session.execute(query)).one()
    return first, int(people)


async def timeline(tx: Tx, row: IncidentRow) -> View:
    """The events of an incident as v1's timeline."""
    entries = [_entry(event) for event in await linked_events(tx, row)]
    stamps = [entry["timestamp"] for entry in entries]
    times = [stamp for stamp in stamps if isinstance(stamp, float)]
    return {
        "incident_id": str(row.id),
        "incident_number": row.incident_number,
        "title": row.title,
        "severity": row.severity,
        "start_time": row.start_time,
        "end_time": row.end_time,
        "timeline": entries,
        "timeline_start": min(times) if times else None,
        "timeline_end": max(times) if times else None,
        "duration_minutes": (max(times) - min(times)) / 60 if times else 0.0,
    }


def _entry(event: View) -> View:
    at = event["event_time"]
    assert isinstance(at, datetime)
    return {
        "id": event["id"],
        "time": at,
        "timestamp": at.timestamp(),
        "category": event["event_category"],
        "severity": event["severity"],
        "source": event["source_system"],
        "summary": event["summary"],
        "role": event.get("role"),
        "asset_id": event["asset_id"],
        "payload": event["payload"],
    }


async def events_around(tx: Tx, row: IncidentRow, window: EventWindow) -> Sequence[EventRow]:
    """The stored events of the incident's asset in its window, for the lanes of the recorder."""
    assets = (row.impact_scope or {}).get("assets") or [row.root_asset_id]
    query = (
        select(EventRow)
        .where(
            EventRow.tenant_id == row.tenant_id,
            EventRow.asset_id.in_([asset for asset in assets if asset is not None]),
            EventRow.event_time.between(window.start, window.end),
        )
        .order_by(EventRow.event_time)
        .limit(500)
    )
    return (await tx.session.scalars(query)).all()
