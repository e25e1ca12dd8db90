"""Orders of the small plant that are worked off, as the routes do it."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select, update

from optria.blackbox import feedback
from optria.core.incident import Anchor, Contribution
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow
from optria.db.learning import CauseConfirmation
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.work import orders
from tests.blackbox.conftest import SmallPlant


async def strike(small: SmallPlant, asset_id: int, tag: int = 1) -> UUID:
    """Vibration rises on an asset: the incident that comes of it, analysed."""
    now = clock.now()
    small.sensors.shifted_at, small.sensors.shifted = now - timedelta(minutes=5), {"vibration": 6.0}
    recorder = small.recorder()
    found = Anchor(asset_id, now - timedelta(minutes=5), 2.4, 0.97, (Contribution(tag, 2.4, now),), "level")
    recorder.anchor(small.tenant_id, found)
    await recorder.drain()
    await recorder.do_due()
    async with small.database.transaction(small.tenant_id) as tx:
        newest = select(IncidentRow.id).order_by(IncidentRow.created_at.desc()).limit(1)
        incident_id: UUID = (await tx.session.execute(newest)).scalar_one()
    return incident_id


async def complete(
    small: SmallPlant,
    incident_id: UUID,
    cause: str | None,
    downtime_h: float | None = 6,
    *,
    close: bool = False,
) -> int:
    """The order of an incident completed (and closed); its id."""
    async with small.database.transaction(small.tenant_id) as tx:
        incident = await tx.session.get_one(IncidentRow, incident_id)
        order = await tx.session.get_one(WorkOrderRow, incident.auto_work_order_id)
        engineer = small.engineers[0]
        incidents = await feedback.lock_incidents_of(tx, order)
        downtime = None if downtime_h is None else Decimal(str(downtime_h))
        await orders.complete(tx, order, engineer, Decimal(3), cause, downtime)
        await feedback.learn(tx, incidents, order, engineer)
        if close:
            await orders.move(tx, order, WorkOrderStatus.CLOSED, engineer)
            await feedback.resolve(tx, incidents, engineer)
        return order.id


async def say(small: SmallPlant, incident_id: UUID, cause: str) -> None:
    """Another word for what was found."""
    async with small.database.transaction(small.tenant_id) as tx:
        incident = await tx.session.get_one(IncidentRow, incident_id)
        order = await tx.session.get_one(WorkOrderRow, incident.auto_work_order_id)
        order.actual_cause = cause
        incidents = await feedback.lock_incidents_of(tx, order)
        await feedback.learn(tx, incidents, order, small.engineers[1])


async def move_back(small: SmallPlant, ago: timedelta) -> None:
    """As if everything so far had happened that much earlier."""
    async with small.database.transaction(small.tenant_id) as tx:
        for column in (
            IncidentRow.start_time,
            IncidentRow.anchored_at,
            IncidentRow.window_start,
            IncidentRow.window_end,
            WorkOrderRow.completed_at,
            WorkOrderRow.started_at,
            CauseConfirmation.confirmed_at,
        ):
            await tx.session.execute(update(column.class_).values({column.key: column - ago}))


async def confirmations(small: SmallPlant) -> list[CauseConfirmation]:
    async with small.database.transaction(small.tenant_id) as tx:
        rows = await tx.session.scalars(select(CauseConfirmation).order_by(CauseConfirmation.id))
        return list(rows)


async def incident(small: SmallPlant, incident_id: UUID) -> IncidentRow:
    async with small.database.transaction(small.tenant_id) as tx:
        row: IncidentRow = await tx.session.get_one(IncidentRow, incident_id)
        return row


async def order(small: SmallPlant, order_id: int) -> WorkOrderRow:
    async with small.database.transaction(small.tenant_id) as tx:
        row: WorkOrderRow = await tx.session.get_one(WorkOrderRow, order_id)
        return row


def minutes_ago(minutes: float) -> datetime:
    return clock.now() - timedelta(minutes=minutes)
