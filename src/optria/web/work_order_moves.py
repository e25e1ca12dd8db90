"""The moves of a work order, by a route of their own or by a new status: one way for both."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Body, Query, Request

from optria.blackbox import feedback
from optria.core.errors import Conflict, Invalid, NotAllowed
from optria.core.roles import Permission, can
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web import audit, bodies
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.sessions import Viewer
from optria.web.work_order_bodies import Completion, Move
from optria.web.work_order_views import View, find_order, order_json, permission_for, target_of, verb_between
from optria.work import orders

router = APIRouter(prefix="/api/work-orders", tags=["work orders"])

Updating = Annotated[Viewer, require(Permission.UPDATE_WORK_ORDERS)]
Approving = Annotated[Viewer, require(Permission.APPROVE_WORK_ORDERS)]
OptionalMove = Annotated[Move | None, Body()]
AUDITED: Final = {
    "approve": "work_order_approved",
    "close": "work_order_closed",
    "cancel": "work_order_cancelled",
}


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody asks to be done, and the transaction that it is done in."""

    tx: Tx
    viewer: Viewer
    request: Request


def answer(row: WorkOrderRow) -> View:
    """v1's answer to every change of an order."""
    return {"success": True, "work_order": order_json(row)}


async def lock_order(tx: Tx, viewer: Viewer, order_id: int) -> tuple[WorkOrderRow, IncidentRow | None]:
    """An order the viewer may see, and its incident, both locked. Raises NotFound."""
    written_tenant(tx)
    incident = await feedback.lock_incident_of(tx, await find_order(tx, viewer, order_id))
    return await find_order(tx, viewer, order_id, lock=True), incident


def check_version(row: WorkOrderRow, version: int | None) -> None:
    """Raises Conflict when a change is based on an older version of the order."""
    if version is not None and version != row.version:
        raise Conflict(f"Work order {row.code} was changed by someone else. Reload it and try again.")


async def change_status(
    deed: Deed,
    row: WorkOrderRow,
    incident: IncidentRow | None,
    to: WorkOrderStatus,
    said: Move | None = None,
) -> None:
    """Move an order; completing it teaches, closing it resolves its incident.

    Raises:
        Invalid: no move leads there from where the order is.
        NotAllowed: the viewer's role may not do this.
        Conflict: what was said is based on an older version.
    """
    check_version(row, said.version if said else None)
    before, verb = row.status, verb_between(row.status, to)
    if not can(deed.viewer.role, permission_for(verb)):
        raise NotAllowed("Your role may not do this to a work order.")
    if to is WorkOrderStatus.COMPLETED:
        await _complete(deed, row, incident, said if isinstance(said, Completion) else Completion())
    else:
        await orders.move(deed.tx, row, to, deed.viewer.user_id)
    if verb in AUDITED:
        who = deed.viewer.user_id
        audit.moved(deed.tx, who, AUDITED[verb], "work_order", row.id, deed.request, before, row.status)
    if incident is not None and to is WorkOrderStatus.CLOSED:
        await _resolve(deed, incident)


async def _complete(deed: Deed, row: WorkOrderRow, incident: IncidentRow | None, found: Completion) -> None:
    """Keep what was found; what is not said now stays as it was."""
    await orders.complete(
        deed.tx,
        row,
        deed.viewer.user_id,
        row.actual_hours if found.actual_hours is None else found.actual_hours,
        found.actual_cause,
        row.downtime_hours if found.downtime_hours is None else found.downtime_hours,
    )
    row.failure_note = found.failure_note or row.failure_note
    if incident is not None:
        feedback.learn(deed.tx, incident, row)


async def _resolve(deed: Deed, incident: IncidentRow) -> None:
    before, who = incident.status, deed.viewer.user_id
    await feedback.resolve(deed.tx, incident, who)
    action = "incident_status_changed"
    audit.moved(deed.tx, who, action, "incident", incident.id, deed.request, before, incident.status)


async def _moved(deed: Deed, order_id: int, verb: str, body: Move | None) -> View:
    row, incident = await lock_order(deed.tx, deed.viewer, order_id)
    await change_status(deed, row, incident, target_of(verb), body)
    return answer(row)


@router.post("/{work_order_id}/start", summary="Start a work order")
async def start_work_order(
    request: Request, viewer: Updating, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    return await _moved(Deed(tx, viewer, request), work_order_id, "start", body)


@router.post("/{work_order_id}/approve", summary="Approve a work order")
async def approve_work_order(
    request: Request, viewer: Approving, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    row, incident = await lock_order(tx, viewer, work_order_id)
    if row.status != WorkOrderStatus.PENDING_APPROVAL:
        raise Invalid("Only a work order that waits for approval can be approved.")
    await change_status(Deed(tx, viewer, request), row, incident, WorkOrderStatus.OPEN, body)
    return answer(row)


@router.post("/{work_order_id}/close", summary="Close a work order")
async def close_work_order(
    request: Request, viewer: Updating, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    """Close a completed order; its incident is resolved with it."""
    return await _moved(Deed(tx, viewer, request), work_order_id, "close", body)


@router.post("/{work_order_id}/cancel", summary="Cancel a work order")
async def cancel_work_order(
    request: Request, viewer: Approving, tx: OpenTx, work_order_id: RowId, body: OptionalMove = None
) -> View:
    return await _moved(Deed(tx, viewer, request), work_order_id, "cancel", body)


@router.post("/{work_order_id}/complete", summary="Complete a work order")
async def complete_work_order(
    request: Request,
    viewer: Updating,
    tx: OpenTx,
    work_order_id: RowId,
    actual_hours: Annotated[bodies.Hours | None, Query()] = None,
    body: Annotated[Completion | None, Body()] = None,
) -> View:
    """Complete an order; what was found becomes history of its incident."""
    found = body or Completion()
    if actual_hours is not None:
        found = found.model_copy(update={"actual_hours": actual_hours})
    row, incident = await lock_order(tx, viewer, work_order_id)
    await change_status(Deed(tx, viewer, request), row, incident, WorkOrderStatus.COMPLETED, found)
    return answer(row)
