"""The live twin of one site as plain values: condition, signals, incidents, orders and connections."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sqlalchemy import func, select

from optria.core.errors import NotFound
from optria.core.roles import Permission, Role, can
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.db.twin import TwinLayout
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.streams.history import read_window
from optria.web.assets.asset_views import Found, active_incidents, by_root, find_assets
from optria.web.rendering import SiteLink
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.sight import sees_analysis
from optria.web.site_time import zone_of
from optria.web.twin import twin_past
from optria.web.twin.past_view import PastView
from optria.web.twin.present_scene import open_orders, present_scene
from optria.web.twin.twin_page_model import AssetView, IncidentView, OrderView, TwinPage
from optria.web.twin.twin_scene import HISTORY, History, Scene, connector_view, order_view, reached_assets

URGENCY: Final = ("emergency", "high", "medium", "low")


async def page_context(
    tx: Tx,
    services: Services,
    viewer: Viewer,
    site_code: str | None = None,
    asset_code: str | None = None,
    at: datetime | None = None,
) -> TwinPage:
    """Everything the twin of a site shows, now or ``at`` a moment; by itself the largest with a drawing.

    ``asset_code`` chooses the asset of the side panel; without one it is the asset with the worst incident.

    Raises:
        NotFound: no such site in the tenants this viewer sees.
    """
    site = await _site(tx, site_code)
    rows = await find_assets(tx, AssetRow.site_id == site.id, AssetRow.tenant_id == site.tenant_id)
    links = services.links(site.tenant_id)
    sources = {link.integration_id: link.name for link in links}
    seeing = _scene_now if at is None else partial(_scene_at, at=at)
    scene = await seeing(tx, services, viewer, site.tenant_id, sources)
    assets = tuple(scene.asset(found) for found in rows)
    chosen = _chosen(assets, asset_code)
    return TwinPage(
        site=SiteLink(site.id, site.code, site.name, site.name_ar or "", site.time_zone or "UTC"),
        assets=assets,
        connectors=tuple(connector_view(link, viewer) for link in links),
        drawing=await _drawing(tx, site),
        selected=await _selected(tx, services, scene, _found(rows, chosen)) if chosen else None,
        may_run_analysis=can(viewer.role, Permission.RUN_RCA),
        may_create_orders=can(viewer.role, Permission.CREATE_WORK_ORDERS),
        may_see_causes=sees_analysis(viewer),
        may_see_orders=can(viewer.role, Permission.VIEW_WORK_ORDERS),
        only_assigned=viewer.role is Role.ENGINEER,
        demo=services.settings.demo and can(viewer.role, Permission.RUN_RCA),
        is_demo=services.settings.demo,
        may_map=can(viewer.role, Permission.MANAGE_INTEGRATIONS),
        past=await _past(tx, viewer, site.tenant_id, at) if at else None,
    )


async def moment_at_site(tx: Tx, site_code: str | None, local: datetime) -> datetime:
    """A time on the clock of a site, in UTC; raises NotFound as :func:`page_context`."""
    zone = zone_of(await _site(tx, site_code))
    return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)


async def _scene_now(
    tx: Tx, services: Services, viewer: Viewer, tenant_id: int, sources: Mapping[int, str]
) -> Scene:
    incidents = await active_incidents(tx, viewer, IncidentRow.tenant_id == tenant_id)
    orders = _by_asset(await open_orders(tx, viewer, WorkOrderRow.tenant_id == tenant_id))
    return present_scene(services, viewer, tenant_id, incidents, orders, sources)


async def _scene_at(
    tx: Tx, services: Services, viewer: Viewer, tenant_id: int, sources: Mapping[int, str], at: datetime
) -> Scene:
    plant = services.plants(tenant_id)
    rows = await twin_past.incidents_at(tx, viewer, tenant_id, at)
    incidents = by_root(rows)
    analysed = sees_analysis(viewer)
    return Scene(
        viewer=viewer,
        plant=plant,
        scores={},
        readings=await twin_past.readings_at(tx, services, tenant_id, [m.id for m in plant.mappings], at),
        incidents=incidents,
        reached=reached_assets(incidents),
        orders=await _orders_at(tx, viewer, tenant_id, at),
        sources=sources,
        at=at,
        analyses=await twin_past.analyses_at(tx, rows, at) if analysed else {},
    )


async def _selected(tx: Tx, services: Services, scene: Scene, found: Found) -> AssetView:
    """The chosen asset with the last hour of its signals; of a past moment that is read from history."""
    tenant_id = found[0].tenant_id
    if scene.at is None:
        return scene.asset(found, History(services, tenant_id))
    tags = [m.id for m in scene.plant.mappings_of(found[0].id)]
    stored = await read_window(tx, tags, scene.at - HISTORY, scene.at)
    return scene.asset(found, History(services, tenant_id, scene.at, stored))


async def _past(tx: Tx, viewer: Viewer, tenant_id: int, at: datetime) -> PastView:
    start, end = twin_past.span_around(at, clock.now())
    return PastView(at, start, end, await twin_past.marks_in(tx, viewer, tenant_id, start, end))


async def _site(tx: Tx, code: str | None) -> SiteRow:
    """The named site; without a name, of those with a drawing, else of all, the one with the most assets."""
    has_drawing = TwinLayout.id.is_not(None)
    asset_count = (
        select(func.count())
        .where(AssetRow.site_id == SiteRow.id, AssetRow.tenant_id == SiteRow.tenant_id)
        .where(AssetRow.is_active.is_not(False))
        .scalar_subquery()
    )
    drawn = (TwinLayout.site_id == SiteRow.id) & (TwinLayout.tenant_id == SiteRow.tenant_id)
    query = (
        select(SiteRow)
        .join(TwinLayout, drawn, isouter=True)
        .where(SiteRow.is_active.is_not(False))
        .order_by(has_drawing.desc(), SiteRow.tenant_id, asset_count.desc(), SiteRow.code)
        .limit(1)
    )
    if code is not None:
        query = query.where(SiteRow.code == code)
    site = await tx.session.scalar(query)
    if site is None:
        raise NotFound(f"There is no site {code}." if code else "There is no site yet.")
    return site


async def _orders_at(tx: Tx, viewer: Viewer, tenant_id: int, at: datetime) -> Mapping[int, list[OrderView]]:
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return {}
    found = await twin_past.orders_at(tx, viewer, tenant_id, at)
    views = [(row, order_view(row, assignee)) for row, assignee in found]
    return _by_asset([(row, replace(view, status=twin_past.status_at(row, at))) for row, view in views])


def _by_asset(found: Sequence[tuple[WorkOrderRow, OrderView]]) -> Mapping[int, list[OrderView]]:
    """Most urgent first."""
    by_asset: dict[int, list[OrderView]] = {}
    for row, view in sorted(found, key=lambda pair: _urgency(pair[0])):
        if row.asset_id is not None:
            by_asset.setdefault(row.asset_id, []).append(view)
    return by_asset


def _urgency(row: WorkOrderRow) -> int:
    return URGENCY.index(row.priority) if row.priority in URGENCY else len(URGENCY)


async def layout_of(tx: Tx, site_id: int, tenant_id: int) -> TwinLayout | None:
    """The drawing that the twin of a site shows: the default before others, then the oldest."""
    query = (
        select(TwinLayout)
        .where(
            TwinLayout.site_id == site_id,
            TwinLayout.tenant_id == tenant_id,
            TwinLayout.is_active.is_not(False),
        )
        .order_by(TwinLayout.is_default.desc(), TwinLayout.id)
        .limit(1)
    )
    row: TwinLayout | None = await tx.session.scalar(query)
    return row


async def _drawing(tx: Tx, site: SiteRow) -> Mapping[str, object] | None:
    row = await layout_of(tx, site.id, site.tenant_id)
    return (row.config or None) if row else None


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
