"""A fix that did not hold: what comes back within the verification period reopens its order."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from optria.blackbox import confirmations, feedback
from optria.blackbox.events import link_event, store_event
from optria.blackbox.incidents import anchor_of, announce
from optria.core.event import Event, EventCategory, Severity
from optria.core.incident import OTHER, Analysis, cause_label
from optria.core.work_order import WorkOrderPolicy, WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.rca.similarity import CANDIDATE, Pattern, similarity
from optria.work import assignment, orders, wording
from optria.work.notifications import notify

DONE: Final = (WorkOrderStatus.COMPLETED.value, WorkOrderStatus.CLOSED.value)
MOST_LOOKED_AT: Final = 20


async def reopen_order(
    tx: Tx, incident: IncidentRow, analysis: Analysis, policy: WorkOrderPolicy
) -> WorkOrderRow | None:
    """Reopen the order whose fix did not hold, if this incident is what came back; None where it is not."""
    at = incident.anchored_at or incident.start_time
    for order in await _finished_before(tx, incident, at, policy):
        earlier = await feedback.lock_incidents_of(tx, order)
        locked = await orders.find(tx, order.id, lock=True)
        if locked.status not in DONE or not earlier or incident in earlier:
            continue
        if is_same(incident, analysis, earlier[-1], locked):
            await _reopen(tx, incident, earlier, locked, policy)
            return locked
    return None


async def _finished_before(
    tx: Tx, incident: IncidentRow, at: datetime, policy: WorkOrderPolicy
) -> Sequence[WorkOrderRow]:
    """Orders of the asset that were finished within the verification period before ``at``, latest first."""
    since = at - timedelta(hours=policy.verification_hours)
    query = select(WorkOrderRow).where(
        WorkOrderRow.tenant_id == incident.tenant_id,
        WorkOrderRow.asset_id == incident.root_asset_id,
        WorkOrderRow.status.in_(DONE),
        WorkOrderRow.completed_at > since,
        WorkOrderRow.completed_at <= at,
    )
    return (
        await tx.session.scalars(query.order_by(WorkOrderRow.completed_at.desc()).limit(MOST_LOOKED_AT))
    ).all()


def is_same(incident: IncidentRow, analysis: Analysis, earlier: IncidentRow, order: WorkOrderRow) -> bool:
    """Whether an incident is the earlier one again: its pattern is like it, or the same cause is on top.

    While the analysis can name nothing yet, the tag that led the anchor has to be the same.
    """
    top = analysis.top.label
    if top != OTHER and top in (_top(earlier), cause_label(order.actual_cause or "")):
        return True
    known = earlier.pattern or {}
    before = Pattern(known.get("signature", {}), tuple(known.get("event_types", ())))
    now = Pattern(analysis.signature, analysis.event_types)
    if not before.empty and not now.empty and similarity(now, before) > CANDIDATE:
        return True
    return top == OTHER and analysis.provisional and _leading(incident) == _leading(earlier) is not None


def _top(incident: IncidentRow) -> str | None:
    scores = incident.root_cause_scores or {}
    return max(scores, key=lambda label: scores[label]) if scores else None


def _leading(incident: IncidentRow) -> tuple[int, str] | None:
    """The tag that spoke most for the anchor, and which way it went."""
    first = next(iter(anchor_of(incident).contributions), None)
    return (first.tag, first.direction) if first else None


async def _reopen(
    tx: Tx,
    incident: IncidentRow,
    earlier: Sequence[IncidentRow],
    order: WorkOrderRow,
    policy: WorkOrderPolicy,
) -> None:
    wrong = order.actual_cause
    await confirmations.doubt(tx, earlier[-1], order)
    for before in earlier:
        before.confirmed_cause = None
        announce(tx, before, "incident_changed")
    incident.recurrence_of = earlier[-1].id
    incident.auto_work_order_id, incident.auto_work_order_created = order.id, True
    incident.ordered_at = clock.now()
    orders.reopen_ineffective(tx, order, wording.not_effective(incident, wrong, order.completed_at))
    await _give_to_somebody(tx, incident, order)
    incident.assigned_to = incident.assigned_to or order.assigned_to
    await _put_on_the_timeline(tx, incident, earlier[-1], order)
    await _tell(tx, incident, order, policy)


async def _give_to_somebody(tx: Tx, incident: IncidentRow, order: WorkOrderRow) -> None:
    """Whoever did the work, unless they have left meanwhile."""
    still_there = await assignment.who_may_see_orders(tx, order.tenant_id, [order.assigned_to or 0])
    if not still_there:
        assignee = await assignment.pick(tx, order.tenant_id, incident.site_id, clock.now())
        order.assigned_to = assignee.id if assignee else None


async def _put_on_the_timeline(
    tx: Tx, incident: IncidentRow, earlier: IncidentRow, order: WorkOrderRow
) -> None:
    """Said by the product itself, so it is no evidence of any analysis."""
    event = Event(
        time=clock.now(),
        severity=Severity.WARNING,
        category=EventCategory.SYSTEM,
        summary=f"Fix not effective: {order.code} is open again, {incident.incident_number} came back "
        f"after {earlier.incident_number}",
        asset_id=incident.root_asset_id,
        source_system="OPTRIA_WORKORDER",
        source_type="WORK_ORDER",
        source_id=f"not-effective:{incident.id}",
        payload={
            "work_order_id": order.id,
            "work_order_code": order.code,
            "incident_number": incident.incident_number,
            "recurrence_of": earlier.incident_number,
        },
    )
    row = await store_event(tx, incident.tenant_id, event, incident.site_id)
    if row is not None:
        for one in (incident, earlier):
            await link_event(tx, one, row.id, "CONTEXT")


async def _tell(tx: Tx, incident: IncidentRow, order: WorkOrderRow, policy: WorkOrderPolicy) -> None:
    """The one who has the order, those who plan (optimization engineers), and the watchers."""
    planners = [user.id for user in await assignment.planners(tx, order.tenant_id)]
    wanted = [user_id for user_id in (order.assigned_to, *planners, *policy.watchers) if user_id is not None]
    recipients = await assignment.who_may_see_orders(tx, order.tenant_id, wanted)
    await notify(tx, order.tenant_id, recipients, wording.not_effective_notice(order, incident))
