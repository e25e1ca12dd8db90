"""The live twin as a page: drawing or asset cards, panel of the chosen asset, connectors."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from optria.web import drawing, spark
from optria.web.rendering import Shell, language_of, now_ms, render_page
from optria.web.twin_page_model import TwinPage

router = APIRouter()


def twin_html(request: Request, page: TwinPage, shell: Shell) -> HTMLResponse:
    """The page of ``page``; ``?view=assets`` shows cards, as does a site without a drawing."""
    shown = drawing.resolve(page.drawing, page, language_of(request)) if page.drawing else None
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
