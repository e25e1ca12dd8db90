"""The moves of a work order, by a route of their own or by a new status: one way for both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Body, Depends, Query, Request

from optria.blackbox import feedback, used_causes
from optria.core.errors import NotAllowed
from optria.core.roles import Permission, can
from optria.core.work_order import VERBS, WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web import audit, bodies
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.orders.work_order_bodies import Completion, Move
from optria.web.orders.work_order_verbs import check_verb, verb_to
from optria.web.orders.work_order_versions import Seen, SeenVersion
from optria.web.orders.work_order_views import find_order, order_json
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
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


async def lock_order(deed: Deed, order_id: int) -> tuple[WorkOrderRow, Sequence[IncidentRow]]:
    """An order the viewer may see, and its incidents, all locked. Raises NotFound."""
    written_tenant(deed.tx)
    found = await find_order(deed.tx, deed.viewer, order_id)
    incidents = await feedback.lock_incidents_of(deed.tx, found)
    return await find_order(deed.tx, deed.viewer, order_id, lock=True), incidents


async def change_status(
    deed: Deed,
    row: WorkOrderRow,
    incidents: Sequence[IncidentRow],
    to: WorkOrderStatus,
    found: Completion | None = None,
) -> None:
    """Move an order; completing it teaches, taking it up again unteaches, closing it resolves its incident.

    Raises:
        Invalid: no move leads there from where the order is.
        NotAllowed: the viewer's role may not do this.
    """
    before, verb = row.status, verb_to(row, to)
    if not can(deed.viewer.role, verb.needs):
        raise NotAllowed("Your role may not do this to a work order.")
    if to is WorkOrderStatus.COMPLETED:
        await _complete(deed, row, incidents, found or Completion())
    else:
        await orders.move(deed.tx, row, to, deed.viewer.user_id)
    if verb.done in AUDITED:
        who = deed.viewer.user_id
        action = f"work_order_{verb.done}"
        audit.moved(deed.tx, who, action, "work_order", row.id, deed.request, before, row.status)
    if before == WorkOrderStatus.COMPLETED and to is WorkOrderStatus.IN_PROGRESS:
        await feedback.unlearn(deed.tx, incidents, row)
    if to is WorkOrderStatus.CLOSED:
        await _close(deed, row, incidents)


async def _complete(
    deed: Deed, row: WorkOrderRow, incidents: Sequence[IncidentRow], found: Completion
) -> None:
    """Keep what was found; what is not said now stays as it was."""
    cause = await used_causes.named(deed.tx, found.actual_cause)
    await orders.complete(
        deed.tx,
        row,
        deed.viewer.user_id,
        row.actual_hours if found.actual_hours is None else found.actual_hours,
        cause,
        row.downtime_hours if found.downtime_hours is None else found.downtime_hours,
    )
    row.failure_note = found.failure_note or row.failure_note
    await feedback.learn(deed.tx, incidents, row, deed.viewer.user_id)
    write_down_cause(deed, row, "work_order_cause_confirmed", None)


async def _close(deed: Deed, row: WorkOrderRow, incidents: Sequence[IncidentRow]) -> None:
    who = deed.viewer.user_id
    before = {incident.id: incident.status for incident in incidents}
    for incident in await feedback.resolve(deed.tx, incidents, who):
        action, was = "incident_status_changed", before[incident.id]
        audit.moved(deed.tx, who, action, "incident", incident.id, deed.request, was, incident.status)
    if feedback.baseline_after(deed.tx, row, await orders.load_policy(deed.tx, row.tenant_id)):
        orders.record(deed.tx, row, who, "baselined", "The detectors learn the asset anew")


def write_down_cause(deed: Deed, row: WorkOrderRow, action: str, before: str | None) -> None:
    """That a cause was confirmed or corrected is in the audit log; nothing where none is named."""
    if row.actual_cause != before:
        old, new = {"actual_cause": before}, {"actual_cause": row.actual_cause}
        who, tenant = deed.viewer.user_id, row.tenant_id
        audit.record(deed.tx, who, tenant, action, "work_order", row.id, deed.request, old=old, new=new)


async def _moved(deed: Deed, order_id: int, verb: str, body: Move | None) -> Json:
    row, incidents = await lock_order(deed, order_id)
    deed.seen.check(row, body.version if body else None)
    check_verb(row, verb)
    found = body if isinstance(body, Completion) else None
    await change_status(deed, row, incidents, VERBS[verb].target, found)
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
    """From completed; its incident is resolved with it. A closed order takes notes only, and a better word
    for its cause.

    After corrective work the detectors learn the asset anew, unless the policy says otherwise.
    """
    return await _moved(deed, work_order_id, "close", body)


@router.post("/{work_order_id}/reopen", summary="Reopen a work order")
async def reopen_work_order(deed: Working, work_order_id: RowId, body: OptionalMove = None) -> Json:
    """Completed work is in progress again; what it had taught is withdrawn until it is completed."""
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
    """From open or in progress; what was found becomes history of its incident, and is judged against what
    the analysis had said. The causes to choose from: ``/causes``.
    """
    found = body or Completion()
    if actual_hours is not None:
        found = found.model_copy(update={"actual_hours": actual_hours})
    return await _moved(deed, work_order_id, "complete", found)
