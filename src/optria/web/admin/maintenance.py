"""``/api/alarms/maintenance``: when assets are out of service for planned work (ISA-18.2-2016, 11.8)."""

from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import select

from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.roles import Permission
from optria.db.alarms import MaintenanceWindow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web import changes
from optria.web.admin.quiet_bodies import WindowCreate
from optria.web.admin.quiet_views import views
from optria.web.changes import Change
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.people.on_call import check_site
from optria.web.people.on_call_bodies import Moment
from optria.web.routing import api_router
from optria.web.rows import count, find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/api/alarms/maintenance", tags=["alarms"])

Seeing = Annotated[Viewer, require(Permission.VIEW_RCA)]
Planning = Annotated[Viewer, require(Permission.PLAN_MAINTENANCE)]


@router.get("", summary="List maintenance windows")
async def list_windows(
    _viewer: Seeing,
    tx: OpenTx,
    start: Annotated[Moment | None, Query(alias="from", description="Now, when it is missing.")] = None,
    end: Annotated[Moment | None, Query(alias="to")] = None,
    site_id: IdFilter = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """Those that touch the time asked for, the earliest first."""
    query = select(MaintenanceWindow).where(MaintenanceWindow.ends_at > (start or clock.now()))
    if end is not None:
        query = query.where(MaintenanceWindow.starts_at < end)
    if site_id is not None:
        query = query.where(MaintenanceWindow.site_id == site_id)
    ordered = query.order_by(MaintenanceWindow.starts_at, MaintenanceWindow.id)
    rows = (await tx.session.scalars(ordered.limit(limit).offset(offset))).all()
    return {"total": await count(tx, query), "windows": await views(tx, rows)}


@router.post("", summary="Plan maintenance", status_code=201)
async def plan_window(request: Request, viewer: Planning, tx: OpenTx, body: WindowCreate) -> Json:
    """In the window nothing of the assets opens an incident, order or notification, CRITICAL or not.

    Everything is stored and shown. Afterwards the detectors learn the assets anew (unless told not to), and a
    CRITICAL limit that is still crossed opens its incident.
    """
    if body.ends_at <= clock.now():
        raise Invalid("This window is over already. Plan one that ends in the future.")
    row = MaintenanceWindow(
        tenant_id=written_tenant(tx),
        **body.model_dump(exclude={"site_id", "asset_ids"}),
        site_id=await _site_of(tx, body),
        asset_ids=sorted(set(body.asset_ids)),
        planned_by=viewer.user_id,
        planned_at=clock.now(),
    )
    if body.work_order_id is not None:
        await find(tx, WorkOrderRow, body.work_order_id, "work order")
    tx.session.add(row)
    await tx.session.flush()
    view = (await views(tx, [row]))[0]
    change = Change(
        "maintenance_planned",
        "maintenance_window",
        row.id,
        _said(row, view),
        new=_words(row),
        asset_id=_one(row),
    )
    await changes.record(tx, viewer, request, change)
    return view


@router.delete("/{window_id}", summary="End maintenance, or call it off", status_code=204)
async def end_window(request: Request, viewer: Planning, tx: OpenTx, window_id: RowId) -> None:
    """A window that has begun ends now; one that has not is called off."""
    row = await find(tx, MaintenanceWindow, window_id, "maintenance window", lock=True)
    now = clock.now()
    if row.ended_at is not None or row.ends_at <= now:
        raise Conflict("This window is over already.")
    row.ended_at, row.ended_by = now, viewer.user_id
    done = "ended" if row.starts_at <= now else "called off"
    change = Change(
        "maintenance_ended",
        "maintenance_window",
        row.id,
        f"Maintenance {done} before its time: {row.reason}",
        old=_words(row),
        asset_id=_one(row),
    )
    await changes.record(tx, viewer, request, change)


def _one(row: MaintenanceWindow) -> int | None:
    return row.asset_ids[0] if len(row.asset_ids) == 1 else None


def _said(row: MaintenanceWindow, view: Json) -> str:
    assets = view["assets"]
    what = ", ".join(map(str, assets)) if isinstance(assets, list) and assets else f"site {view['site']}"
    return (
        f"Maintenance of {what} from {row.starts_at:%Y-%m-%d %H:%M} to {row.ends_at:%Y-%m-%d %H:%M} UTC:"
        f" {row.reason}"
    )


def _words(row: MaintenanceWindow) -> Json:
    return {
        "site_id": row.site_id,
        "asset_ids": list(row.asset_ids),
        "starts_at": when(row.starts_at),
        "ends_at": when(row.ends_at),
        "reason": row.reason,
        "work_order_id": row.work_order_id,
        "learn_anew": row.learn_anew,
    }


async def _site_of(tx: Tx, body: WindowCreate) -> int:
    """The one site that the window is about.

    Raises:
        NotFound: there is no such asset or site.
        Invalid: the assets are of several sites.
    """
    if not body.asset_ids:
        await check_site(tx, body.site_id)
        assert body.site_id is not None, "the body names a site where it names no asset"
        return body.site_id
    query = select(AssetRow.id, AssetRow.site_id).where(AssetRow.id.in_(body.asset_ids))
    found = dict((await tx.session.execute(query)).all())
    missing = next((each for each in body.asset_ids if each not in found), None)
    if missing is not None:
        raise NotFound(f"There is no asset {missing}.")
    sites = set(found.values()) | ({body.site_id} - {None})
    site_id = next(iter(sites))
    if len(sites) > 1 or site_id is None:
        raise Invalid("The assets of a window are of one site. Plan a window for each site.")
    return site_id
