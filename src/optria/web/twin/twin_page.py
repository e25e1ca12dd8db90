"""The live twin as a page: drawing or asset cards, panel of the chosen asset, connectors."""

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from optria.core.roles import Permission
from optria.web.deps import Given, OpenTx, require
from optria.web.frame import shell_for
from optria.web.rendering import Shell, language_of, now_ms, render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.twin import drawing, spark, twin_view
from optria.web.twin.twin_page_model import TwinPage

router = api_router(tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
Code = Annotated[str | None, Query(max_length=100)]


@router.get("/digital-twin", include_in_schema=False)
@router.get("/digital-twin/{site_code}", include_in_schema=False)
async def live_twin(
    request: Request,
    viewer: Seeing,
    services: Given,
    tx: OpenTx,
    site_code: str | None = None,
    asset: Code = None,
) -> HTMLResponse:
    """The twin of a site; ``?asset=`` chooses the asset of the panel."""
    page = await twin_view.page_context(tx, services, viewer, site_code, asset)
    return twin_html(request, page, await shell_for(tx, viewer, "twin", page.site.id))


def twin_html(request: Request, page: TwinPage, shell: Shell) -> HTMLResponse:
    """The page of ``page``; ``?view=assets`` shows cards, as does a site without a drawing."""
    page = drawing.with_stopped(page)
    shown = drawing.drawn(page.drawing, page, language_of(request))
    view = "assets" if shown is None or request.query_params.get("view") == "assets" else "process"
    present = now_ms()
    signals = page.selected.signals if page.selected else ()
    return render_page(
        request,
        "twin.html",
        shell,
        page=page,
        drawing=shown,
        view=view,
        sparklines={signal.tag: spark.draw(signal, present) for signal in signals},
    )
