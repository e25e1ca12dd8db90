"""``/admin/system``: how the product does, asked again every two seconds while somebody looks."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from optria.kit import clock
from optria.web.admin.system import SPANS, Seeing, Span, look
from optria.web.admin.vital_signs import shed_in_all
from optria.web.deps import Given, OpenTx
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router

router = api_router(include_in_schema=False)


@router.get("/admin/system")
async def system_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    services: Given,
    latency: Annotated[Span, Query()] = "24h",
) -> Response:
    health = await look(viewer, tx, services, request, SPANS[latency])
    shell = await shell_for(tx, viewer, "admin")
    return render_page(
        request,
        "system.html",
        shell,
        health=health,
        tenant_id=tx.tenant_id,
        span=latency,
        suffix=f"&tenant_id={tx.tenant_id}" if viewer.tenant_id is None and tx.tenant_id else "",
        shed=shed_in_all(health.process.inbox.inbox_counts) if health.process else 0,
        now=clock.now(),
    )
