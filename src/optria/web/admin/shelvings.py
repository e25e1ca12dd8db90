"""``/api/alarms/shelvings``: people take alarms aside for a while, and back again (ISA-18.2-2016, 11.5)."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import select

from optria.core.errors import Conflict, Invalid, NotAllowed, NotFound
from optria.core.roles import Permission, can
from optria.core.work_order import WorkOrderPolicy
from optria.db.alarms import Shelving
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.admin.quiet_bodies import ShelvingCreate
from optria.web.admin.quiet_views import views
from optria.web.changes import Change
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.routing import api_router
from optria.web.rows import count, find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when
from optria.work.orders import load_policy

router = api_router(prefix="/api/alarms/shelvings", tags=["alarms"])

Seeing = Annotated[Viewer, require(Permission.VIEW_RCA)]
Shelves = Annotated[Viewer, require(Permission.SHELVE_ALARMS)]


@router.get("", summary="List shelved alarms")
async def list_shelvings(
    _viewer: Seeing,
    tx: OpenTx,
    active: Annotated[bool, Query(description="Only those that last.")] = True,
    asset_id: IdFilter = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """The latest first, each with how many events it has kept quiet."""
    query = select(Shelving).order_by(Shelving.shelved_at.desc(), Shelving.id.desc())
    if active:
        query = query.where(Shelving.ended_at.is_(None), Shelving.until > clock.now())
    if asset_id is not None:
        query = query.where(Shelving.asset_id == asset_id)
    rows = (await tx.session.scalars(query.limit(limit).offset(offset))).all()
    return {"total": await count(tx, query), "shelvings": await views(tx, rows)}


@router.post("", summary="Shelve alarms", status_code=201)
async def shelve(request: Request, viewer: Shelves, tx: OpenTx, body: ShelvingCreate) -> Json:
    """What is shelved is stored and counted, and opens no incident, order or notification until it is over.

    What still goes on then opens its incident. CRITICAL alarms come through unless an administrator includes
    them.
    """
    if body.includes_critical and not can(viewer.role, Permission.SHELVE_CRITICAL_ALARMS):
        raise NotAllowed("Only tenant administrators shelve critical alarms. Shelve the others, or ask them.")
    asset = await _asset_of(tx, body)
    longest_h = await longest_hours(tx)
    if body.hours > longest_h:
        raise Invalid(f"Alarms are shelved for at most {longest_h:g} hours here. Choose a shorter time.")
    await _check_free(tx, body)
    now = clock.now()
    row = Shelving(
        tenant_id=written_tenant(tx),
        **body.model_dump(exclude={"hours"}),
        shelved_by=viewer.user_id,
        shelved_at=now,
        until=now + timedelta(hours=body.hours),
    )
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Alarms of {asset.code} shelved until {row.until:%Y-%m-%d %H:%M} UTC: {row.reason}"
    new = {**body.model_dump(), "until": when(row.until)}
    change = Change("alarms_shelved", "alarm_shelving", row.id, summary, new=new, asset_id=asset.id)
    await changes.record(tx, viewer, request, change)
    return (await views(tx, [row]))[0]


@router.delete("/{shelving_id}", summary="Take alarms off the shelf", status_code=204)
async def unshelve(request: Request, viewer: Shelves, tx: OpenTx, shelving_id: RowId) -> None:
    """From now on they are heard again; what goes on opens its incident."""
    row = await find(tx, Shelving, shelving_id, "shelving", lock=True)
    now = clock.now()
    if row.ended_at is not None or row.until <= now:
        raise Conflict("These alarms are off the shelf already.")
    row.ended_at, row.ended_by = now, viewer.user_id
    asset = await tx.session.get_one(AssetRow, row.asset_id)
    change = Change(
        "alarms_unshelved",
        "alarm_shelving",
        row.id,
        f"Alarms of {asset.code} are off the shelf again",
        old={"until": when(row.until), "reason": row.reason},
        asset_id=row.asset_id,
    )
    await changes.record(tx, viewer, request, change)


async def longest_hours(tx: Tx) -> float:
    """For how long the tenant lets alarms be shelved."""
    policy = await load_policy(tx, tx.tenant_id) if tx.tenant_id else WorkOrderPolicy()
    return policy.longest_shelving_hours


async def _asset_of(tx: Tx, body: ShelvingCreate) -> AssetRow:
    asset = await find(tx, AssetRow, body.asset_id, "asset")
    if body.mapping_id is not None:
        mapping = await tx.session.get(MappingRow, body.mapping_id)
        if mapping is None or mapping.asset_id != asset.id:
            raise NotFound(f"{asset.code} has no signal {body.mapping_id}.")
    return asset


async def _check_free(tx: Tx, body: ShelvingCreate) -> None:
    query = select(Shelving.id).where(
        Shelving.asset_id == body.asset_id,
        Shelving.mapping_id.is_not_distinct_from(body.mapping_id),
        Shelving.mode.is_not_distinct_from(body.mode),
        Shelving.ended_at.is_(None),
        Shelving.until > clock.now(),
    )
    if await tx.session.scalar(query.limit(1)) is not None:
        raise Conflict("These alarms are shelved already. Take them off the shelf first to change that.")
