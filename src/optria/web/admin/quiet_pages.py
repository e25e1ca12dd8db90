"""``/admin/alarms/shelved`` and ``/admin/alarms/maintenance``: what is kept quiet, by whom, why, how long."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.roles import Permission, can
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.admin.maintenance import Seeing
from optria.web.admin.quiet_views import state_of, views
from optria.web.admin.shelvings import longest_hours
from optria.web.deps import OpenTx
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(include_in_schema=False)

MOST: Final = 200
BEFORE: Final = timedelta(days=7)
"""How far back what is over is listed."""
HOURS: Final = (1, 2, 4, 8, 12, 24, 72, 168)


@router.get("/admin/alarms/shelved")
async def shelved_page(request: Request, viewer: Seeing, tx: OpenTx) -> Response:
    shell = await shell_for(tx, viewer, "admin")
    if tx.tenant_id is None:
        return render_page(request, "alarms_shelved.html", shell, lasting=None, choices=None)
    since = clock.now() - BEFORE
    query = select(Shelving).where(Shelving.tenant_id == tx.tenant_id, Shelving.until > since)
    rows: Sequence[Shelving] = (await tx.session.scalars(query.order_by(Shelving.until).limit(MOST))).all()
    lasting: list[Shelving] = [row for row in rows if state_of(row) == "active"]
    over: list[Shelving] = sorted(
        (row for row in rows if state_of(row) != "active"), key=lambda row: row.ended_at or row.until
    )
    return render_page(
        request,
        "alarms_shelved.html",
        shell,
        lasting=await views(tx, lasting),
        over=await views(tx, reversed(over)),
        choices=await shelving_choices(tx, viewer),
        assets=await _assets(tx),
        suffix=suffix_of(tx, viewer),
    )


@router.get("/admin/alarms/maintenance")
async def maintenance_page(request: Request, viewer: Seeing, tx: OpenTx) -> Response:
    shell = await shell_for(tx, viewer, "admin")
    if tx.tenant_id is None:
        return render_page(request, "alarms_maintenance.html", shell, coming=None, choices=None)
    since = clock.now() - BEFORE
    query = select(MaintenanceWindow).where(
        MaintenanceWindow.tenant_id == tx.tenant_id, MaintenanceWindow.ends_at > since
    )
    rows = (await tx.session.scalars(query.order_by(MaintenanceWindow.starts_at).limit(MOST))).all()
    return render_page(
        request,
        "alarms_maintenance.html",
        shell,
        active=await views(tx, [row for row in rows if state_of(row) == "active"]),
        coming=await views(tx, [row for row in rows if state_of(row) == "planned"]),
        over=await views(tx, [row for row in reversed(rows) if state_of(row) in ("ended", "taken_back")]),
        choices=await window_choices(tx, viewer),
        assets=await _assets(tx),
        suffix=suffix_of(tx, viewer),
    )


async def shelving_choices(tx: Tx, viewer: Viewer) -> Mapping[str, object]:
    """What the dialog of shelving offers to a viewer."""
    longest = await longest_hours(tx)
    return {
        "may_shelve": can(viewer.role, Permission.SHELVE_ALARMS),
        "may_shelve_critical": can(viewer.role, Permission.SHELVE_CRITICAL_ALARMS),
        "hours": sorted({each for each in HOURS if each <= longest} | {longest}),
    }


async def window_choices(tx: Tx, viewer: Viewer, asset_id: int | None = None) -> Mapping[str, object]:
    """What the dialog of maintenance offers to a viewer: the orders that nobody has finished."""
    query = select(WorkOrderRow.id, WorkOrderRow.code, WorkOrderRow.title).where(
        WorkOrderRow.tenant_id == tx.tenant_id, WorkOrderRow.status.in_(ACTIVE_STATUSES)
    )
    if asset_id is not None:
        query = query.where(WorkOrderRow.asset_id == asset_id)
    orders = (await tx.session.execute(query.order_by(WorkOrderRow.id.desc()).limit(MOST))).all()
    return {
        "may_plan": can(viewer.role, Permission.PLAN_MAINTENANCE),
        "orders": [(order_id, f"{code}: {title}") for order_id, code, title in orders],
    }


async def quiet_of_asset(tx: Tx, row: AssetRow) -> Sequence[Json]:
    """What keeps an asset quiet now, or will within a week."""
    now = clock.now()
    shelved = select(Shelving).where(
        Shelving.tenant_id == row.tenant_id,
        Shelving.asset_id == row.id,
        Shelving.ended_at.is_(None),
        Shelving.until > now,
    )
    windows = select(MaintenanceWindow).where(
        MaintenanceWindow.tenant_id == row.tenant_id,
        MaintenanceWindow.site_id == row.site_id,
        MaintenanceWindow.ended_at.is_(None),
        MaintenanceWindow.ends_at > now,
        MaintenanceWindow.starts_at < now + BEFORE,
    )
    found: list[Shelving | MaintenanceWindow] = [
        *(await tx.session.scalars(shelved.order_by(Shelving.until))).all(),
        *[
            window
            for window in (await tx.session.scalars(windows.order_by(MaintenanceWindow.starts_at))).all()
            if not window.asset_ids or row.id in window.asset_ids
        ],
    ]
    return await views(tx, found)


async def _assets(tx: Tx) -> Sequence[AssetRow]:
    query = select(AssetRow).where(AssetRow.tenant_id == tx.tenant_id)
    return (await tx.session.scalars(query.order_by(AssetRow.site_id, AssetRow.code).limit(2_000))).all()


def suffix_of(tx: Tx, viewer: Viewer) -> str:
    """A platform owner stays in the tenant looked into."""
    return f"?tenant_id={tx.tenant_id}" if viewer.tenant_id is None else ""
