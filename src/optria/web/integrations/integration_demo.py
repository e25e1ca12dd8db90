"""The switch of the simulated plant's stream over HTTP."""

from fastapi import Request

from optria.core.errors import Invalid
from optria.db.plant import Integration
from optria.kit import clock
from optria.web import changes
from optria.web.deps import Given, RowId, TenantChoice, tenant_to_write
from optria.web.integrations.integration_probes import probe_stored, read_row
from optria.web.integrations.integration_traces import log_deed
from optria.web.integrations.integrations import Managing, find_connection, lock, switch
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/integrations", tags=["integrations"])


@router.post("/{integration_id}/demo-stream/start", summary="Start the simulated plant's stream")
async def start_demo(
    viewer: Managing, services: Given, request: Request, integration_id: RowId, tenant: TenantChoice = None
) -> Json:
    """Only where a simulated plant runs; otherwise the answer says that none does, and nothing changes."""
    row = await _demo(services, viewer, integration_id, tenant)
    probe = await probe_stored(services, row)
    if not probe.ok:
        return {"success": False, "message": probe.message}
    await _switch(services, viewer, request, row, active=True)
    return {"success": True, "message": f"The stream of {row.name} runs."}


@router.post("/{integration_id}/demo-stream/stop", summary="Stop the simulated plant's stream")
async def stop_demo(
    viewer: Managing, services: Given, request: Request, integration_id: RowId, tenant: TenantChoice = None
) -> Json:
    row = await _demo(services, viewer, integration_id, tenant)
    await _switch(services, viewer, request, row, active=False)
    return {"success": True, "message": f"The stream of {row.name} is stopped."}


async def _demo(services: Services, viewer: Viewer, integration_id: int, tenant: int | None) -> Integration:
    row = await read_row(services, viewer, integration_id, tenant_to_write(viewer, tenant))
    if row.integration_type != "demo":
        raise Invalid(
            f"{row.name} is a real source; only the simulated plant has a stream to start and stop."
        )
    return row


async def _switch(
    services: Services, viewer: Viewer, request: Request, row: Integration, *, active: bool
) -> None:
    async with services.database.transaction(row.tenant_id) as tx:
        await lock(tx)
        stored = await find_connection(tx, row.id)
        old = {"is_active": stored.is_active, "demo_stream_active": stored.demo_stream_active}
        switch(stored, active=active)
        new = {"is_active": stored.is_active, "demo_stream_active": stored.demo_stream_active}
        if old == new:
            return
        word = "started" if active else "stopped"
        log_deed(tx, stored, f"demo_stream_{word}", "success", f"The stream was {word}.", clock.now())
        change = changes.Change(
            f"demo_stream_{word}",
            "integration",
            stored.id,
            f"The stream of {stored.name} was {word}.",
            old=old,
            new=new,
        )
        await changes.record(tx, viewer, request, change)
