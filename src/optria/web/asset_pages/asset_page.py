"""``/assets/{id}``: one asset, its condition, trends, signals, incidents, orders and data."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

from fastapi import Request
from starlette.responses import Response

from optria.core.roles import Permission, can
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.words import metric_words
from optria.web.admin.quiet_pages import quiet_of_asset, shelving_choices, window_choices
from optria.web.asset_pages.asset_detail import (
    detection_of,
    failure_modes_of,
    limits_of,
    neighbours_of,
    parts_of,
    sources_of,
    spec_of,
)
from optria.web.asset_pages.asset_scene import lines_of
from optria.web.asset_pages.assets_page import asset_choices, asset_types, tenant_query, type_words
from optria.web.assets.asset_views import Found, find_asset
from optria.web.deps import Given, OpenTx, RowId, require
from optria.web.frame import shell_for, sites_of
from optria.web.incidents.incident_views import list_incidents
from optria.web.orders.work_order_views import list_orders
from optria.web.page_words import causes_in, keep_codes
from optria.web.rendering import SiteLink, render_page
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, asset_json, when
from optria.web.sight import sees_analysis

router = api_router(include_in_schema=False)

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
LATEST: Final = 8
"""Incidents and orders on the page; the rest is behind a link."""


@router.get("/assets/{asset_id}")
async def asset_page(
    request: Request, viewer: Seeing, services: Given, tx: OpenTx, asset_id: RowId
) -> Response:
    found = await find_asset(tx, asset_id)
    page = {
        **await _condition(tx, services, viewer, found),
        **await _work(tx, viewer, found),
        **await _configuration(tx, services, viewer, found),
        **await _choices(tx, viewer, found),
        "quiet": await quiet_of_asset(tx, found[0]) if sees_analysis(viewer) else (),
        "shelving": await shelving_choices(tx, viewer),
        "maintenance": await window_choices(tx, viewer, found[0].id),
    }
    return render_page(
        request,
        "asset.html",
        await shell_for(tx, viewer, "assets", found[0].site_id),
        page=page,
        now=clock.now(),
        sees_analysis=sees_analysis(viewer),
        type_word=type_words(viewer.language),
        metric_word=_metric_words(viewer.language),
        cause_word=causes_in(viewer.language),
        keep_codes=keep_codes,
    )


def _metric_words(language: str) -> Callable[[str], str]:
    return lambda metric: metric_words(metric).ar if language == "ar" else metric_words(metric).en


async def _condition(tx: Tx, services: Services, viewer: Viewer, found: Found) -> Mapping[str, object]:
    row, site, _ = found
    line = (await lines_of(tx, services, viewer, [found]))[0]
    mappings = list(services.plants(row.tenant_id).mappings_of(row.id))
    pipeline = services.pipelines.get(row.tenant_id)
    return {
        "row": row,
        "line": line,
        "asset": line.view,
        "site": site_link(found),
        "detection": await detection_of(tx, pipeline, row, mappings),
        "sources": await sources_of(tx, mappings),
        "mappings": {m.id: m for m in mappings},
        "time_zone": (site.time_zone if site else None) or "UTC",
    }


def site_link(found: Found) -> SiteLink | None:
    site = found[1]
    if site is None:
        return None
    return SiteLink(site.id, site.code, site.name, site.name_ar or "", site.time_zone or "UTC")


async def _work(tx: Tx, viewer: Viewer, found: Found) -> Mapping[str, object]:
    """The latest incidents and orders of the asset that the viewer may see."""
    asset_id = found[0].id
    sees_orders = can(viewer.role, Permission.VIEW_WORK_ORDERS)
    orders: Json = {"total": 0, "work_orders": []}
    if sees_orders:
        orders = await list_orders(tx, viewer, {"asset_id": asset_id}, LATEST)
    return {
        "incidents": await list_incidents(tx, viewer, {"asset_id": asset_id}, LATEST, 0),
        "orders": orders,
        "sees_orders": sees_orders,
        "may_run": can(viewer.role, Permission.RUN_RCA),
        "may_order": can(viewer.role, Permission.CREATE_WORK_ORDERS),
    }


async def _configuration(tx: Tx, services: Services, viewer: Viewer, found: Found) -> Mapping[str, object]:
    row = found[0]
    metrics = [m.metric for m in services.plants(row.tenant_id).mappings_of(row.id)]
    sees_rules = can(viewer.role, Permission.VIEW_RULES)
    return {
        "sees_rules": sees_rules,
        "limits": await limits_of(tx, row, metrics) if sees_rules else [],
        "spec": await spec_of(tx, row) if sees_rules else None,
        "neighbours": await neighbours_of(tx, row),
        "parts": await parts_of(tx, row),
        "failure_modes": await failure_modes_of(tx, row),
    }


async def _choices(tx: Tx, viewer: Viewer, found: Found) -> Mapping[str, object]:
    """What the forms of those who manage assets offer."""
    row = found[0]
    manages = can(viewer.role, Permission.MANAGE_ASSETS)
    others = AssetRow.id != row.id, AssetRow.tenant_id == row.tenant_id
    return {
        "manages": manages,
        "may_map": can(viewer.role, Permission.MANAGE_INTEGRATIONS),
        "manages_rules": can(viewer.role, Permission.MANAGE_RULES),
        "query": tenant_query(viewer, row.tenant_id),
        "values": asset_json(row) | {"install_date": when(row.install_date)},
        "others": await asset_choices(tx, *others) if manages else [],
        "sites": await sites_of(tx) if manages else [],
        "types": await asset_types(tx) if manages else [],
    }
