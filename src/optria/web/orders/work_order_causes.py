"""What was really found: the causes to choose from, and a better word for one that was confirmed before."""

from typing import Annotated

from optria.blackbox import feedback, used_causes
from optria.core.arabic import CAUSE_AR
from optria.core.causes import NO_FAULT, NO_FAULT_AR
from optria.core.errors import Invalid
from optria.core.incident import cause_code
from optria.core.roles import Permission
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web.deps import OpenTx, RowId, require
from optria.web.orders.work_order_bodies import Correction
from optria.web.orders.work_order_detail import newest_incident
from optria.web.orders.work_order_moves import Working, answer, lock_order, write_down_cause
from optria.web.orders.work_order_views import find_order
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.work import orders

router = api_router(prefix="/api/work-orders", tags=["work orders"])

DONE = (WorkOrderStatus.COMPLETED, WorkOrderStatus.CLOSED)


@router.get("/{work_order_id}/causes", summary="Causes to choose from")
async def get_causes(
    viewer: Annotated[Viewer, require(Permission.VIEW_WORK_ORDERS)], tx: OpenTx, work_order_id: RowId
) -> Json:
    """What the analysis said, then what is known of such assets, then the rest; another one may be written.

    ``no_fault`` is what to send where nothing was wrong.
    """
    row = await find_order(tx, viewer, work_order_id)
    return await cause_choices(tx, row, await newest_incident(tx, row))


async def cause_choices(tx: Tx, row: WorkOrderRow, incident: IncidentRow | None) -> Json:
    """The causes that people may mean at an order, with those that are no fault."""
    asset = await tx.session.get(AssetRow, row.asset_id) if row.asset_id else None
    return {
        "suggestions": [
            {
                "label": one.label,
                "label_ar": CAUSE_AR.get(one.label, one.label),
                "code": cause_code(one.label),
                "origin": one.origin,
                "probability": one.probability,
                "confirmed": one.confirmed,
            }
            for one in await used_causes.suggested(tx, incident, asset)
        ],
        "no_fault": {"label": NO_FAULT, "label_ar": NO_FAULT_AR, "code": cause_code(NO_FAULT)},
    }


@router.post("/{work_order_id}/cause", summary="Correct what was found")
async def correct_cause(deed: Working, work_order_id: RowId, body: Correction) -> Json:
    """Of a completed or closed order. What later analyses learned of it is learned anew."""
    row, incidents = await lock_order(deed, work_order_id)
    deed.seen.check(row, body.version)
    if orders.status_of(row) not in DONE:
        raise Invalid("The cause is said when the work is completed. Complete the work order first.")
    before = row.actual_cause
    row.actual_cause = await used_causes.named(deed.tx, body.actual_cause)
    for name in ("actual_hours", "downtime_hours", "failure_note"):
        setattr(row, name, getattr(row, name) if getattr(body, name) is None else getattr(body, name))
    orders.touch(row)
    orders.record(deed.tx, row, deed.viewer.user_id, "corrected", _line(before, row.actual_cause))
    orders.announce(deed.tx, row, "work_order_changed")
    await feedback.learn(deed.tx, incidents, row, deed.viewer.user_id)
    write_down_cause(deed, row, "work_order_cause_corrected", before)
    return answer(row)


def _line(before: str | None, after: str | None) -> str:
    return f"Cause corrected: {before or 'none'} → {after}"
