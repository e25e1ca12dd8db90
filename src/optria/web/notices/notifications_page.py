"""``/notifications``: what a person was told, unread first, by day."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.errors import NotFound
from optria.core.roles import Permission
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.notices.notification_preferences import preferences_json
from optria.web.notices.notifications import told_by
from optria.web.rendering import Shell, render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work.preferences import fresh_row, row_of

router = api_router(tags=["notifications"])

Seeing = Annotated[Viewer, require(Permission.VIEW_NOTIFICATIONS)]
MOST_SHOWN: Final = 200


@router.get("/notifications", include_in_schema=False)
async def notifications_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    unread: Annotated[bool, Query()] = False,
    digest: Annotated[UUID | None, Query()] = None,
) -> Response:
    shell = await shell_for(tx, viewer, "notifications")
    rows = await own_notifications(tx, viewer, only_unread=unread, digest=digest)
    today = clock.now().astimezone(ZoneInfo(shell.time_zone)).date()
    return render_page(
        request,
        "notifications.html",
        shell,
        preferences=await own_preferences(tx, viewer),
        time_zones=_zones(shell),
        cut_off=len(rows) == MOST_SHOWN,
        fresh=[row for row in rows if not row.is_read],
        days=by_day([row for row in rows if row.is_read], shell.time_zone),
        today=today,
        unread_only=unread,
        digest=await own_digest(tx, viewer, digest) if digest else None,
        now=clock.now(),
    )


async def own_preferences(tx: Tx, viewer: Viewer) -> Json | None:
    """How the viewer wants to be told; None for a platform owner, who is sent nothing."""
    if viewer.tenant_id is None:
        return None
    row = await row_of(tx, viewer.tenant_id, viewer.user_id)
    return preferences_json(row or fresh_row(viewer.tenant_id, viewer.user_id))


def _zones(shell: Shell) -> list[str]:
    """The zones one may read times in: those of the sites, and UTC."""
    return sorted({site.time_zone for site in shell.sites} | {"UTC"})


async def own_digest(tx: Tx, viewer: Viewer, digest: UUID) -> NotificationRow:
    """Raises NotFound for what is no notification of the viewer."""
    mine = select(NotificationRow).where(
        NotificationRow.id == digest, NotificationRow.user_id == viewer.user_id
    )
    row = await tx.session.scalar(mine)
    if row is None:
        raise NotFound("There is no such notification.")
    return row


async def own_notifications(
    tx: Tx, viewer: Viewer, *, only_unread: bool, digest: UUID | None = None
) -> Sequence[NotificationRow]:
    """The viewer's own that were not dismissed, latest first; what came in a flood by its digest."""
    query = select(NotificationRow).where(
        NotificationRow.user_id == viewer.user_id,
        NotificationRow.is_dismissed.is_not(True),
        told_by(digest),
    )
    if only_unread:
        query = query.where(NotificationRow.is_read.is_not(True))
    return (
        await tx.session.scalars(query.order_by(NotificationRow.created_at.desc()).limit(MOST_SHOWN))
    ).all()


def by_day(rows: Sequence[NotificationRow], time_zone: str) -> list[tuple[date, list[NotificationRow]]]:
    """Rows under the day of the site that they were written on, in the order given."""
    days: dict[date, list[NotificationRow]] = {}
    for row in rows:
        written = (row.created_at or clock.now()).astimezone(ZoneInfo(time_zone)).date()
        days.setdefault(written, []).append(row)
    return list(days.items())
