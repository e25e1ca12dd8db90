"""``/api/work-orders``: list, make, change and move work orders, as the role allows."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from optria.core.errors import Invalid, NotAllowed, NotFound
from optria.core.roles import Permission, can
from optria.db.counters import next_order_number
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.sessions import Viewer
from optria.web.site_time import last_moment_of, zone_of_asset
from optria.web.work_order_bodies import Assignment, Note, Tick, WorkOrderCreate, WorkOrderUpdate
from optria.web.work_order_detail import order_detail
from optria.web.work_order_moves import Deed, answer, change_status, check_version, lock_order
from optria.web.work_order_views import View, find_order, list_orders, permitted
from optria.work import orders

router = APIRouter(prefix="/api/work-orders", tags=["work orders"])

Seeing = Annotated[Viewer, require(Permission.VIEW_WORK_ORDERS)]
Creating = Annotated[Viewer, require(Permission.CREATE_WORK_ORDERS)]
Updating = Annotated[Viewer, require(Permission.UPDATE_WORK_ORDERS)]
Filter = Annotated[str | None, Query(max_length=100)]


@router.get("/", summary="List work orders")
async def list_work_orders(
    viewer: Seeing,
    tx: OpenTx,
    status: Filter = None,
    priority: Filter = None,
    asset_id: IdFilter = None,
    assigned_to: IdFilter = None,
    incident_id: Filter = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> View:
    filters = {
        "status": status,
        "priority": priority,
        "asset_id": asset_id,
        "assigned_to": assigned_to,
        "incident_id": incident_id,
    }
    return await list_orders(tx, viewer, filters, limit, offset)


@router.get("/{work_order_id}", summary="Read a work order")
async def get_work_order(viewer: Seeing, tx: OpenTx, work_order_id: RowId) -> View:
    return await order_detail(tx, viewer, await find_order(tx, viewer, work_order_id))


@router.post("/", summary="Make a work order")
async def create_work_order(viewer: Creating, tx: OpenTx, body: WorkOrderCreate) -> View:
    tenant_id = written_tenant(tx)
    await _same_tenant(tx, tenant_id, body.asset_id)
    values = body.model_dump(exclude_none=True)
    values["code"] = values.get("code") or await next_order_number(tx, tenant_id)
    values["work_order_number"] = values["code"]
    values["due_at"] = await _due_at(tx, body.asset_id, body.due_date, body.priority)
    return answer(await orders.create_manual(tx, tenant_id, viewer.user_id, values))


async def _same_tenant(tx: Tx, tenant_id: int, asset_id: int | None) -> None:
    """Foreign keys do not know tenants: look the asset up."""
    if asset_id is None:
        return
    query = select(AssetRow.id).where(AssetRow.id == asset_id, AssetRow.tenant_id == tenant_id)
    if await tx.session.scalar(query) is None:
        raise NotFound(f"There is no asset {asset_id}.")


async def _due_at(tx: Tx, asset_id: int | None, day: date | None, priority: str | None) -> datetime:
    """The end of the due date where the asset stands, else what the priority allows from now on."""
    if day is not None:
        return last_moment_of(day, await zone_of_asset(tx, asset_id))
    urgent = {"urgent": "emergency", "critical": "emergency"}
    word = urgent.get(priority or "", priority or "")
    return clock.now() + orders.DUE_WITHIN.get(word, orders.DUE_WITHIN["medium"])


ANY_UPDATER = frozenset({"status", "notes", "failure_note", "version"})
"""Fields that an engineer may change on an order of theirs."""


@router.put("/{work_order_id}", summary="Change a work order")
async def update_work_order(
    request: Request, viewer: Updating, tx: OpenTx, work_order_id: RowId, body: WorkOrderUpdate
) -> View:
    written_tenant(tx)
    changes = body.model_dump(exclude_unset=True)
    if not can(viewer.role, Permission.CREATE_WORK_ORDERS) and not set(changes) <= ANY_UPDATER:
        raise NotAllowed("You may change the status and the notes of this work order, nothing else.")
    row, incident = await lock_order(tx, viewer, work_order_id)
    check_version(row, changes.pop("version", None))
    status, assignee = changes.pop("status", None), changes.pop("assigned_to", None)
    if changes:
        await _change_fields(tx, row, viewer.user_id, changes)
    if assignee is not None and assignee != row.assigned_to:
        await orders.assign(tx, row, assignee, viewer.user_id)
    if status is not None and status != row.status:
        await change_status(Deed(tx, viewer, request), row, incident, status)
    return answer(row)


async def _change_fields(tx: Tx, row: WorkOrderRow, user_id: int, changes: dict[str, object]) -> None:
    if "title" in changes and changes["title"] is None:
        raise Invalid("A work order needs a title.")
    if "due_date" in changes:
        day = changes["due_date"]
        row.due_at = await _due_at(tx, row.asset_id, day if isinstance(day, date) else None, row.priority)
    for name, value in changes.items():
        setattr(row, name, value)
    orders.touch(row)
    orders.record(tx, row, user_id, "changed", "Changed " + ", ".join(n.replace("_", " ") for n in changes))
    orders.announce(tx, row, "work_order_changed")


@router.post("/{work_order_id}/notes", summary="Write a note on a work order")
async def note_work_order(viewer: Updating, tx: OpenTx, work_order_id: RowId, body: Note) -> View:
    written_tenant(tx)
    row = await find_order(tx, viewer, work_order_id, lock=True)
    line = await orders.add_note(tx, row, viewer.user_id, body.body, body.sensitive)
    return answer(row) | {"note": {"body": line.body, "is_sensitive": line.is_sensitive}}


@router.post("/{work_order_id}/assign", summary="Assign a work order")
async def assign_work_order(viewer: Creating, tx: OpenTx, work_order_id: RowId, body: Assignment) -> View:
    written_tenant(tx)
    row = await find_order(tx, viewer, work_order_id, lock=True)
    check_version(row, body.version)
    if "assign" not in permitted(viewer, row):
        raise Invalid("A finished work order cannot be given to someone else.")
    return answer(await orders.assign(tx, row, body.user_id, viewer.user_id))


@router.post("/{work_order_id}/checklist", summary="Tick a line of the checklist")
async def tick_work_order(viewer: Updating, tx: OpenTx, work_order_id: RowId, body: Tick) -> View:
    """Tick or untick one line of the checklist."""
    written_tenant(tx)
    row = await find_order(tx, viewer, work_order_id, lock=True)
    lines = [dict(line) for line in row.checklist or []]
    if body.index >= len(lines):
        raise Invalid(f"The checklist has {len(lines)} lines.")
    lines[body.index]["done"] = body.done
    row.checklist = lines
    orders.touch(row)
    orders.record(
        tx, row, viewer.user_id, "ticked" if body.done else "unticked", str(lines[body.index]["text"])
    )
    orders.announce(tx, row, "work_order_changed")
    return answer(row)
