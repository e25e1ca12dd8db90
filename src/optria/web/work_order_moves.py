"""The moves of a work order, by a route of their own or by a new status: one way for both."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Body, Depends, Query, Request

from optria.blackbox import feedback
from optria.core.errors import NotAllowed
from optria.core.roles import Permission, can
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web import audit, bodies
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.work_order_bodies import Completion, Move
from optria.web.work_order_verbs import VERBS, check_verb, verb_between
from optria.web.work_order_versions import Seen, SeenVersion
from optria.web.work_order_views import find_order, order_json
from optria.work import orders

router = api_router(prefix="/api/work-orders", tags=["work orders"])

Updating = Annotated[Viewer, require(Permission.UPDATE_WORK_ORDERS)]
Approving = Annotated[Viewer, require(Permission.APPROVE_WORK_ORDERS)]
OptionalMove = Annotated[Move | None, Body()]
AUDITED: Final = ("approved", "closed", "cancelled")


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody asks to be done, and the transaction that it is done in."""

    tx: Tx
    viewer: Viewer
    request: Request
    seen: Seen


async def work(viewer: Updating, tx: OpenTx, request: Request, seen: SeenVersion) -> Deed:
    return Deed(tx, viewer, request, seen)


async def decision(viewer: Approving, tx: OpenTx, request: Request, seen: SeenVersion) -> Deed:
    return Deed(tx, viewer, request, seen)


Working = Annotated[Deed, Depends(work)]
Deciding = Annotated[Deed, Depends(decision)]


def answer(row: WorkOrderRow) -> Json:
    """v1's answer to every change of an order."""
    return {"success": True, "work_order": order_json(row)}


async def lock_order(deed: Deed, order_id: int) -> tuple[WorkOrderRow, IncidentRow | None]:
    """An order the viewer may see, and its incident, both locked. Raises NotFound."""
    written_tenant(deed.tx)
    found = await find_order(deed.tx, deed.viewer, order_id)
    incident = await feedback.lock_incident_of(deed.tx, found)
    return await find_order(deed.tx, deed.viewer, order_id, lock=True), incident


async def change_status(
    deed: Deed,
    row: WorkOrderRow,
    incident: IncidentRow | None,
    to: WorkOrderStatus,
    found: Completion | None = None,
) -> None:
    """Move an order; completing it teaches, closing it resolves its incident.

    Raises:
        Invalid: no move leads there from where the order is.
        NotAllowed: the viewer's role may not do this.
    """
    before, verb = row.status, verb_between(row, to)
    if not can(deed.viewer.role, verb.needs):
        raise NotAllowed("Your role may not do this to a work order.")
    if to is WorkOrderStatus.COMPLETED:
        await _complete(deed, row, incident, found or Completion())
    else:
        await orders.move(deed.tx, row, to, deed.viewer.user_id)
    if verb.done in AUDITED:
        who = deed.viewer.user_id
        action = f"work_order_{verb.done}"
        audit.moved(deed.tx, who, action, "work_order", row.id, deed.request, before, row.status)
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


async def _moved(deed: Deed, order_id: int, verb: str, body: Move | None) -> Json:
    row, incident = await lock_order(deed, order_id)
    deed.seen.check(row, body.version if body else None)
    check_verb(row, verb)
    found = body if isinstance(body, Completion) else None
    await change_status(deed, row, incident, VERBS[verb].target, found)
    return answer(row)


@router.post("/{work_order_id}/start", summary="Start a work order")
async def start_work_order(deed: Working, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """From open. Whoever the order is assigned to may, and those who may make orders."""
    return await _moved(deed, work_order_id, "start", body)


@router.post("/{work_order_id}/pause", summary="Pause a work order")
async def pause_work_order(deed: Working, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """Work in progress is open again."""
    return await _moved(deed, work_order_id, "pause", body)


@router.post("/{work_order_id}/approve", summary="Approve a work order")
async def approve_work_order(deed: Deciding, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """From pending_approval to open."""
    return await _moved(deed, work_order_id, "approve", body)


@router.post("/{work_order_id}/close", summary="Close a work order")
async def close_work_order(deed: Working, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """From completed; its incident is resolved with it. A closed order takes notes only."""
    return await _moved(deed, work_order_id, "close", body)


@router.post("/{work_order_id}/reopen", summary="Reopen a work order")
async def reopen_work_order(deed: Working, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """Completed work is in progress again."""
    return await _moved(deed, work_order_id, "reopen", body)


@router.post("/{work_order_id}/cancel", summary="Cancel a work order")
async def cancel_work_order(deed: Deciding, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """Before it is completed. A cancelled order takes notes only."""
    return await _moved(deed, work_order_id, "cancel", body)


@router.post("/{work_order_id}/complete", summary="Complete a work order")
async def complete_work_order(
    deed: Working,
    work_order_id: RowId,
    actual_hours: Annotated[bodies.Hours | None, Query()] = None,
    body: Annotated[Completion | None, Body()] = None,
) -> Json:
    """From open or in progress; what was found becomes history of its incident."""
    found = body or Completion()
    if actual_hours is not None:
        found = found.model_copy(update={"actual_hours": actual_hours})
    return await _moved(deed, work_order_id, "complete", found)
