"""``/api/on-call/overrides``: shifts by name, which go before the rotations."""

from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import select

from optria.core.errors import Conflict
from optria.db.rota import OnCallShift
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.changes import Change
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.people.on_call import check_site
from optria.web.people.on_call_bodies import Moment, OverrideCreate
from optria.web.people.on_call_rotations import Managing, Seeing, check_people, lock_rota
from optria.web.people.on_call_views import people_of, shift_json, shift_words
from optria.web.routing import api_router
from optria.web.rows import count, find
from optria.web.shapes import Json

router = api_router(prefix="/api/on-call/overrides", tags=["on call"])


@router.get("", summary="List overrides")
async def list_overrides(
    _viewer: Seeing,
    tx: OpenTx,
    start: Annotated[Moment | None, Query(alias="from", description="Now, when it is missing.")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
    site_id: IdFilter = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """Those that touch the time asked for, the earliest first."""
    query = select(OnCallShift).where(OnCallShift.ends_at > (start or clock.now()))
    if end is not None:
        query = query.where(OnCallShift.starts_at < end)
    if site_id is not None:
        query = query.where(OnCallShift.site_id == site_id)
    total = await count(tx, query)
    ordered = query.order_by(OnCallShift.starts_at, OnCallShift.id).limit(limit).offset(offset)
    rows = (await tx.session.scalars(ordered)).all()
    people = await people_of(tx, [row.user_id for row in rows])
    return {"total": total, "overrides": [shift_json(row, people) for row in rows]}


@router.post("", summary="Put somebody on call", status_code=201)
async def create_override(request: Request, viewer: Managing, tx: OpenTx, body: OverrideCreate) -> Json:
    """Goes before every rotation, and at its site before a shift of every site."""
    await lock_rota(tx)
    await check_site(tx, body.site_id)
    await check_people(tx, [body.user_id])
    await _check_free(tx, body)
    row = OnCallShift(tenant_id=written_tenant(tx), **body.model_dump(exclude={"reason"}))
    tx.session.add(row)
    await tx.session.flush()
    people = await people_of(tx, [row.user_id])
    new = shift_words(row) | ({"reason": body.reason} if body.reason else {})
    name = people[row.user_id].full_name or people[row.user_id].username
    summary = f"{name} is on call from {row.starts_at:%Y-%m-%d %H:%M} to {row.ends_at:%Y-%m-%d %H:%M} UTC"
    change = Change("on_call_override_created", "on_call_shift", row.id, summary, new=new)
    await changes.record(tx, viewer, request, change)
    return shift_json(row, people)


async def _check_free(tx: Tx, body: OverrideCreate) -> None:
    query = select(OnCallShift).where(
        OnCallShift.site_id.is_not_distinct_from(body.site_id),
        OnCallShift.starts_at < body.ends_at,
        OnCallShift.ends_at > body.starts_at,
    )
    other = (await tx.session.scalars(query.order_by(OnCallShift.starts_at).limit(1))).first()
    if other is not None:
        span = f"{other.starts_at:%Y-%m-%d %H:%M} to {other.ends_at:%Y-%m-%d %H:%M} UTC"
        raise Conflict(f"Somebody is put on call there already from {span}. Remove that shift first.")


@router.delete("/{override_id}", summary="Take somebody off call", status_code=204)
async def remove_override(request: Request, viewer: Managing, tx: OpenTx, override_id: RowId) -> None:
    """The rotation has its turns again."""
    row = await find(tx, OnCallShift, override_id, "on-call shift", lock=True)
    await tx.session.delete(row)
    summary = f"On-call shift from {row.starts_at:%Y-%m-%d %H:%M} UTC removed"
    change = Change("on_call_override_removed", "on_call_shift", row.id, summary, shift_words(row))
    await changes.record(tx, viewer, request, change)
