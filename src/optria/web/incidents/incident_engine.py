"""The Black Box is told to look for incidents now: ``/api/blackbox/engine``, as version 1 had it."""

from typing import Annotated, Final

from sqlalchemy import select

from optria.blackbox.alerts import collect_alerts
from optria.blackbox.triggers import open_for_event
from optria.core.event import Severity
from optria.core.roles import Permission
from optria.db.blackbox import EventRow
from optria.web.deps import Given, TenantChoice, require, tenant_to_write
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/blackbox", tags=["black box"])

Managing = Annotated[Viewer, require(Permission.MANAGE_INTEGRATIONS)]
DETECTED_AT_ONCE: Final = 500


@router.post("/engine/detect", summary="Look for incidents")
async def detect(viewer: Managing, services: Given, tenant: TenantChoice = None) -> Json:
    """Open the incidents of CRITICAL events that nothing has looked at yet."""
    return {"success": True, "detection_result": await _detect(services, tenant_to_write(viewer, tenant))}


async def _detect(services: Services, tenant_id: int) -> Json:
    plant = services.plants(tenant_id)
    async with services.database.transaction(tenant_id) as tx:
        waiting = select(EventRow).where(
            EventRow.tenant_id == tenant_id,
            EventRow.severity == Severity.CRITICAL.name,
            EventRow.is_processed.is_not(True),
            EventRow.asset_id.is_not(None),
        )
        query = waiting.order_by(EventRow.event_time).limit(DETECTED_AT_ONCE)
        events = (await tx.session.scalars(query.with_for_update(skip_locked=True))).all()
        opened = [await open_for_event(tx, plant, event) for event in events]
    services.recorder.wake()
    done = [one for one in opened if one is not None]
    return {
        "trigger_events_found": len(events),
        "incidents_created": sum(one.created for one in done),
        "events_processed": len(done),
    }


@router.post("/engine/run", summary="Look for incidents and analyse them")
async def run_engine(viewer: Managing, services: Given, tenant: TenantChoice = None) -> Json:
    """Detect, and have the incidents found analysed at once by the recorder."""
    found = await _detect(services, tenant_to_write(viewer, tenant))
    return {
        "status": "completed",
        "incidents_created": found["incidents_created"],
        "events_processed": found["events_processed"],
        "mode": "live",
    }


@router.post("/engine/collect", summary="Make events of version 1's alerts")
async def collect(viewer: Managing, services: Given, tenant: TenantChoice = None) -> Json:
    """Alerts that are no events yet become events, at most 1,000 at a time; an open CRITICAL one opens (or
    joins) its incident. Work orders and scores are events the moment they happen: none are left to copy.
    """
    tenant_id = tenant_to_write(viewer, tenant)
    async with services.database.transaction(tenant_id) as tx:
        found = await collect_alerts(tx, services.plants(tenant_id))
    if found.incidents:
        services.recorder.wake()
    counts = {"alerts": found.alerts, "work_orders": 0, "ai_outputs": 0, "total": found.alerts}
    return {"success": True, "collection_result": counts}
