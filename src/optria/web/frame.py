"""The frame of a signed-in page: who looks, which sites, how many alarms, what is unread."""

from collections.abc import Sequence

from sqlalchemy import func, select

from optria.core.roles import GRANTS
from optria.db.blackbox import IncidentRow
from optria.db.plant import SiteRow
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.web.filters import severity_key
from optria.web.rendering import NotificationLine, Shell, SiteLink
from optria.web.sessions import Viewer
from optria.web.sight import ACTIVE_INCIDENTS, visible
from optria.work.notifications import unread_count

LINES = 8


async def shell_for(tx: Tx, viewer: Viewer, section: str, site_id: int | None = None) -> Shell:
    """The frame around a page of ``section``; ``site_id`` is the chosen site."""
    sites = await sites_of(tx)
    return Shell(
        user_name=viewer.name,
        user_email=viewer.email,
        role=viewer.role.value,
        tenant_name=viewer.tenant_name or "OPTRIA IQ",
        section=section,
        sites=tuple(sites),
        site=next((site for site in sites if site.id == site_id), None),
        alarms=await active_alarms(tx, viewer),
        unread_count=await unread_count(tx, viewer.user_id),
        notifications=await _latest_notifications(tx, viewer),
        permissions=GRANTS[viewer.role],
    )


async def sites_of(tx: Tx) -> Sequence[SiteLink]:
    """The active sites of the tenant; none over all tenants, where codes are no names."""
    if tx.tenant_id is None:
        return []
    query = select(SiteRow).where(SiteRow.is_active.is_not(False)).order_by(SiteRow.code)
    rows = await tx.session.scalars(query)
    return [SiteLink(row.id, row.code, row.name, row.name_ar or "", row.time_zone or "UTC") for row in rows]


async def active_alarms(tx: Tx, viewer: Viewer) -> dict[str, int]:
    """Active incidents that the viewer may see, by glyph."""
    query = (
        select(IncidentRow.severity, func.count())
        .where(IncidentRow.status.in_(ACTIVE_INCIDENTS), visible(viewer))
        .group_by(IncidentRow.severity)
    )
    counts: dict[str, int] = {}
    for severity, count in (await tx.session.execute(query)).all():
        key = severity_key(severity)
        counts[key] = counts.get(key, 0) + count
    return counts


async def _latest_notifications(tx: Tx, viewer: Viewer) -> tuple[NotificationLine, ...]:
    query = (
        select(NotificationRow)
        .where(
            NotificationRow.user_id == viewer.user_id,
            NotificationRow.is_dismissed.is_not(True),
            NotificationRow.folded_into.is_(None),
        )
        .order_by(NotificationRow.is_read, NotificationRow.created_at.desc())
        .limit(LINES)
    )
    now = clock.now()
    return tuple(
        NotificationLine(
            title=(row.title_ar if viewer.language == "ar" else None) or row.title,
            url=row.action_url or "/notifications",
            age_s=(now - (row.created_at or now)).total_seconds(),
            is_read=bool(row.is_read),
            severity=row.severity or "",
            written=row.created_at,
        )
        for row in await tx.session.scalars(query)
    )
