"""How far an incident has come: anchor, analysis, order, notification, acknowledgement."""

from datetime import datetime

from sqlalchemy import func, or_, select

from optria.blackbox.incidents import anchor_of
from optria.core.incident import Analysis
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import NotificationRow, WorkOrderRow
from optria.web.people.people import name_of
from optria.web.shapes import Json


async def stages(
    tx: Tx,
    row: IncidentRow,
    analysis: Analysis | None,
    order: WorkOrderRow | None,
    shown: WorkOrderRow | None,
    language: str,
) -> list[Json]:
    """The way from anchor to acknowledgement; ``after_s`` is seconds after the anchor was set.

    ``shown`` is the order that may be named to whoever looks.
    """
    notified_at, people = await _notified(tx, row, order)
    ordered_at = row.ordered_at or (order.created_at if order else None)
    return [
        _stage("anchor", row.anchored_at or row.start_time, row, score=anchor_of(row).probability),
        _stage("analysis", row.analysed_at, row, events=analysis.events_in_window if analysis else 0),
        _stage(
            "order",
            ordered_at,
            row,
            number=(shown.work_order_number or shown.code) if shown else "",
            assigned_name=await name_of(tx, shown.assigned_to, language) if shown else None,
        ),
        _stage("notified", notified_at, row, people=people),
        _stage("acknowledged", row.acknowledged_at, row, by=await name_of(tx, row.acknowledged_by, language)),
    ]


def _stage(key: str, at: datetime | None, row: IncidentRow, **facts: object) -> Json:
    start = row.anchored_at or row.start_time
    after_s = max(0.0, (at - start).total_seconds()) if at else None
    return {"key": key, "at": at, "after_s": after_s, **facts}


async def _notified(tx: Tx, row: IncidentRow, order: WorkOrderRow | None) -> tuple[datetime | None, int]:
    """When the first notification of the incident or its order was written, and how many people got one."""
    about = [(NotificationRow.entity_type == "incident") & (NotificationRow.entity_id == str(row.id))]
    if order is not None:
        about.append(
            (NotificationRow.entity_type == "work_order") & (NotificationRow.entity_id == str(order.id))
        )
    query = select(
        func.min(NotificationRow.created_at), func.count(func.distinct(NotificationRow.user_id))
    ).where(NotificationRow.tenant_id == row.tenant_id, or_(*about))
    first, people = (await tx.session.execute(query)).one()
    return first, int(people)
