"""The one work order of an incident: made once, amended when the analysis is repeated."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from optria.core.asset import Asset
from optria.core.errors import Conflict
from optria.core.event import Severity
from optria.core.incident import Analysis
from optria.core.work_order import AUTO_SOURCE, WorkOrderPolicy, WorkOrderStatus, priority_of
from optria.db.blackbox import IncidentRow
from optria.db.counters import next_order_number
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.work import assignment, wording
from optria.work.notifications import notify
from optria.work.orders import DUE_WITHIN, announce, record, touch


@dataclass(frozen=True, slots=True)
class Ordered:
    """The order of an incident; ``created`` is False when it was there already."""

    order: WorkOrderRow
    created: bool


async def create_from_incident(
    tx: Tx, incident: IncidentRow, analysis: Analysis, asset: Asset | None, policy: WorkOrderPolicy
) -> Ordered:
    """The one order of an incident: made once, amended when the analysis is repeated.

    An incident that came back after a fix has the order that was reopened for it. Safe against races and
    repeats: the incident's id is the order's unique key.
    """
    order = await _insert(tx, incident, analysis, asset, policy)
    if order is None:
        return Ordered(await _amend(tx, incident, analysis, asset), created=False)
    incident.auto_work_order_id = order.id
    incident.auto_work_order_created = True
    incident.ordered_at = clock.now()
    record(tx, order, None, "created", wording.created_from(incident))
    announce(tx, order, "work_order_created")
    wanted = [user_id for user_id in (order.assigned_to, *policy.watchers) if user_id is not None]
    recipients = await assignment.who_may_see_orders(tx, order.tenant_id, wanted)
    await notify(tx, order.tenant_id, recipients, wording.order_notice(order, incident))
    return Ordered(order, created=True)


async def _insert(
    tx: Tx, incident: IncidentRow, analysis: Analysis, asset: Asset | None, policy: WorkOrderPolicy
) -> WorkOrderRow | None:
    if await _existing(tx, incident):
        return None
    severity = Severity.parse(incident.severity)
    priority = priority_of(severity)
    now = clock.now()
    assignee = await assignment.pick(tx, incident.tenant_id, incident.site_id, now)
    number = await next_order_number(tx, incident.tenant_id)
    title, title_ar = wording.order_title(analysis, asset)
    statement = (
        insert(WorkOrderRow)
        .values(
            tenant_id=incident.tenant_id,
            asset_id=incident.root_asset_id,
            incident_id=str(incident.id),
            code=number,
            work_order_number=number,
            title=title,
            title_ar=title_ar,
            description=wording.order_description(analysis),
            work_type="corrective",
            priority=priority,
            status=policy.initial_status,
            source=AUTO_SOURCE,
            assigned_to=assignee.id if assignee else None,
            due_at=now + DUE_WITHIN[priority],
            due_date=(now + DUE_WITHIN[priority]).date(),
            estimated_hours=analysis.financial.downtime_h if analysis.financial else None,
            checklist=wording.checklist(analysis),
            idempotency_key=_key(incident),
        )
        .on_conflict_do_nothing(index_elements=[WorkOrderRow.idempotency_key])
        .returning(WorkOrderRow)
    )
    return (await tx.session.execute(statement)).scalar_one_or_none()


def _key(incident: IncidentRow) -> str:
    return f"incident:{incident.id}"


async def _existing(tx: Tx, incident: IncidentRow) -> WorkOrderRow | None:
    theirs = WorkOrderRow.idempotency_key == _key(incident)
    if incident.recurrence_of is not None:
        theirs |= WorkOrderRow.id == incident.auto_work_order_id
    statement = select(WorkOrderRow).where(WorkOrderRow.tenant_id == incident.tenant_id, theirs)
    statement = statement.order_by(WorkOrderRow.id).limit(1).with_for_update()
    return (await tx.session.execute(statement)).scalar_one_or_none()


async def _amend(tx: Tx, incident: IncidentRow, analysis: Analysis, asset: Asset | None) -> WorkOrderRow:
    """Bring an order that nobody has finished up to the newest analysis."""
    order = await _existing(tx, incident)
    if order is None:
        raise Conflict("The work order of this incident is being made by another process. Try again.")
    if order.status not in (WorkOrderStatus.COMPLETED, WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED):
        before = order.title
        order.asset_id = incident.root_asset_id
        order.title, order.title_ar = wording.order_title(analysis, asset)
        order.description = wording.order_description(analysis)
        order.checklist = wording.checklist(analysis, keep=order.checklist)
        touch(order)
        if order.title != before or not analysis.provisional:
            record(tx, order, None, "amended", wording.amended(analysis))
        announce(tx, order, "work_order_amended")
    return order
