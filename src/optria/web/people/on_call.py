"""``/api/on-call``: who is on call, now and in the weeks to come."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Query

from optria.core.errors import Invalid
from optria.core.roles import Permission
from optria.core.rota import Claim, Turn, deciding, merged
from optria.db.plant import SiteRow
from optria.db.rota import OnCallRotation
from optria.db.session import Tx
from optria.kit import clock
from optria.web.deps import IdFilter, OpenTx, require, written_tenant
from optria.web.people.on_call_bodies import Moment
from optria.web.people.on_call_views import people_of, person_json, stretch_json
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work import assignment
from optria.work.on_call import claims_between, stored_rotations

router = api_router(prefix="/api/on-call", tags=["on call"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ON_CALL)]
LONGEST: Final = timedelta(days=92)
SHOWN: Final = timedelta(days=14)


@router.get("/now", summary="Who is on call now")
async def get_now(_viewer: Seeing, tx: OpenTx, site_id: IdFilter = None) -> Json:
    """``user`` is null when nobody is on call; ``assignee`` is who gets a work order that is made now.

    ``ends_at`` is null when that is more than 92 days away. Without a site: what holds for every site.
    """
    tenant_id, now = written_tenant(tx), clock.now()
    await check_site(tx, site_id)
    claims = await _claims(tx, site_id, now, now + LONGEST)
    claim, ahead = deciding(claims, now), merged(claims, now, now + LONGEST)
    until = _next_change(ahead, now)
    turn = Turn(claim.turn.user_id, claim.turn.starts_at, until or now) if claim else None
    view = (await _views(tx, [(turn, claim)]))[0]
    assignee = await assignment.pick(tx, tenant_id, site_id, now)
    return view | {"at": now, "site_id": site_id, "ends_at": until, "assignee": person_json(assignee)}


@router.get("/schedule", summary="Who will be on call")
async def get_schedule(
    _viewer: Seeing,
    tx: OpenTx,
    start: Annotated[Moment | None, Query(alias="from", description="Now, when it is missing.")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="14 days after ``from``.")] = None,
    site_id: IdFilter = None,
) -> Json:
    """The whole time between the two, at most 92 days, cut where somebody else takes over.

    A shift goes before a rotation, and what is of the site before what is of every site. Where nobody is on
    call, ``user`` is null and orders go to the first engineer.
    """
    written_tenant(tx)
    await check_site(tx, site_id)
    start = start or clock.now()
    end = end or start + SHOWN
    if not timedelta(0) < end - start <= LONGEST:
        raise Invalid(f"The time from ``from`` to ``to`` is positive and at most {LONGEST.days} days.")
    stretches = merged(await _claims(tx, site_id, start, end), start, end)
    return {
        "from": start,
        "to": end,
        "site_id": site_id,
        "schedule": await _views(tx, list(_without_holes(stretches, start, end))),
    }


async def check_site(tx: Tx, site_id: int | None) -> None:
    """Raises NotFound for a site that this tenant does not have."""
    if site_id is not None:
        await find(tx, SiteRow, site_id, "site")


async def _claims(tx: Tx, site_id: int | None, start: datetime, end: datetime) -> list[Claim]:
    tenant_id = written_tenant(tx)
    able = {user.id for user in await assignment.engineers(tx, tenant_id)}
    return await claims_between(tx, tenant_id, site_id, start, end, able)


def _next_change(ahead: Sequence[Claim], now: datetime) -> datetime | None:
    """When somebody else takes over from whom ``ahead`` (from now on) names first, or begins."""
    if not ahead:
        return None
    first = ahead[0].turn
    change = first.ends_at if first.starts_at <= now else first.starts_at
    return change if change < now + LONGEST else None


def _without_holes(
    stretches: Sequence[Claim], start: datetime, end: datetime
) -> Iterator[tuple[Turn, Claim | None]]:
    """The stretches with what lies between them."""
    for claim in stretches:
        if start < claim.turn.starts_at:
            yield Turn(0, start, claim.turn.starts_at), None
        yield claim.turn, claim
        start = claim.turn.ends_at
    if start < end:
        yield Turn(0, start, end), None


async def _views(tx: Tx, stretches: Sequence[tuple[Turn | None, Claim | None]]) -> list[Json]:
    people = await people_of(tx, [claim.turn.user_id for _, claim in stretches if claim])
    rotations = await stored_rotations(tx, OnCallRotation.tenant_id == written_tenant(tx))
    names = {row.id: row.name for row, _ in rotations}
    return [stretch_json(turn, claim, people, names) for turn, claim in stretches]
