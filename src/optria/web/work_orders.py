"""``/api/work-orders``: list, make, change and move work orders, as the role allows."""

from datetime import datetime, time
from typing import Annotated

from fastapi import APIRouter, Body, Query
from sqlalchemy import select

from optria.blackbox import feedback
from optria.core.errors import Conflict, Invalid, NotAllowed, NotFound
from optria.core.roles import Permission, can
from optria.core.work_order import WorkOrderStatus
from optria.db.counters import next_order_number
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web import bodies
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.sessions import Viewer
from optria.web.work_order_bodies import (
    Assignment,
    Completion,
    Move,
    Note,
    Tick,
    WorkOrderCreate,
    WorkOrderUpdate,
)
from optria.web.work_order_detail import order_detail
from optria.web.work_order_views import (
    View,
    find_order,
    list_orders,
    order_json,
    permission_for,
    permitted,
    target_of,
    verb_between,
)
from optria.work import orders

router = APIRouter(prefix="/api/work-orders", tags=["work orders"])

Seeing = Annotated[Viewer, require(Permission.VIEW_WORK_ORDERS)]
Creating = Annotated[Viewer, require(Permission.CREATE_WORK_ORDERS)]
Updating = Annotated[Viewer, require(Permission.UPDATE_WORK_ORDERS)]
Approving = Annotated[Viewer, require(Permission.APPROVE_WORK_ORDERS)]
Filter = Annotated[str | None, Query(max_length=100)]


OptionalMove = Annotated[Move | None, Body()]


@router.get("/")
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


@router.get("/{work_order_id}")
async def get_work_order(viewer: Seeing, tx: OpenTx, work_order_id: RowId) -> View:
    return await order_detail(tx, viewer, await find_order(tx, viewer, work_order_id))


@router.post("/")
async def create_work_order(viewer: Creating, tx: OpenTx, body: WorkOrderCreate) -> View:
    tenant_id = written_tenant(tx)
    await _same_tenant(tx, tenant_id, body.asset_id)
    values = body.model_dump(exclude_none=True)
    values["code"] = values.get("code") or await next_order_number(tx, tenant_id)
    values["work_order_number"] = values["code"]
    values["due_at"] = _due_at(body)
    return _answer(await orders.create_manual(tx, tenant_id, viewer.user_id, values))


async def _same_tenant(tx: Tx, tenant_id: int, asset_id: int | None) -> None:
    """Foreign keys do not know tenants: look the asset up."""
    if asset_id is None:
        return
    query = select(AssetRow.id).where(AssetRow.id == asset_id, AssetRow.tenant_id == tenant_id)
    if await tx.session.scalar(query) is None:
        raise NotFound(f"There is no asset {asset_id}.")


def _due_at(body: WorkOrderCreate) -> datetime:
    """The end of the due date, else what the priority allows."""
    if body.due_date is not None:
        return datetime.combine(body.due_date, time.max, clock.now().tzinfo)
    urgent = {"urgent": "emergency", "critical": "emergency"}
    return clock.now() + orders.DUE_WITHIN[urgent.get(body.priority, body.priority)]


def _answer(row: WorkOrderRow) -> View:
    return {"success": True, "work_order": order_json(row)}


ANY_UPDATER = frozenset({"status", "notes", "failure_note", "version"})
"""Fields that an engineer may change on an order of theirs."""


@router.put("/{work_order_id}")
async def update_work_order(
    viewer: Updating, tx: OpenTx, work_order_id: RowId, body: WorkOrderUpdate
) -> View:
    written_tenant(tx)
    changes = body.model_dump(exclude_unset=True)
    if not can(viewer.role, Permission.CREATE_WORK_ORDERS) and not set(changes) <= ANY_UPDATER:
        raise NotAllowed("You may change the status and the notes of this work order, nothing else.")
    incident = await feedback.lock_incident_of(tx, await find_order(tx, viewer, work_order_id))
    row = await find_order(tx, viewer, work_order_id, lock=True)
    _check_version(row, changes.pop("version", None))
    status, assignee = changes.pop("status", None), changes.pop("assigned_to", None)
    if changes:
        _change_fields(tx, row, viewer.user_id, changes)
    if assignee is not None and assignee != row.assigned_to:
        await orders.assign(tx, row, assignee, viewer.user_id)
    if status is not None and status != row.status:
        await _change_status(tx, viewer, row, status)
        if incident is not None and status is WorkOrderStatus.CLOSED:
            await feedback.resolve(tx, incident, viewer.user_id)
    return _answer(row)


def _check_version(row: WorkOrderRow, version: int | None) -> None:
    if version is not None and version != row.version:
        raise Conflict(f"Work order {row.code} was changed by someone else. Reload it and try again.")


def _change_fields(tx: Tx, row: WorkOrderRow, user_id: int, changes: dict[str, object]) -> None:
    if "title" in changes and changes["title"] is None:
        raise Invalid("A work order needs a title.")
    for name, value in changes.items():
        setattr(row, name, value)
    orders.touch(row)
    orders.record(tx, row, user_id, "changed", "Changed " + ", ".join(n.replace("_", " ") for n in changes))
    orders.announce(tx, row, "work_order_changed")


async def _change_status(tx: Tx, viewer: Viewer, row: WorkOrderRow, to: WorkOrderStatus) -> None:
    verb = verb_between(row.status, to)
    _demand(viewer, verb)
    if to is WorkOrderStatus.COMPLETED:
        await orders.complete(tx, row, viewer.user_id)
    else:
        await orders.move(tx, row, to, viewer.user_id)


def _demand(viewer: Viewer, verb: str) -> None:
    """Raises NotAllowed when the role may not use ``verb``."""
    if not can(viewer.role, permission_for(verb)):
        raise NotAllowed("Your role may not do this to a work order.")


async def _moved(tx: Tx, viewer: Viewer, order_id: int, verb: str, body: Move | None) -> View:
    written_tenant(tx)
    row = await find_order(tx, viewer, order_id, lock=True)
    await orders.move(tx, row, target_of(verb), viewer.user_id, body.version if body else None)
    return _answer(row)


@router.post("/{work_order_id}/start")
async def start_work_order(
    viewer: Updating, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    return await _moved(tx, viewer, work_order_id, "start", body)


@router.post("/{work_order_id}/approve")
async def approve_work_order(
    viewer: Approving, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    row = await find_order(tx, viewer, work_order_id, lock=True)
    if row.status != WorkOrderStatus.PENDING_APPROVAL:
        raise Invalid("Only a work order that waits for approval can be approved.")
    return await _moved(tx, viewer, work_order_id, "approve", body)


@router.post("/{work_order_id}/close")
async def close_work_order(
    viewer: Updating, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    """Close a completed order; its incident is resolved with it."""
    written_tenant(tx)
    incident = await feedback.lock_incident_of(tx, await find_order(tx, viewer, work_order_id))
    answer = await _moved(tx, viewer, work_order_id, "close", body)
    if incident is not None:
        await feedback.resolve(tx, incident, viewer.user_id)
    return answer


@router.post("/{work_order_id}/cancel")
async def cancel_work_order(
    viewer: Approving, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    return await _moved(tx, viewer, work_order_id, "cancel", body)


@router.post("/{work_order_id}/complete")
async def complete_work_order(
    viewer: Updating,
    tx: OpenTx,
    work_order_id: RowId,
    actual_hours: Annotated[bodies.Hours | None, Query()] = None,
    body: Annotated[Completion | None, Body()] = None,
) -> View:
    written_tenant(tx)
    found = body or Completion()
    incident = await feedback.lock_incident_of(tx, await find_order(tx, viewer, work_order_id))
    row = await find_order(tx, viewer, work_order_id, lock=True)
    await orders.complete(
        tx,
        row,
        viewer.user_id,
        found.actual_hours if actual_hours is None else actual_hours,
        found.actual_cause,
        found.downtime_hours,
        found.version,
    )
    row.failure_note = found.failure_note or row.failure_note
    if incident is not None:
        feedback.learn(tx, incident, row)
    return _answer(row)


@router.post("/{work_order_id}/notes")
async def note_work_order(viewer: Updating, tx: OpenTx, work_order_id: RowId, body: Note) -> View:
    written_tenant(tx)
    row = await find_order(tx, viewer, work_order_id, lock=True)
    line = await orders.add_note(tx, row, viewer.user_id, body.body, body.sensitive)
    return _answer(row) | {"note": {"body": line.body, "is_sensitive": line.is_sensitive}}


@router.post("/{work_order_id}/assign")
async def assign_work_order(viewer: Creating, tx: OpenTx, work_order_id: RowId, body: Assignment) -> View:
    written_tenant(tx)
    row = await find_order(tx, viewer, work_order_id, lock=True)
    _check_version(row, body.version)
    if "assign" not in permitted(viewer, row):
        raise Invalid("A finished work order cannot be given to someone else.")
    return _answer(await orders.assign(tx, row, body.user_id, viewer.user_id))


@router.post("/{work_order_id}/checklist")
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
    return _answer(row)
