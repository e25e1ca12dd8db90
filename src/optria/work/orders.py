"""Work orders: made by hand, assigned, noted, and moved only as the law allows."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from optria.core.errors import Invalid, NotFound
from optria.core.event import Severity
from optria.core.messages import Message
from optria.core.roles import Permission, can
from optria.core.work_order import WorkOrderPolicy, WorkOrderStatus, verb_between
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import WorkOrderHistory, WorkOrderPolicyRow, WorkOrderRow
from optria.kit import clock
from optria.work import wording
from optria.work.notifications import notify

DUE_WITHIN = {
    "emergency": timedelta(hours=12),
    "high": timedelta(hours=24),
    "medium": timedelta(days=3),
    "low": timedelta(days=7),
}


async def load_policy(tx: Tx, tenant_id: int) -> WorkOrderPolicy:
    """The tenant's policy, or the default one."""
    row = await tx.session.get(WorkOrderPolicyRow, tenant_id)
    if row is None:
        return WorkOrderPolicy()
    return WorkOrderPolicy(
        row.min_probability,
        WorkOrderStatus(row.initial_status),
        tuple(row.watchers),
        Severity[row.min_severity],
        row.verification_hours,
        row.rebaseline_when_closed,
        row.longest_shelving_hours,
    )


async def find(tx: Tx, order_id: int, *, lock: bool = False) -> WorkOrderRow:
    """``lock`` holds it, as it stands then, until the transaction ends. Raises NotFound."""
    statement = select(WorkOrderRow).where(WorkOrderRow.id == order_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    order = (await tx.session.execute(statement)).scalar_one_or_none()
    if order is None:
        raise NotFound(f"There is no work order {order_id}.")
    return order


def status_of(order: WorkOrderRow) -> WorkOrderStatus:
    """Where an order stands; one without a status that we know (v1 stored any text) is open."""
    return next((status for status in WorkOrderStatus if status == order.status), WorkOrderStatus.OPEN)


async def move(tx: Tx, order: WorkOrderRow, to: WorkOrderStatus, user_id: int | None) -> WorkOrderRow:
    """Move an order. Raises Invalid for a move that is not legal."""
    here = status_of(order)
    if verb_between(here, to) is None:
        raise Invalid(f"A work order that is {_words(here)} cannot become {_words(to)}.")
    order.status = to
    if here is WorkOrderStatus.COMPLETED and to is WorkOrderStatus.IN_PROGRESS:
        order.completed_at = None
    _stamp(order, to)
    touch(order)
    record(tx, order, user_id, "moved", f"{_words(here)} → {_words(to)}")
    announce(tx, order, "work_order_moved")
    return order


def _stamp(order: WorkOrderRow, to: WorkOrderStatus) -> None:
    if to is WorkOrderStatus.IN_PROGRESS and order.started_at is None:
        order.started_at = clock.now()
    if to is WorkOrderStatus.COMPLETED:
        order.completed_at = clock.now()


async def complete(
    tx: Tx,
    order: WorkOrderRow,
    user_id: int,
    actual_hours: Decimal | None = None,
    actual_cause: str | None = None,
    downtime_hours: Decimal | None = None,
) -> WorkOrderRow:
    """Complete an order and keep what was really found; one that was never started is started first."""
    if status_of(order) is WorkOrderStatus.OPEN:
        await move(tx, order, WorkOrderStatus.IN_PROGRESS, user_id)
    await move(tx, order, WorkOrderStatus.COMPLETED, user_id)
    order.actual_hours = actual_hours
    order.actual_cause = actual_cause or order.actual_cause
    order.downtime_hours = downtime_hours
    return order


def reopen_ineffective(tx: Tx, order: WorkOrderRow, why: str) -> None:
    """The fix of a finished order did not hold: the work is to be done, and its cause found, again.

    No move of people: only a returning anomaly leads here.
    """
    order.status = WorkOrderStatus.OPEN
    order.completed_at, order.started_at, order.actual_cause = None, None, None
    order.not_effective_count += 1
    order.due_at = clock.now() + DUE_WITHIN.get(order.priority or "", DUE_WITHIN["medium"])
    order.due_date = order.due_at.date()
    touch(order)
    record(tx, order, None, "reopened", why)
    announce(tx, order, "work_order_reopened")


async def create_manual(tx: Tx, tenant_id: int, user_id: int, values: dict[str, object]) -> WorkOrderRow:
    """An order made by hand; ``values`` are columns of ``work_orders``.

    Raises Invalid when ``assigned_to`` is no active user of the tenant.
    """
    assignee_id = values.get("assigned_to")
    order = WorkOrderRow(tenant_id=tenant_id, created_by=user_id, **{**values, "assigned_to": None})
    order.source = order.source or "MANUAL"
    order.status = order.status or WorkOrderStatus.OPEN
    tx.session.add(order)
    await tx.session.flush()
    record(tx, order, user_id, "created", "Created by hand")
    announce(tx, order, "work_order_created")
    if isinstance(assignee_id, int):
        await assign(tx, order, assignee_id, user_id)
    return order


async def assign(tx: Tx, order: WorkOrderRow, assignee_id: int, user_id: int | None) -> WorkOrderRow:
    """Give an order to a user of the same tenant and tell them.

    Raises:
        Invalid: there is no such active user, or their role does not work on orders.
    """
    assignee = await tx.session.get(User, assignee_id)
    if assignee is None or assignee.tenant_id != order.tenant_id or assignee.is_active is False:
        raise Invalid(f"User {assignee_id} is not an active user of this tenant.")
    if not can(assignee.known_role, Permission.UPDATE_WORK_ORDERS):
        raise Invalid(f"User {assignee_id} has a role that does not work on orders.")
    order.assigned_to = assignee.id
    touch(order)
    record(tx, order, user_id, "assigned", f"Assigned to {assignee.full_name or assignee.username}")
    announce(tx, order, "work_order_assigned")
    await notify(tx, order.tenant_id, [assignee.id], wording.assignment_notice(order))
    return order


def unassign(tx: Tx, order: WorkOrderRow, user_id: int) -> None:
    """Take an order from whoever has it."""
    order.assigned_to = None
    touch(order)
    record(tx, order, user_id, "assigned", "Assigned to nobody")
    announce(tx, order, "work_order_assigned")


def tick(tx: Tx, order: WorkOrderRow, user_id: int, index: int, *, done: bool) -> None:
    """Tick or untick line ``index`` (from 0) of the checklist. Raises Invalid when there is no such line."""
    lines = [dict(line) for line in order.checklist or []]
    if index >= len(lines):
        raise Invalid(f"The checklist has {len(lines)} lines.")
    lines[index]["done"] = done
    order.checklist = lines
    touch(order)
    record(tx, order, user_id, "ticked" if done else "unticked", str(lines[index]["text"]))
    announce(tx, order, "work_order_changed")


async def add_note(
    tx: Tx, order: WorkOrderRow, user_id: int, body: str, is_sensitive: bool = False
) -> WorkOrderHistory:
    """Keep a note. Raises Invalid for an empty one."""
    if not body.strip():
        raise Invalid("A note needs some text.")
    row = record(tx, order, user_id, "note", body.strip(), is_sensitive)
    touch(order)
    announce(tx, order, "work_order_noted")
    return row


def _words(status: WorkOrderStatus) -> str:
    return status.replace("_", " ")


def touch(order: WorkOrderRow) -> None:
    order.version += 1
    order.updated_at = clock.now()


def record(
    tx: Tx, order: WorkOrderRow, user_id: int | None, kind: str, body: str, is_sensitive: bool = False
) -> WorkOrderHistory:
    row = WorkOrderHistory(
        tenant_id=order.tenant_id,
        work_order_id=order.id,
        user_id=user_id,
        kind=kind,
        body=body,
        is_sensitive=is_sensitive,
    )
    tx.session.add(row)
    return row


def announce(tx: Tx, order: WorkOrderRow, kind: str) -> None:
    tx.publish(
        Message(
            tenant_id=order.tenant_id,
            topic="workorders",
            kind=kind,
            entity_id=str(order.id),
            asset_id=order.asset_id,
            data={"code": order.code, "status": order.status, "assigned_to": order.assigned_to},
        )
    )
