"""What finished work teaches: the cause that was really found becomes history for later analyses."""

from uuid import UUID

from sqlalchemy import select

from optria.blackbox.incidents import announce, set_status
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow

OPEN = ("OPEN", "INVESTIGATING")


async def lock_incident_of(tx: Tx, order: WorkOrderRow) -> IncidentRow | None:
    """The incident of an order, locked. Take it before the order itself: analyses lock in that order too."""
    try:
        incident_id = UUID(order.incident_id or "")
    except ValueError:
        return None
    query = select(IncidentRow).where(IncidentRow.id == incident_id, IncidentRow.tenant_id == order.tenant_id)
    return (await tx.session.scalars(query.with_for_update())).first()


def learn(tx: Tx, incident: IncidentRow, order: WorkOrderRow) -> None:
    """Keep the cause, the downtime and the remedy that a completed order names."""
    if order.actual_cause:
        incident.confirmed_cause = order.actual_cause
    if order.downtime_hours is not None:
        incident.downtime_hours = order.downtime_hours
    if order.failure_note:
        incident.resolution = order.failure_note
    announce(tx, incident, "incident_changed")


async def resolve(tx: Tx, incident: IncidentRow, user_id: int) -> None:
    """The work is closed: so is the incident, if nobody has closed it before."""
    if incident.status in OPEN:
        await set_status(tx, incident, "RESOLVED", user_id)
