"""What finished work teaches: the cause that was really found becomes history for later analyses."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import or_, select

from optria.blackbox import confirmations
from optria.blackbox.incidents import GOING_ON, announce, end_episode, set_status
from optria.core.causes import NO_FAULT
from optria.core.messages import Message
from optria.core.work_order import WorkOrderPolicy
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock


async def lock_incidents_of(tx: Tx, order: WorkOrderRow) -> Sequence[IncidentRow]:
    """The incidents of an order, locked, the oldest first: that which made it, and what came back later.

    Take them before the order itself: analyses lock in that order too.
    """
    theirs = [IncidentRow.auto_work_order_id == order.id]
    with suppress(ValueError):
        theirs.append(IncidentRow.id == UUID(order.incident_id or ""))
    query = select(IncidentRow).where(IncidentRow.tenant_id == order.tenant_id, or_(*theirs))
    in_turn = query.order_by(IncidentRow.start_time, IncidentRow.id).with_for_update()
    return (await tx.session.scalars(in_turn.execution_options(populate_existing=True))).all()


async def learn(tx: Tx, incidents: Sequence[IncidentRow], order: WorkOrderRow, user_id: int) -> None:
    """Keep the cause, the downtime and the remedy that a completed order names; saying it twice is once.

    What came back after an earlier fix had the same cause: all of the order's incidents get it. The work ends
    the episode, so that whatever deviates from now on is looked at anew.
    """
    for incident in incidents:
        incident.confirmed_cause = order.actual_cause or incident.confirmed_cause
        end_episode(incident, clock.now())
        announce(tx, incident, "incident_changed")
    if incidents:
        newest = incidents[-1]
        if order.downtime_hours is not None:
            newest.downtime_hours = order.downtime_hours
        if order.failure_note:
            newest.resolution = order.failure_note
    await confirmations.confirm(tx, incidents[-1] if incidents else None, order, order.actual_cause, user_id)


async def unlearn(tx: Tx, incidents: Sequence[IncidentRow], order: WorkOrderRow) -> None:
    """The work was taken up again: what it seemed to have found is in doubt until it is done."""
    for incident in incidents:
        incident.confirmed_cause = None
        announce(tx, incident, "incident_changed")
    await confirmations.withdraw(tx, incidents[-1] if incidents else None, order)


async def confirm_incident(tx: Tx, incident: IncidentRow, cause: str | None, user_id: int) -> None:
    """Somebody says of an incident, without any order, what it was."""
    incident.confirmed_cause = cause
    announce(tx, incident, "incident_changed")
    await confirmations.confirm(tx, incident, None, cause, user_id)


async def resolve(tx: Tx, incidents: Sequence[IncidentRow], user_id: int) -> list[IncidentRow]:
    """The work is closed: so are its incidents that nobody has closed before; those that were."""
    going_on = [incident for incident in incidents if incident.status in GOING_ON]
    for incident in going_on:
        await set_status(tx, incident, "RESOLVED", user_id)
    return going_on


def baseline_after(tx: Tx, order: WorkOrderRow, policy: WorkOrderPolicy) -> bool:
    """After corrective work the asset runs otherwise than before: have the detectors learn it anew.

    Not where people found nothing wrong: then there was no work. Whether they were asked to.
    """
    is_repair = order.work_type == "corrective" and order.actual_cause != NO_FAULT
    if not policy.rebaseline_when_closed or order.asset_id is None or not is_repair:
        return False
    ask_for_baseline(tx, order.asset_id, f"work order {order.id}")
    return True


def ask_for_baseline(tx: Tx, asset_id: int, why: str) -> None:
    """After the commit the running stream forgets what it knows of an asset, and learns it anew."""
    assert tx.tenant_id is not None
    tx.publish(Message(tx.tenant_id, "baselines", "baseline_asked", why, asset_id))
