"""``/blackbox/incidents`` and ``/blackbox/incidents/{id}`` as pages, from the views that the API answers."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from optria.blackbox import analyses
from optria.core.roles import Permission, Role, can
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import Given, IdFilter, OpenTx, require
from optria.web.frame import shell_for
from optria.web.incidents.incident_detail import incident_detail
from optria.web.incidents.incident_knobs import knobs_of
from optria.web.incidents.incident_past import past_json, past_of
from optria.web.incidents.incident_recording import record
from optria.web.incidents.incident_seal import checked, sealed
from optria.web.incidents.incident_views import find_incident, for_viewer, list_incidents
from optria.web.page_words import causes_in, keep_codes
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import sees_analysis

router = api_router(tags=["incidents"])

Seeing = Annotated[Viewer, require(Permission.VIEW_INCIDENTS)]
Word = Annotated[str, Query(max_length=100)]
PAGE_SIZE: Final = 50
SEVERITIES: Final = ("CRITICAL", "MAJOR", "MINOR", "WARNING", "INFO")


@router.get("/blackbox/incidents", include_in_schema=False)
async def incidents_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    status: Word = "active",
    severity: Word = "",
    site: IdFilter = None,
    mine: bool = False,
    q: Word = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    filters: dict[str, object] = {"severity": severity, "q": q, "site_id": site, "mine": mine}
    filters |= {"active": True} if status == "active" else {"status": "" if status == "all" else status}
    start = (page - 1) * PAGE_SIZE
    found = await list_incidents(tx, viewer, filters, PAGE_SIZE, start, gravest_first=status == "active")
    everything = await list_incidents(tx, viewer, {}, 1, 0)
    return render_page(
        request,
        "incidents.html",
        await shell_for(tx, viewer, "incidents", site),
        found=found,
        everything=everything["total"],
        asked={"status": status, "severity": severity, "site": site, "mine": mine, "q": q, "page": page},
        pages=-(-int(str(found["total"])) // PAGE_SIZE),
        first=start + 1,
        severities=SEVERITIES,
        sees_analysis=sees_analysis(viewer),
        is_engineer=viewer.role is Role.ENGINEER,
        may_detect=can(viewer.role, Permission.MANAGE_INTEGRATIONS),
        now=clock.now(),
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
    )


@router.get("/blackbox/incidents/{incident_id}", include_in_schema=False)
async def incident_page(
    request: Request, viewer: Seeing, services: Given, tx: OpenTx, incident_id: UUID, verify: bool = False
) -> Response:
    """``verify`` has the seal of the recording checked and what was found written beside it."""
    row = await find_incident(tx, viewer, incident_id)
    whole = sees_analysis(viewer)
    view = for_viewer(await incident_detail(tx, viewer, row), viewer)
    return render_page(
        request,
        "incident.html",
        await shell_for(tx, viewer, "incidents", row.site_id),
        incident=view,
        tenant_id=row.tenant_id,
        sees_analysis=whole,
        may_run=can(viewer.role, Permission.RUN_RCA),
        may_order=can(viewer.role, Permission.CREATE_WORK_ORDERS),
        now=clock.now(),
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
        analysis=await _analysis(tx, services, viewer, row, view, verify) if whole else {},
    )


async def _analysis(
    tx: Tx, services: Services, viewer: Viewer, row: IncidentRow, view: Json, verify: bool
) -> Json:
    """What only those see who see the analysis."""
    plant = services.plants(row.tenant_id)
    past = await past_of(tx, viewer, row, await analyses.latest(tx, row))
    return {
        "recording": await record(tx, services, row, view, viewer.language),
        "knobs": await knobs_of(tx, plant, row) if view.get("root_causes") else None,
        "past": [past_json(one) for one in past],
        "seal": await sealed(tx, row),
        "seal_check": await checked(tx, plant, row) if verify else None,
        "running": services.recorder.progress_of(row.id),
    }
