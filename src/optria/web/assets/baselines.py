"""The detectors learn an asset anew, on somebody's word: after work, or where normal is another now."""

from typing import Annotated
from uuid import UUID

from fastapi import Body, Request
from pydantic import ConfigDict
from sqlalchemy import select

from optria.blackbox import feedback, incidents, used_causes
from optria.core.errors import Conflict, NotFound
from optria.core.roles import Permission
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web import audit, bodies, changes
from optria.web.bodies import NewBody
from optria.web.changes import Change
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.edits import apply_edit
from optria.web.incidents.incident_views import find_incident, incident_json
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(tags=["incidents"])

Running = Annotated[Viewer, require(Permission.RUN_RCA)]


class Closing(NewBody):
    """What was found, if anything: ``No Fault Found`` where nothing was wrong."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"actual_cause": "No Fault Found", "note": "New crude."}]}
    )

    actual_cause: bodies.Word100 | None = None
    note: bodies.Prose | None = None


@router.post("/api/assets/{asset_id}/rebaseline", summary="Have the detectors learn an asset anew")
async def rebaseline_asset(request: Request, viewer: Running, tx: OpenTx, asset_id: RowId) -> Json:
    """What they know of it is forgotten; until they have learned it (some minutes) only limits alarm."""
    tenant_id = written_tenant(tx)
    query = select(AssetRow).where(AssetRow.id == asset_id, AssetRow.tenant_id == tenant_id)
    asset = await tx.session.scalar(query)
    if asset is None:
        raise NotFound(f"There is no asset {asset_id}.")
    await _ask(tx, viewer, request, asset)
    return {"success": True, "asset_id": asset.id}


@router.post(
    "/api/blackbox/incidents/{incident_id}/close-and-rebaseline",
    summary="Close an incident and have the detectors learn its asset anew",
)
async def close_and_rebaseline(
    request: Request,
    viewer: Running,
    tx: OpenTx,
    incident_id: UUID,
    body: Annotated[Closing | None, Body()] = None,
) -> Json:
    """For what is no fault but a new normal. An incident whose work order is unfinished is closed by that."""
    row = await find_incident(tx, viewer, incident_id, lock=True)
    await _check_no_open_work(tx, row)
    closing, before = body or Closing(), row.status
    cause = await used_causes.named(tx, closing.actual_cause)
    said = {"resolution": closing.note, "confirmed_cause": cause}
    edit = apply_edit(row, {name: words for name, words in said.items() if words})
    if edit:
        what = ("incident_changed", "incident", row.id)
        audit.record(tx, viewer.user_id, row.tenant_id, *what, request, old=edit.old, new=edit.new)
    if cause is not None:
        await feedback.confirm_incident(tx, row, cause, viewer.user_id)
    await incidents.set_status(tx, row, "CLOSED", viewer.user_id)
    action = "incident_status_changed"
    audit.moved(tx, viewer.user_id, action, "incident", row.id, request, before, row.status)
    asset = await tx.session.get(AssetRow, row.root_asset_id) if row.root_asset_id else None
    if asset is not None:
        await _ask(tx, viewer, request, asset)
    return {"success": True, "incident": incident_json(row)}


async def _check_no_open_work(tx: Tx, row: IncidentRow) -> None:
    query = select(WorkOrderRow.code).where(
        WorkOrderRow.tenant_id == row.tenant_id,
        (WorkOrderRow.id == row.auto_work_order_id) | (WorkOrderRow.incident_id == str(row.id)),
        WorkOrderRow.status.in_(ACTIVE_STATUSES),
    )
    code = await tx.session.scalar(query.limit(1))
    if code is not None:
        raise Conflict(f"Its work order {code} is not finished. Complete or cancel it first.")


async def _ask(tx: Tx, viewer: Viewer, request: Request, asset: AssetRow) -> None:
    """Written down, on the timeline of the plant, and done after the commit."""
    summary = f"{asset.code}: the detectors learn its normal behaviour anew"
    change = Change("asset_rebaselined", "asset", asset.id, summary, asset_id=asset.id)
    await changes.record(tx, viewer, request, change)
    feedback.ask_for_baseline(tx, asset.id, f"user {viewer.user_id}")
