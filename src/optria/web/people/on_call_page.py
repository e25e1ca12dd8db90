"""``/on-call``: who is on call now and in the weeks to come, and the rotations behind it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.roles import Permission, can
from optria.db.identity import User
from optria.db.rota import OnCallShift
from optria.db.session import Tx
from optria.kit import clock
from optria.web.bodies import Day
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.people.on_call_calendar import WEEKS, Span, calendar, week_of
from optria.web.people.on_call_views import people_of, rotation_json
from optria.web.people.people import user_name
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work import assignment
from optria.work.on_call import stored_rotations

router = api_router(include_in_schema=False)

Seeing = Annotated[Viewer, require(Permission.VIEW_ON_CALL)]
Weeks = Annotated[int, Query(ge=1, le=4)]
MOST_OVERRIDES: Final = 100


@router.get("/on-call")
async def on_call_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    weeks: Weeks = 1,
    first: Annotated[Day | None, Query(alias="from")] = None,
) -> Response:
    shell = await shell_for(tx, viewer, "admin")
    if tx.tenant_id is None:
        return render_page(request, "on_call.html", shell, lines=None)
    now, zone = clock.now(), ZoneInfo(shell.time_zone)
    weeks = weeks if weeks in WEEKS else WEEKS[-1]
    today = now.astimezone(zone).date()
    span = Span(first or week_of(today), weeks * 7, zone)
    return render_page(
        request,
        "on_call.html",
        shell,
        lines=await calendar(tx, tx.tenant_id, span, now),
        span=span,
        weeks=weeks,
        now=now,
        today=today,
        days=_days(span, today),
        rotations=await _rotations(tx, now),
        overrides=await _overrides(tx, tx.tenant_id, span, now),
        engineers=[(user.id, user_name(user, viewer.language)) for user in await _engineers(tx)],
        person=lambda user: user_name(user, viewer.language),
        may_manage=can(viewer.role, Permission.MANAGE_ON_CALL),
        suffix=f"?tenant_id={tx.tenant_id}" if viewer.tenant_id is None else "",
        address=_Address(tx.tenant_id if viewer.tenant_id is None else None),
    )


def _days(span: Span, today: date) -> Sequence[tuple[date, float, bool]]:
    """Each day shown, where it begins, and whether it is today."""
    days = (span.first + timedelta(days=number) for number in range(span.days))
    return [(day, number / span.days, day == today) for number, day in enumerate(days)]


class _Address:
    """Makes the address of another week or width; a platform owner stays in the tenant."""

    def __init__(self, tenant_id: int | None) -> None:
        self._tenant = f"&tenant_id={tenant_id}" if tenant_id else ""

    def __call__(self, weeks: int, first: date) -> str:
        return f"/on-call?weeks={weeks}&from={first.isoformat()}{self._tenant}"


async def _engineers(tx: Tx) -> Sequence[User]:
    return await assignment.engineers(tx, tx.tenant_id or 0)


async def _rotations(tx: Tx, now: datetime) -> Sequence[Json]:
    found = await stored_rotations(tx)
    people = await people_of(tx, [user_id for _, members in found for user_id in members])
    return [rotation_json(row, members, people, now) for row, members in found if members]


async def _overrides(
    tx: Tx, tenant_id: int, span: Span, now: datetime
) -> Sequence[tuple[OnCallShift, User | None]]:
    """Shifts of the time shown that are not over, the earliest first, each with its person."""
    query = (
        select(OnCallShift)
        .where(
            OnCallShift.tenant_id == tenant_id,
            OnCallShift.ends_at > max(now, span.start),
            OnCallShift.starts_at < span.end,
        )
        .order_by(OnCallShift.starts_at, OnCallShift.id)
        .limit(MOST_OVERRIDES)
    )
    rows = (await tx.session.scalars(query)).all()
    people: Mapping[int, User] = await people_of(tx, [row.user_id for row in rows])
    return [(row, people.get(row.user_id)) for row in rows]
