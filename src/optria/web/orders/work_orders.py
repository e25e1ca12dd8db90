"""``/api/work-orders``: list, make, change and move work orders, as the role allows."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Final

from fastapi import Query, Response
from sqlalchemy import select

from optria.core.errors import Conflict, Invalid, NotAllowed, NotFound
from optria.core.roles import Permission, can
from optria.db.counters import next_order_number
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.orders.work_order_bodies import Assignment, Note, Tick, WorkOrderCreate, WorkOrderUpdate
from optria.web.orders.work_order_detail import order_detail
from optria.web.orders.work_order_moves import Deed, Working, answer, change_status, lock_order
from optria.web.orders.work_order_verbs import check_assignable, check_not_finished
from optria.web.orders.work_order_versions import SeenVersion, tag_of
from optria.web.orders.work_order_views import find_order, list_orders
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.site_time import last_moment_of, zone_of_asset
from optria.work import orders

router = api_router(prefix="/api/work-orders", tags=["work orders"])

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
) -> Json:
    """The newest first; engineers see those assigned to them. ``total`` counts all that fit the filters."""
    filters = {
        "status": status,
        "priority": priority,
        "asset_id": asset_id,
        "assigned_to": assigned_to,
        "incident_id": incident_id,
    }
    return await list_orders(tx, viewer, filters, limit, offset)


@router.get("/{work_order_id}", summary="Read a work order")
async def get_work_order(viewer: Seeing, tx: OpenTx, response: Response, work_order_id: RowId) -> Json:
    """With asset, incident and history, and in ``may`` what the viewer may do. ``ETag`` is its version."""
    row = await find_order(tx, viewer, work_order_id)
    response.headers["ETag"] = tag_of(row)
    return await order_detail(tx, viewer, row)


@router.post("/", summary="Make a work order")
async def create_work_order(viewer: Creating, tx: OpenTx, body: WorkOrderCreate) -> Json:
    """Open, and numbered by the product unless ``code`` is given. The assignee is told."""
    tenant_id = written_tenant(tx)
    await _same_tenant(tx, tenant_id, body.asset_id)
    await _check_code(tx, tenant_id, body.code)
    values = body.model_dump(exclude_none=True)
    actions = values.pop("actions")
    values["checklist"] = [{"text": text, "text_ar": None, "done": False} for text in actions] or None
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


async def _check_code(tx: Tx, tenant_id: int, code: str | None) -> None:
    """Raises Conflict for a code that another order has (v1's rows may share one, so no key says so)."""
    query = select(WorkOrderRow.id).where(WorkOrderRow.tenant_id == tenant_id, WorkOrderRow.code == code)
    if code and await tx.session.scalar(query.limit(1)) is not None:
        raise Conflict(f"There is a work order {code} already. Leave the code out to have one numbered.")


async def _due_at(tx: Tx, asset_id: int | None, day: date | None, priority: str | None) -> datetime:
    """The end of the due date where the asset stands, else what the priority allows from now on."""
    if day is not None:
        return last_moment_of(day, await zone_of_asset(tx, asset_id))
    urgent = {"urgent": "emergency", "critical": "emergency"}
    word = urgent.get(priority or "", priority or "")
    return clock.now() + orders.DUE_WITHIN.get(word, orders.DUE_WITHIN["medium"])


ANY_UPDATER: Final = frozenset({"status", "notes", "failure_note", "version"})
"""Fields that an engineer may change on an order of theirs."""
NEVER_EMPTY: Final = frozenset({"title", "priority", "status"})


@router.put("/{work_order_id}", summary="Change a work order")
async def update_work_order(deed: Working, work_order_id: RowId, body: WorkOrderUpdate) -> Json:
    """Only what is sent changes; null empties a field. Engineers change the status and notes of their orders.

    A new ``status`` is a move, with the permission that the move needs. Closed and cancelled orders stay.
    """
    changes = body.model_dump(exclude_unset=True)
    row, incidents = await lock_order(deed, work_order_id)
    _check_changes(deed.viewer, changes)
    deed.seen.check(row, changes.pop("version", None))
    status = changes.pop("status", row.status)
    if changes:
        check_not_finished(row)
    if "assigned_to" in changes:
        await _reassign(deed, row, changes.pop("assigned_to"))
    if changes:
        await _change_fields(deed.tx, row, deed.viewer.user_id, changes)
    if status != row.status:
        await change_status(deed, row, incidents, status)
    return answer(row)


def _check_changes(viewer: Viewer, changes: Mapping[str, object]) -> None:
    emptied = sorted(name for name in NEVER_EMPTY & changes.keys() if changes[name] is None)
    if emptied:
        raise Invalid(f"A work order always has a {emptied[0]}.")
    if not can(viewer.role, Permission.CREATE_WORK_ORDERS) and not changes.keys() <= ANY_UPDATER:
        raise NotAllowed("You may change the status and the notes of this work order, nothing else.")


async def _reassign(deed: Deed, row: WorkOrderRow, assignee_id: int | None) -> None:
    if assignee_id == row.assigned_to:
        return
    check_assignable(row)
    if assignee_id is None:
        orders.unassign(deed.tx, row, deed.viewer.user_id)
    else:
        await orders.assign(deed.tx, row, assignee_id, deed.viewer.user_id)


async def _change_fields(tx: Tx, row: WorkOrderRow, user_id: int, changes: dict[str, object]) -> None:
    if "due_date" in changes:
        day = changes["due_date"]
        row.due_at = await _due_at(tx, row.asset_id, day if isinstance(day, date) else None, row.priority)
    for name, value in changes.items():
        setattr(row, name, value)
    orders.touch(row)
    orders.record(tx, row, user_id, "changed", "Changed " + ", ".join(n.replace("_", " ") for n in changes))
    orders.announce(tx, row, "work_order_changed")


async def _locked(tx: Tx, viewer: Viewer, work_order_id: int) -> WorkOrderRow:
    written_tenant(tx)
    return await find_order(tx, viewer, work_order_id, lock=True)


@router.post("/{work_order_id}/notes", summary="Write a note on a work order")
async def note_work_order(
    viewer: Updating, tx: OpenTx, seen: SeenVersion, work_order_id: RowId, body: Note
) -> Json:
    """Also on a finished one. A sensitive note is shown only to roles that may see those."""
    row = await _locked(tx, viewer, work_order_id)
    seen.check(row, body.version)
    line = await orders.add_note(tx, row, viewer.user_id, body.body, body.sensitive)
    return answer(row) | {"note": {"body": line.body, "is_sensitive": line.is_sensitive}}


@router.post("/{work_order_id}/assign", summary="Assign a work order")
async def assign_work_order(
    viewer: Creating, tx: OpenTx, seen: SeenVersion, work_order_id: RowId, body: Assignment
) -> Json:
    """To an active user of the tenant whose role works on orders; they are told."""
    row = await _locked(tx, viewer, work_order_id)
    seen.check(row, body.version)
    check_assignable(row)
    return answer(await orders.assign(tx, row, body.user_id, viewer.user_id))


@router.post("/{work_order_id}/checklist", summary="Tick a line of the checklist")
async def tick_work_order(
    viewer: Updating, tx: OpenTx, seen: SeenVersion, work_order_id: RowId, body: Tick
) -> Json:
    """Tick or untick one of the recommended actions."""
    row = await _locked(tx, viewer, work_order_id)
    seen.check(row, body.version)
    check_not_finished(row)
    orders.tick(tx, row, viewer.user_id, body.index, done=body.done)
    return answer(row)
