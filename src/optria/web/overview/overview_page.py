"""``/dashboard``: the plant, its incidents and the work on them at one look; the same as JSON."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from optria.core.roles import Permission, Role, can
from optria.kit import clock
from optria.web.deps import Given, OpenTx, require
from optria.web.first_steps import first_steps
from optria.web.frame import shell_for, sites_of
from optria.web.incidents.incident_views import list_incidents
from optria.web.overview.overview_view import overview_of
from optria.web.overview.periods import DEFAULT, HOURS, period_of
from optria.web.page_words import causes_in, keep_codes
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import sees_analysis

router = api_router(tags=["overview"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
INCIDENTS_SHOWN = 5


@router.get("/dashboard", include_in_schema=False)
async def overview_page(
    request: Request,
    viewer: Seeing,
    services: Given,
    tx: OpenTx,
    period: Annotated[str, Query(max_length=8)] = DEFAULT,
) -> Response:
    shell = await shell_for(tx, viewer, "overview")
    chosen = period_of(period, clock.now())
    active = await list_incidents(tx, viewer, {"active": True}, INCIDENTS_SHOWN, 0, gravest_first=True)
    return render_page(
        request,
        "overview.html",
        shell,
        page=await overview_of(tx, services, viewer, chosen, shell.sites),
        first_steps=await first_steps(tx, viewer, services),
        incidents=active["incidents"],
        latest=(await list_incidents(tx, viewer, {}, 1, 0))["incidents"],
        periods=list(HOURS),
        sees_analysis=sees_analysis(viewer),
        sees_orders=can(viewer.role, Permission.VIEW_WORK_ORDERS),
        only_assigned=viewer.role is Role.ENGINEER,
        now=chosen.end,
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
    )


@router.get("/api/overview", summary="Read the overview")
async def get_overview(
    viewer: Seeing, services: Given, tx: OpenTx, period: Literal["8h", "24h", "7d", "30d"] = DEFAULT
) -> Json:
    """Latency from alarm to order, money and carbon of incidents, open work, sites and connections.

    Null and empty where the viewer's role may not see; engineers' figures are of what is assigned to them.
    """
    chosen = period_of(period, clock.now())
    return asdict(await overview_of(tx, services, viewer, chosen, await sites_of(tx)))
