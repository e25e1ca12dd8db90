"""``/account``: one's own names, password, language, how one is told, and where one is signed in."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from optria.core.roles import Permission
from optria.db.identity import User, UserSession
from optria.web import sessions
from optria.web.deps import Given, OpenTx, require
from optria.web.frame import shell_for
from optria.web.notices.notification_preferences import preferences_json
from optria.web.people.passwords import SHORTEST
from optria.web.people.permission_words import PERMISSION_WORDS
from optria.web.people.user_agents import browser_of
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work.preferences import fresh_row, row_of

router = api_router(include_in_schema=False)


@router.get("/account")
async def account_page(
    request: Request,
    viewer: Annotated[Viewer, require(Permission.VIEW_NOTIFICATIONS)],
    tx: OpenTx,
    services: Given,
) -> Response:
    preferences: Json | None = None
    if viewer.tenant_id is not None:
        row = await row_of(tx, viewer.tenant_id, viewer.user_id)
        preferences = preferences_json(row or fresh_row(viewer.tenant_id, viewer.user_id))
    shell = await shell_for(tx, viewer, "account")
    user, opened = await _own(services, viewer)
    return render_page(
        request,
        "account.html",
        shell,
        user=user,
        opened=[(each, browser_of(each.user_agent), each.id == viewer.session_id) for each in opened],
        preferences=preferences,
        may=[words for permission, words in PERMISSION_WORDS.items() if permission in shell.permissions],
        shortest=SHORTEST,
    )


async def _own(services: Services, viewer: Viewer) -> tuple[User, Sequence[UserSession]]:
    """One's account and open sessions: they may be of no tenant."""
    async with services.database.platform("own account") as tx:
        user = await tx.session.get_one(User, viewer.user_id)
        return user, await sessions.open_of_user(tx, viewer.user_id, services.settings)
