"""The description of the API: as JSON for programs, and as a page to read and try it."""

from typing import Final

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from optria.core.roles import Permission
from optria.web.deps import require
from optria.web.rendering import render_text
from optria.web.routing import api_router
from optria.web.shapes import Json

router = api_router(dependencies=[require(Permission.SIGNED_IN)], include_in_schema=False)

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""As on every page, but without Trusted Types, which Swagger UI's own markup does not know."""


@router.get("/api/openapi.json")
async def openapi(request: Request) -> Json:
    document: Json = request.app.openapi()
    return document


@router.get("/docs")
async def docs_page() -> Response:
    """Swagger UI over the description, from our own files alone."""
    html = render_text("api_docs.html", "en", {})
    return HTMLResponse(html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})
