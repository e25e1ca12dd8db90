"""What people make the Black Box do: analyse an incident or an asset, order work."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

from optria.blackbox import analyses
from optria.core.incident import cause_code
from optria.core.roles import Permission
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.arrival import ArrivedAt
from optria.web.deps import (
    Given,
    OpenTx,
    RowId,
    TenantChoice,
    require,
    tenant_to_write,
)
from optria.web.incidents.event_views import linked_events
from optria.web.incidents.incident_views import find_incident, order_of
from optria.web.iso_codes import iso_json
from optria.web.orders.work_order_views import order_json
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work import orders
from optria.work.incident_orders import create_from_incident

router = api_router(prefix="/api/blackbox", tags=["black box"])

Running = Annotated[Viewer, require(Permission.RUN_RCA)]
Ordering = Annotated[Viewer, require(Permission.CREATE_WORK_ORDERS)]
Reading = Annotated[Viewer, require(Permission.VIEW_RCA)]


@router.post("/incidents/{incident_id}/rca-full", summary="Analyse an incident")
async def run_full_analysis(
    viewer: Running,
    services: Given,
    arrived: ArrivedAt,
    incident_id: UUID,
    auto_create_wo: Annotated[bool, Query()] = True,
    tenant: TenantChoice = None,
) -> Json:
    """Analyse an incident now; the work order follows by the tenant's policy.

    Of many who ask at once one is the first, and all of them are answered by its run.
    """
    tenant_id = await _tenant_of_incident(services, viewer, incident_id, tenant)
    await services.recorder.run_for_incident(
        tenant_id, incident_id, viewer.user_id, order=auto_create_wo, asked_at=arrived
    )
    return await _result(services, viewer, tenant_id, incident_id, arrived)


@router.get("/incidents/{incident_id}/rca-full", summary="Read how far an analysis has come")
async def get_progress(viewer: Reading, services: Given, tx: OpenTx, incident_id: UUID) -> Json:
    """``running`` is None where no analysis that somebody asked for runs on this server."""
    row = await find_incident(tx, viewer, incident_id)
    running = services.recorder.progress_of(row.id)
    return {"incident_id": str(row.id), "running": asdict(running) if running else None}


@router.delete("/incidents/{incident_id}/rca-full", summary="Cancel an analysis")
async def cancel_analysis(
    viewer: Running, services: Given, incident_id: UUID, tenant: TenantChoice = None
) -> Json:
    """Stop the analysis that somebody asked for; nothing of it is stored, earlier revisions stay."""
    await _tenant_of_incident(services, viewer, incident_id, tenant)
    return {"success": True, "cancelled": services.recorder.cancel(incident_id)}


async def _tenant_of_incident(
    services: Services, viewer: Viewer, incident_id: UUID, chosen: int | None
) -> int:
    """The tenant to work in, once the incident is known to be in it and visible. Raises NotFound."""
    tenant_id = tenant_to_write(viewer, chosen)
    async with services.database.transaction(tenant_id) as tx:
        await find_incident(tx, viewer, incident_id)
    return tenant_id


@router.post("/assets/{asset_id}/run", summary="Run the Black Box on an asset")
async def run_for_asset(
    viewer: Running, services: Given, arrived: ArrivedAt, asset_id: RowId, tenant: TenantChoice = None
) -> Json:
    """Run the Black Box on an asset: its open incident is analysed again, or a new one opened."""
    tenant_id = tenant_to_write(viewer, tenant)
    incident_id = await services.recorder.run_for_asset(tenant_id, asset_id, viewer.user_id, asked_at=arrived)
    return await _result(services, viewer, tenant_id, incident_id, arrived)


async def _result(
    services: Services, viewer: Viewer, tenant_id: int, incident_id: UUID, began: datetime
) -> Json:
    """v1's answer to rca-full, from what is stored."""
    async with services.database.transaction(tenant_id) as tx:
        row = await find_incident(tx, viewer, incident_id)
        order = await order_of(tx, row)
        created = order is not None and order.created_at is not None and order.created_at >= began
        return _analysis_json(row) | {
            "work_order_created": created,
            "work_order": order_json(order) if order else None,
            "analyzed_at": row.rca_completed_at or clock.now(),
        }


def _analysis_json(row: IncidentRow) -> Json:
    scores = row.root_cause_scores or {}
    top = max(scores, key=lambda label: scores[label]) if scores else None
    cause: Json = {"category": None, "confidence": 0.0}
    if top:
        cause = {"category": cause_code(top), "label": top, "confidence": float(scores[top])}
        cause["iso14224"] = iso_json(top)
    return {
        "success": True,
        "incident_id": str(row.id),
        "incident_number": row.incident_number,
        "event_story": row.event_story,
        "event_story_ar": row.event_story_ar,
        "root_cause_scores": scores,
        "root_cause_codes": row.root_cause_codes or {},
        "top_cause": cause,
        "recommended_actions": row.recommended_actions or [],
        "financial_impact": row.financial_impact_estimate or {},
        "carbon_impact": row.carbon_impact_estimate or {},
    }


@router.post("/incidents/{incident_id}/rca", summary="Analyse an incident, in short")
async def run_summary(
    viewer: Running, services: Given, arrived: ArrivedAt, incident_id: UUID, tenant: TenantChoice = None
) -> Json:
    """Analyse an incident and answer with v1's summary; orders nothing."""
    tenant_id = await _tenant_of_incident(services, viewer, incident_id, tenant)
    await services.recorder.run_for_incident(
        tenant_id, incident_id, viewer.user_id, order=False, asked_at=arrived
    )
    async with services.database.transaction(tenant_id) as tx:
        row = await find_incident(tx, viewer, incident_id)
        return {"success": True, "rca_summary": await _summary(tx, row)}


async def _summary(tx: Tx, row: IncidentRow) -> Json:
    analysis = await analyses.latest(tx, row)
    events = await linked_events(tx, row)
    roles = [event["role"] for event in events]
    evidence = analysis.top.evidence if analysis else ()
    stored = row.rca_summary or {}
    return {
        "root_cause_category": stored.get("root_cause_category"),
        "confidence": stored.get("confidence"),
        "matched_rules": [line.text for line in evidence if line.kind == "rule"],
        "contributing_factors": [line.text for line in evidence if line.kind != "rule"],
        "timeline_summary": [timeline_line(event) for event in events[:20]],
        "statistics": {
            "total_events": len(events),
            "cause_events": roles.count("CAUSE"),
            "symptom_events": roles.count("SYMPTOM"),
            "context_events": roles.count("CONTEXT"),
        },
        "analysis_time": stored.get("analysis_time"),
    }


def timeline_line(event: Json) -> Json:
    """An event in one line of a summary."""
    return {
        "time": event["event_time"],
        "summary": event["summary"],
        "severity": event["severity"],
        "role": event.get("role"),
    }


@router.post("/incidents/{incident_id}/work-order", summary="Order the work for an incident")
async def order_work(
    viewer: Ordering, services: Given, incident_id: UUID, tenant: TenantChoice = None
) -> Json:
    """Create the work order of an incident by hand, by the same logic as the automatic one.

    An incident that was never analysed is analysed first; one that has its order keeps it.
    """
    tenant_id = await _tenant_of_incident(services, viewer, incident_id, tenant)
    async with services.database.transaction(tenant_id) as tx:
        analysed = await analyses.latest(tx, await find_incident(tx, viewer, incident_id)) is not None
    if not analysed:
        await services.recorder.run_for_incident(tenant_id, incident_id, viewer.user_id, order=False)
    async with services.database.transaction(tenant_id) as tx:
        row = await find_incident(tx, viewer, incident_id, lock=True)
        return await _order_by_hand(tx, services, viewer, row)


async def _order_by_hand(tx: Tx, services: Services, viewer: Viewer, row: IncidentRow) -> Json:
    existing = await order_of(tx, row)
    if existing is not None:
        return _ordered(row, order_json(existing), created=False)
    analysis = await analyses.latest(tx, row)
    assert analysis is not None
    asset = services.plants(row.tenant_id).asset(row.root_asset_id or 0)
    policy = await orders.load_policy(tx, row.tenant_id)
    ordered = await create_from_incident(tx, row, analysis, asset, policy)
    ordered.order.created_by = viewer.user_id
    await tx.session.flush()
    return _ordered(row, order_json(ordered.order), created=ordered.created)


def _ordered(row: IncidentRow, order: Json, *, created: bool) -> Json:
    return {
        "success": True,
        "incident_id": str(row.id),
        "work_order_created": created,
        "work_order": order,
    }
