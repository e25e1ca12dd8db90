"""The drawing editor: a page for those who may draw, and the drawing as it would be shown."""

from typing import Annotated

from fastapi import Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.roles import Permission
from optria.db.plant import AssetLink, SiteRow
from optria.db.session import Tx
from optria.web.assets.sites import find_site
from optria.web.deps import Given, OpenTx, require
from optria.web.frame import shell_for
from optria.web.rendering import language_of, now_ms, render_page, render_text, translate
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.twin import drawing, twin_view
from optria.web.twin.arranged import arranged
from optria.web.twin.drawing_config import SYMBOLS
from optria.web.twin.drawing_problems import Problem, problems_of
from optria.web.twin.twin_bodies import DrawingAsked
from optria.web.twin.twin_page_model import TwinPage

router = api_router(tags=["twin"])

Drawing = Annotated[Viewer, require(Permission.MANAGE_TWIN)]


@router.get("/digital-twin/{site_code}/edit", include_in_schema=False)
async def editor_page(
    request: Request, viewer: Drawing, services: Given, tx: OpenTx, site_code: str, start: str = ""
) -> Response:
    """``?start=assets`` begins the drawing of a site that has none with its assets."""
    page = await twin_view.page_context(tx, services, viewer, site_code)
    site = await find_site(tx, page.site.id)
    layout = await twin_view.layout_of(tx, site.id, site.tenant_id)
    config: Json = dict(layout.config or {}) if layout else {}
    if not config and start == "assets":
        config = arranged(page.site.name, page.assets, await _lines(tx, site))
    return render_page(
        request,
        "twin_editor.html",
        await shell_for(tx, viewer, "twin", page.site.id),
        page=page,
        layout=layout,
        tenant_id=site.tenant_id,
        config=config or {"title": page.site.name, "size": [950, 727], "symbols": []},
        kinds=sorted(SYMBOLS),
        metrics=sorted({signal.metric for asset in page.assets for signal in asset.signals}),
        saved_at=(layout.updated_at or layout.created_at) if layout else None,
    )


@router.post("/api/twins/layouts/preview", summary="See how a drawing would be shown")
async def preview(
    request: Request, viewer: Drawing, services: Given, tx: OpenTx, asked: DrawingAsked
) -> Json:
    """The drawing as SVG, each item in a group (``data-item="symbols.3"``), and what is wrong with it."""
    site = await find_site(tx, asked.site_id)
    page = await twin_view.page_context(tx, services, viewer, site.code)
    language = language_of(request)
    drawn = drawing.resolve(asked.config, page, language)
    svg = render_text("twin_editor_drawing.html", language, {"d": drawn, "now_ms": now_ms()})
    return {"svg": svg, "problems": _said(asked.config, page, language)}


def _said(config: Json, page: TwinPage, language: str) -> list[Json]:
    def said(problem: Problem) -> Json:
        return {"item": problem.item, "text": translate(problem.text, language) % {"what": problem.what}}

    return [said(problem) for problem in problems_of(config, page)]


async def _lines(tx: Tx, site: SiteRow) -> list[tuple[int, int]]:
    query = select(AssetLink.source_asset_id, AssetLink.target_asset_id).where(
        AssetLink.tenant_id == site.tenant_id
    )
    return [(source, target) for source, target in (await tx.session.execute(query)).all()]
