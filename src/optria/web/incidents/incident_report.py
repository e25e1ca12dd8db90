"""The record of an incident as one document: v1's JSON, and a page to print."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from optria.blackbox import analyses
from optria.core.roles import Permission
from optria.db.blackbox import IncidentRow
from optria.db.identity import Tenant
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import Given, OpenTx, require
from optria.web.frame import shell_for
from optria.web.incidents.event_views import linked_events
from optria.web.incidents.incident_actions import timeline_line
from optria.web.incidents.incident_detail import incident_detail
from optria.web.incidents.incident_past import past_json, past_of
from optria.web.incidents.incident_recording import record
from optria.web.incidents.incident_seal import checked
from optria.web.incidents.incident_views import asset_of, find_incident
from optria.web.page_words import causes_in, keep_codes
from optria.web.people.people import name_of
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(tags=["black box"])

Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]


@router.get("/api/blackbox/reports/{incident_id}", summary="Read the report of an incident")
async def get_report(viewer: Reading, tx: OpenTx, incident_id: UUID) -> Json:
    """The record of an incident as one document."""
    row = await find_incident(tx, viewer, incident_id)
    asset, events = await asset_of(tx, row), await linked_events(tx, row)
    return {
        "report_type": "BLACKBOX_INCIDENT_REPORT",
        "generated_at": clock.now(),
        "generated_by": await name_of(tx, viewer.user_id) or viewer.name,
        "header": await _header(tx, row, asset),
        "executive_summary": _executive_summary(row, len(events)),
        "timeline_overview": [timeline_line(event) for event in events],
        "rca_section": row.rca_summary or {},
        "impact_section": _impact(row, events),
        "recommendations": [_recommendation(action) for action in row.recommended_actions or []],
        "event_story": row.event_story,
        "event_story_ar": row.event_story_ar,
        "root_cause_scores": row.root_cause_scores or {},
    }


async def _header(tx: Tx, row: IncidentRow, asset: AssetRow | None) -> Json:
    tenant = await tx.session.get(Tenant, row.tenant_id)
    site = await tx.session.get(SiteRow, row.site_id) if row.site_id else None
    names = ("incident_number", "incident_type", "severity", "status", "start_time", "end_time")
    return {
        "tenant_name": tenant.name if tenant else None,
        "site_name": site.name if site else None,
        "asset_name": asset.name if asset else None,
    } | {name: getattr(row, name) for name in names}


def _executive_summary(row: IncidentRow, total_events: int) -> Json:
    summary = row.rca_summary or {}
    return {
        "title": row.title,
        "description": row.description or row.event_story,
        "root_cause_category": summary.get("root_cause_category"),
        "confidence": summary.get("confidence"),
        "total_events": total_events,
        "impact_estimate": row.impact_estimate or {},
    }


def _impact(row: IncidentRow, events: list[Json]) -> Json:
    return {
        "scope": row.impact_scope or {},
        "estimate": row.impact_estimate or {},
        "affected_assets": _affected(row, events),
        "financial": row.financial_impact_estimate or {},
        "carbon": row.carbon_impact_estimate or {},
    }


def _affected(row: IncidentRow, events: list[Json]) -> int:
    assets = {event["asset_id"] for event in events} | {row.root_asset_id}
    assets |= set((row.impact_scope or {}).get("assets") or ())
    return len(assets - {None})


def _recommendation(action: dict[str, object]) -> Json:
    return {
        "priority": str(action.get("priority", "")),
        "category": action.get("category"),
        "title": action.get("action"),
        "description": action.get("action"),
        "description_ar": action.get("action_ar"),
    }


@router.get("/blackbox/incidents/{incident_id}/report", include_in_schema=False)
async def report_page(
    request: Request, viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID
) -> Response:
    """The record as a page for paper, in the chosen language. The seal is checked for each report."""
    row = await find_incident(tx, viewer, incident_id)
    view = await incident_detail(tx, viewer, row)
    past = await past_of(tx, viewer, row, await analyses.latest(tx, row))
    check = await checked(tx, services.plants(row.tenant_id), row)
    return render_page(
        request,
        "incident_report.html",
        await shell_for(tx, viewer, "incidents", row.site_id),
        incident=view,
        recording=await record(tx, services, row, view, viewer.language),
        past=[past_json(one) for one in past],
        seal=check["seal"],
        seal_check=check,
        now=clock.now(),
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
    )
