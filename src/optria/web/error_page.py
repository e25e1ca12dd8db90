"""Refusals and failures as pages: what happened, which role is needed, and where to go next."""

from typing import Final

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import OptriaError
from optria.core.roles import GRANTS, Permission, Role, can
from optria.web.deps import optional_viewer, services_of
from optria.web.frame import shell_for
from optria.web.rendering import Shell, render_page
from optria.web.security import HEADERS
from optria.web.sessions import Viewer

log = structlog.get_logger(__name__)

LISTS: Final = (
    ("/blackbox/incidents", "incidents", Permission.VIEW_INCIDENTS),
    ("/work-orders", "work_orders", Permission.VIEW_WORK_ORDERS),
    ("/notifications", "notifications", Permission.VIEW_NOTIFICATIONS),
)
"""(address, section, permission) of the lists that a wrong address may have meant; else the live twin."""


async def refused_page(
    request: Request, status_code: int, permission: Permission | None = None
) -> HTMLResponse:
    """A 403, 404 or 422 in the frame of the product, or without it for a stranger.

    ``permission`` is the one that the viewer's role lacks.
    """
    viewer, shell = await _who(request)
    return render_page(
        request,
        "error.html",
        shell,
        status_code=status_code,
        code=status_code,
        roles=[] if permission is None else roles_with(permission),
        next_list=_list_of(request.url.path, viewer),
        retry_url="",
        database_away=False,
    )


def failed_page(request: Request, status_code: int, *, database_away: bool = False) -> HTMLResponse:
    """A 500 or 503, without the frame: it would need what has just failed."""
    query = f"?{request.url.query}" if request.url.query else ""
    page = render_page(
        request,
        "error.html",
        None,
        status_code=status_code,
        code=status_code,
        roles=[],
        next_list="",
        retry_url=request.url.path + query,
        database_away=database_away,
    )
    page.headers.update(HEADERS)
    return page


def roles_with(permission: Permission) -> list[str]:
    """The roles of a tenant that grant ``permission``; the platform's owner when none of them does."""
    granting = [role for role in GRANTS if can(role, permission)]
    own = [role.value for role in granting if role is not Role.PLATFORM_OWNER]
    return own or [role.value for role in granting]


def _list_of(path: str, viewer: Viewer | None) -> str:
    """The section of the list that ``path`` lies under, if the viewer may see it."""
    for address, section, permission in LISTS:
        if path.startswith(address + "/") and viewer is not None and can(viewer.role, permission):
            return section
    return ""


async def _who(request: Request) -> tuple[Viewer | None, Shell | None]:
    """Who looks and the frame around the page; neither when it cannot be found out."""
    services = services_of(request)
    try:
        viewer = await optional_viewer(request, services)
        if viewer is None:
            return None, None
        if viewer.tenant_id is None:
            async with services.database.platform(f"read by user {viewer.user_id}") as tx:
                return viewer, await shell_for(tx, viewer, "")
        async with services.database.transaction(viewer.tenant_id) as tx:
            return viewer, await shell_for(tx, viewer, "")
    except (OptriaError, SQLAlchemyError, ConnectionError, TimeoutError) as error:
        log.warning("frame_not_built", path=request.url.path, error=type(error).__name__)
        return None, None
