"""The live twin as a page: drawing or asset cards, panel of the chosen asset, connectors."""

from datetime import timedelta
from functools import partial
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from optria.core.roles import Permission
from optria.kit import clock
from optria.web.deps import Given, OpenTx, require
from optria.web.first_steps import FirstSteps, first_steps
from optria.web.frame import shell_for
from optria.web.moments import EdgeOfSpan, LocalMoment
from optria.web.rendering import Shell, language_of, now_ms, render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.twin import drawing, spark, twin_view
from optria.web.twin.twin_page_model import TwinPage

router = api_router(tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
VIEWS: Final = ("process", "assets", "trends", "signals")
KEPT: Final = ("view", "asset", "at", "tenant_id")
MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
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
    at: EdgeOfSpan | None = None,
    local: LocalMoment | None = None,
) -> Response:
    """The twin of a site; ``?asset=`` chooses the asset of the panel, ``?at=`` a moment of the past.

    ``?local=`` is a moment on the clock of the site, as a date field gives it: the browser is sent on.
    """
    if local is not None:
        meant = await twin_view.moment_at_site(tx, site_code, local)
        return RedirectResponse(_link(request, at=meant.strftime(MOMENT)), 303)
    moment = at if at is not None and at < clock.now() else None
    steps = await first_steps(tx, viewer, services)
    if steps is not None and not steps.has_site and site_code is None:
        shell = await shell_for(tx, viewer, "twin")
        return render_page(request, "first_steps.html", shell, first_steps=steps)
    page = await twin_view.page_context(tx, services, viewer, site_code, asset, moment)
    return twin_html(request, page, await shell_for(tx, viewer, "twin", page.site.id), steps)


def twin_html(
    request: Request, page: TwinPage, shell: Shell, steps: FirstSteps | None = None
) -> HTMLResponse:
    """The page of ``page``; ``?view=`` is one of :data:`VIEWS`, cards where a site has no drawing."""
    page = drawing.with_stopped(page)
    shown = drawing.drawn(page.drawing, page, language_of(request))
    present = page.past.at_ms if page.past else now_ms()
    signals = page.selected.signals if page.selected else ()
    return render_page(
        request,
        "twin.html",
        shell,
        page=page,
        first_steps=steps,
        drawing=shown,
        view=_view(request, shown is not None),
        seen_ms=present,
        link=partial(_link, request),
        ten_minutes_ago=(clock.now() - timedelta(minutes=10)).strftime(MOMENT),
        sparklines={signal.tag: spark.draw(signal, present) for signal in signals},
    )


def _view(request: Request, is_drawn: bool) -> str:
    asked = request.query_params.get("view")
    first = "process" if is_drawn else "assets"
    return asked if asked in VIEWS and (is_drawn or asked != "process") else first


def _link(request: Request, **changed: str | None) -> str:
    """The address of this page with other parameters; None leaves one out."""
    kept = {k: v for k, v in request.query_params.items() if k in KEPT}
    wanted = {k: v for k, v in {**kept, **changed}.items() if v}
    return f"?{urlencode(wanted)}" if wanted else request.url.path
