"""What is known of a plant now: its open orders, and all that its twin and its register show."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, select

from optria.core.roles import Permission, can
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web.assets.asset_views import detector_scores
from optria.web.assets.readings import latest_readings
from optria.web.orders import work_order_views
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.twin.twin_page_model import OrderView
from optria.web.twin.twin_scene import Scene, order_view, reached_assets

Incidents = Mapping[int, Sequence[IncidentRow]]
Orders = Mapping[int, list[OrderView]]


async def open_orders(
    tx: Tx, viewer: Viewer, *conditions: ColumnElement[bool]
) -> list[tuple[WorkOrderRow, OrderView]]:
    """Unfinished orders, the oldest first; none for those who may not see orders."""
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return []
    query = (
        select(WorkOrderRow, User)
        .join(User, User.id == WorkOrderRow.assigned_to, isouter=True)
        .where(WorkOrderRow.status.in_(ACTIVE_STATUSES), work_order_views.visible(viewer), *conditions)
        .order_by(WorkOrderRow.id)
    )
    return [(row, order_view(row, assignee)) for row, assignee in (await tx.session.execute(query)).all()]


def present_scene(
    services: Services,
    viewer: Viewer,
    tenant_id: int,
    incidents: Incidents,
    orders: Orders,
    sources: Mapping[int, str] | None = None,
) -> Scene:
    """The plant of a tenant as it is now; incidents and orders by asset."""
    plant = services.plants(tenant_id)
    return Scene(
        viewer=viewer,
        plant=plant,
        scores=detector_scores(services, tenant_id),
        readings=latest_readings(services, tenant_id, [m.id for m in plant.mappings]),
        incidents=incidents,
        reached=reached_assets(incidents),
        orders=orders,
        sources=sources or {},
    )
