"""One incident in full: v1's detail and what the page needs besides, from one place."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from optria.blackbox.incidents import anchor_of
from optria.core.event import EventCategory, EventWindow
from optria.core.incident import Analysis
from optria.db.blackbox import AnalysisRow, EventRow, IncidentRow
from optria.db.plant import SiteRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.rca.event_words import event_words
from optria.rca.storage import from_json
from optria.web.incidents.event_views import linked_events
from optria.web.incidents.incident_causes import cause_json
from optria.web.incidents.incident_revisions import changes_between
from optria.web.incidents.incident_stages import stages
from optria.web.incidents.incident_views import asset_of, asset_words, incident_json, order_of
from optria.web.orders.work_order_views import order_json, visible
from optria.web.people.people import name_of
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import sees_analysis

HALF_WINDOW = timedelta(minutes=30)


def window_of_incident(row: IncidentRow) -> EventWindow:
    """The window as stored; v1's incidents, which have none, get 30 minutes each way."""
    return EventWindow(
        row.window_start or row.start_time - HALF_WINDOW, row.window_end or row.start_time + HALF_WINDOW
    )


async def incident_detail(tx: Tx, viewer: Viewer, row: IncidentRow) -> Json:
    """Everything about one incident; a viewer's caller cuts it down to the summary."""
    view = incident_json(row) | asset_words(await asset_of(tx, row))
    if not sees_analysis(viewer):
        return view
    analyses = await _analyses(tx, row)
    newest = from_json(analyses[-1].analysis) if analyses else None
    events = [in_both_languages(event) for event in await linked_events(tx, row)]
    view |= {"events": events, "event_count": len(events), "site_name": await _site_name(tx, row)}
    view |= _anchor_and_window(row) | _analysis_view(newest)
    view["revisions"] = await _revisions(tx, analyses, viewer.language)
    return view | await _people_and_order(tx, viewer, row, newest)


def in_both_languages(event: Json) -> Json:
    """An event with its Arabic: of a limit from its figures, else the sentence as it is stored."""
    payload = event["payload"]
    figures = payload if isinstance(payload, dict) else {}
    words = event_words(str(event["summary"] or ""), str(event["event_category"] or ""), figures)
    return event | {"summary_ar": words.ar if event["summary"] else None}


def _anchor_and_window(row: IncidentRow) -> Json:
    window, anchor = window_of_incident(row), anchor_of(row)
    return {
        "anchor": {
            "time": anchor.time,
            "score": anchor.score,
            "probability": anchor.probability,
            "detector": anchor.detector,
            "mode": anchor.mode,
            "tags": [c.tag for c in anchor.contributions],
        },
        "window": {"start": window.start, "end": window.end, "closed": clock.now() >= window.end},
    }


def _analysis_view(newest: Analysis | None) -> Json:
    return {
        "root_causes": [cause_json(cause) for cause in newest.causes] if newest else [],
        "similar": _similar(newest),
        "facts": dict(newest.facts) if newest else {},
        "missing_sources": list(newest.missing_sources) if newest else [],
        "provisional": newest.provisional if newest else None,
        "samples_in_window": newest.samples_in_window if newest else None,
        "events_in_window": newest.events_in_window if newest else None,
    }


async def _people_and_order(tx: Tx, viewer: Viewer, row: IncidentRow, newest: Analysis | None) -> Json:
    """Who did what about it. Of an order that is not theirs to see, people learn that there is one."""
    order, shown = await order_of(tx, row), await order_of(tx, row, visible(viewer))
    return {
        "stages": await stages(tx, row, newest, order, shown, viewer.language),
        "work_order": await _order(tx, shown, viewer.language),
        "has_work_order": order is not None,
        "acknowledged_by_name": await name_of(tx, row.acknowledged_by, viewer.language),
        "assigned_name": await name_of(tx, row.assigned_to, viewer.language),
    }


def _similar(analysis: Analysis | None) -> list[Json]:
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


async def _revisions(tx: Tx, rows: Sequence[AnalysisRow], language: str) -> list[Json]:
    """Every analysis so far, latest first, each with what differs from the one before it."""
    told = [from_json(row.analysis) for row in rows]
    shown: list[Json] = []
    for place, row in reversed(list(enumerate(rows))):
        top = told[place].top
        shown.append(
            {
                "revision": row.revision,
                "is_final": row.is_final,
                "top_cause": top.label,
                "top_probability": top.probability,
                "requested_by": row.requested_by,
                "requested_by_name": await name_of(tx, row.requested_by, language),
                "created_at": row.created_at,
                "events_in_window": told[place].events_in_window,
                "samples_in_window": told[place].samples_in_window,
                "changes": changes_between(told[place - 1] if place else None, told[place]),
            }
        )
    return shown


async def _site_name(tx: Tx, row: IncidentRow) -> str | None:
    site = await tx.session.get(SiteRow, row.site_id) if row.site_id is not None else None
    return site.name if site else None


async def _order(tx: Tx, order: WorkOrderRow | None, language: str) -> Json | None:
    if order is None:
        return None
    return order_json(order) | {"assigned_name": await name_of(tx, order.assigned_to, language)}


async def timeline(tx: Tx, row: IncidentRow) -> Json:
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


def _entry(event: Json) -> Json:
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
    """The stored events of the incident's assets in its window, for the lanes of the recorder.

    What people changed in the configuration of the whole plant meanwhile is among them.
    """
    assets = (row.impact_scope or {}).get("assets") or [row.root_asset_id]
    plant_wide = and_(EventRow.asset_id.is_(None), EventRow.event_category == EventCategory.CONFIG_CHANGE)
    query = (
        select(EventRow)
        .where(
            EventRow.tenant_id == row.tenant_id,
            or_(EventRow.asset_id.in_([asset for asset in assets if asset is not None]), plant_wide),
            EventRow.event_time.between(window.start, window.end),
            EventRow.folded_into.is_(None),
        )
        .order_by(EventRow.event_time)
        .limit(500)
    )
    return (await tx.session.scalars(query)).all()
