"""The live twin of one site as plain values: condition, signals, incidents, orders and connections."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select

from optria.core.errors import NotFound
from optria.core.roles import Permission, Role, can
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.db.twin import TwinLayout
from optria.db.work import WorkOrderRow
from optria.web.assets.asset_views import Found, active_incidents, detector_scores, find_assets
from optria.web.assets.readings import Reading, latest_readings
from optria.web.orders import work_order_views
from optria.web.rendering import SiteLink
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.sight import sees_analysis
from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView, TwinPage
from optria.web.twin.twin_scene import History, Scene, connector_view, order_view, reached_assets

URGENCY: Final = ("emergency", "high", "medium", "low")


async def page_context(
    tx: Tx, services: Services, viewer: Viewer, site_code: str | None = None, asset_code: str | None = None
) -> TwinPage:
    """Everything the twin of a site shows; without a code, the first with a drawing.

    ``asset_code`` chooses the asset of the side panel; without one it is the asset with the worst incident.

    Raises:
        NotFound: no such site in the tenants this viewer sees.
    """
    site = await _site(tx, site_code)
    rows = await find_assets(tx, AssetRow.site_id == site.id, AssetRow.tenant_id == site.tenant_id)
    incidents = await active_incidents(tx, viewer, IncidentRow.tenant_id == site.tenant_id)
    scene = Scene(
        viewer=viewer,
        plant=services.plants(site.tenant_id),
        scores=detector_scores(services, site.tenant_id),
        readings=_readings(services, site.tenant_id),
        incidents=incidents,
        reached=reached_assets(incidents),
        orders=await _open_orders(tx, viewer, site.tenant_id),
    )
    assets = tuple(scene.asset(found) for found in rows)
    chosen = _chosen(assets, asset_code)
    return TwinPage(
        site=SiteLink(site.id, site.code, site.name, site.name_ar or "", site.time_zone or "UTC"),
        assets=assets,
        connectors=tuple(connector_view(link, viewer) for link in services.links(site.tenant_id)),
        drawing=await _drawing(tx, site),
        selected=scene.asset(_found(rows, chosen), History(services, site.tenant_id)) if chosen else None,
        may_run_analysis=can(viewer.role, Permission.RUN_RCA),
        may_create_orders=can(viewer.role, Permission.CREATE_WORK_ORDERS),
        may_see_causes=sees_analysis(viewer),
        may_see_orders=can(viewer.role, Permission.VIEW_WORK_ORDERS),
        only_assigned=viewer.role is Role.ENGINEER,
        demo=services.settings.demo and can(viewer.role, Permission.RUN_RCA),
    )


async def _site(tx: Tx, code: str | None) -> SiteRow:
    """The named site; without a name, the first that has a drawing, else the first."""
    has_drawing = TwinLayout.id.is_not(None)
    drawn = (TwinLayout.site_id == SiteRow.id) & (TwinLayout.tenant_id == SiteRow.tenant_id)
    query = (
        select(SiteRow)
        .join(TwinLayout, drawn, isouter=True)
        .where(SiteRow.is_active.is_not(False))
        .order_by(has_drawing.desc(), SiteRow.tenant_id, SiteRow.code)
        .limit(1)
    )
    if code is not None:
        query = query.where(SiteRow.code == code)
    site = await tx.session.scalar(query)
    if site is None:
        raise NotFound(f"There is no site {code}." if code else "There is no site yet.")
    return site


def _readings(services: Services, tenant_id: int) -> Mapping[int, Reading]:
    return latest_readings(services, tenant_id, [m.id for m in services.plants(tenant_id).mappings])


async def _open_orders(tx: Tx, viewer: Viewer, tenant_id: int) -> Mapping[int, list[OrderView]]:
    """Open orders by asset, most urgent first; none for those who may not see orders."""
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return {}
    query = (
        select(WorkOrderRow, User)
        .join(User, User.id == WorkOrderRow.assigned_to, isouter=True)
        .where(
            WorkOrderRow.tenant_id == tenant_id,
            WorkOrderRow.status.in_(ACTIVE_STATUSES),
            work_order_views.visible(viewer),
        )
        .order_by(WorkOrderRow.id)
    )
    found = (await tx.session.execute(query)).all()
    by_asset: dict[int, list[OrderView]] = {}
    for row, assignee in sorted(found, key=lambda pair: _urgency(pair[0])):
        if row.asset_id is not None:
            by_asset.setdefault(row.asset_id, []).append(order_view(row, assignee))
    return by_asset


def _urgency(row: WorkOrderRow) -> int:
    return URGENCY.index(row.priority) if row.priority in URGENCY else len(URGENCY)


async def _drawing(tx: Tx, site: SiteRow) -> Mapping[str, object] | None:
    query = (
        select(TwinLayout.config)
        .where(
            TwinLayout.site_id == site.id,
            TwinLayout.tenant_id == site.tenant_id,
            TwinLayout.is_active.is_not(False),
        )
        .order_by(TwinLayout.is_default.desc(), TwinLayout.id)
        .limit(1)
    )
    config: Mapping[str, object] | None = await tx.session.scalar(query)
    return config or None


def _chosen(assets: Sequence[AssetView], code: str | None) -> AssetView | None:
    """The asset asked for, else the one with the gravest incident, else the first."""
    named = next((asset for asset in assets if asset.code == code), None)
    troubled = [asset for asset in assets if asset.incident is not None]
    gravest = min(troubled, key=lambda asset: _gravity(asset.incident), default=None)
    return named or gravest or next(iter(assets), None)


def _gravity(incident: IncidentView | None) -> int:
    order = ("critical", "major", "minor", "info")
    return order.index(incident.severity) if incident and incident.severity in order else len(order)


def _found(rows: Sequence[Found], chosen: AssetView) -> Found:
    return next(found for found in rows if found[0].id == chosen.id)
