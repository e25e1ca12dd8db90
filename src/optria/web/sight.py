"""Who sees which incidents, and how much of each."""

from typing import Final

from sqlalchemy import ColumnElement, String, cast, exists, or_

from optria.core.roles import Permission, Role, can
from optria.db.blackbox import IncidentRow
from optria.db.work import WorkOrderRow
from optria.web.sessions import Viewer

ACTIVE_INCIDENTS: Final = ("OPEN", "INVESTIGATING")


def sees_analysis(viewer: Viewer) -> bool:
    """Whether the viewer sees more of an incident than its summary."""
    return can(viewer.role, Permission.VIEW_RCA)


def _has_order_of(user_id: int) -> ColumnElement[bool]:
    return exists().where(
        WorkOrderRow.tenant_id == IncidentRow.tenant_id,
        WorkOrderRow.incident_id == cast(IncidentRow.id, String),
        WorkOrderRow.assigned_to == user_id,
    )


def concerns(user_id: int) -> ColumnElement[bool]:
    """Incidents that are somebody's, themselves or by an order."""
    return or_(IncidentRow.assigned_to == user_id, _has_order_of(user_id))


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Engineers see incidents assigned to them, themselves or by an order; the others their tenant's."""
    if viewer.role is Role.ENGINEER:
        return concerns(viewer.user_id)
    return IncidentRow.id.is_not(None)
