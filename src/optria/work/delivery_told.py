"""Which incidents a delivery tells of: what its log lines are found by."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, select

from optria.db.delivery import Delivery
from optria.db.session import Tx
from optria.db.work import NotificationRow, WorkOrderRow

MOST: Final = 50


async def incidents_told(tx: Tx, told_by: ColumnElement[bool]) -> list[str]:
    """The incidents of a letter's notifications, by themselves or by their orders."""
    of_order = and_(
        NotificationRow.entity_type == "work_order",
        cast(WorkOrderRow.id, Text) == NotificationRow.entity_id,
        WorkOrderRow.tenant_id == NotificationRow.tenant_id,
    )
    named = case((NotificationRow.entity_type == "incident", NotificationRow.entity_id), else_=None)
    told = (
        select(func.coalesce(named, WorkOrderRow.incident_id))
        .join_from(NotificationRow, Delivery, Delivery.notification_id == NotificationRow.id)
        .join(WorkOrderRow, of_order, isouter=True)
        .where(told_by)
        .distinct()
        .limit(MOST)
    )
    return [each for each in await tx.session.scalars(told) if each]


def incidents_of_fact(body: str) -> Sequence[str]:
    """The incident that the body of a webhook names, if it does."""
    told = json.loads(body).get("data") or {}
    return [str(told["incident_id"])] if told.get("incident_id") else []
