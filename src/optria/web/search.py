"""``/api/search``: assets, signals, incidents and work orders by a part of their number, name or tag."""

from typing import Annotated, Final

from fastapi import Query
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from optria.core.roles import Permission, can
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web.deps import OpenTx, require
from optria.web.filters import severity_key
from optria.web.incidents.incident_views import title_for
from optria.web.orders import work_order_views
from optria.web.page_words import signal_name
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import sees_analysis, visible

router = api_router(prefix="/api/search", tags=["overview"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
MOST: Final = 6
"""Of each kind: whoever sees more than that types another letter."""


@router.get("", summary="Find assets, signals, incidents and work orders")
async def find(viewer: Seeing, tx: OpenTx, q: Annotated[str, Query(min_length=1, max_length=100)]) -> Json:
    """At most six of each kind, as far as the role sees them; codes that begin with ``q`` come first.

    Titles of incidents name causes and are searched only for those who see causes.
    """
    words = " ".join(q.split())
    if not words or "\x00" in words:
        return {"q": q, "groups": []}
    found = [
        ("assets", await _assets(tx, words)),
        ("signals", await _signals(tx, words)),
        ("incidents", await _incidents(tx, viewer, words)),
        ("work_orders", await _orders(tx, viewer, words)),
    ]
    return {"q": q, "groups": [{"kind": kind, "items": items} for kind, items in found if items]}


Field = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]


def _any(words: str, *fields: Field) -> ColumnElement[bool]:
    return or_(*(field.icontains(words, autoescape=True) for field in fields))


async def _assets(tx: Tx, words: str) -> list[Json]:
    row = AssetRow
    query = (
        select(row)
        .where(row.is_active.is_not(False), _any(words, row.code, row.name, row.name_ar))
        .order_by(row.code.istartswith(words, autoescape=True).desc(), row.code, row.id)
        .limit(MOST)
    )
    return [
        {"code": each.code, "title": each.name, "title_ar": each.name_ar, "url": f"/assets/{each.id}"}
        for each in (await tx.session.scalars(query)).all()
    ]


async def _signals(tx: Tx, words: str) -> list[Json]:
    """A signal is opened at its asset."""
    row = MappingRow
    same_asset = (AssetRow.id == row.asset_id) & (AssetRow.tenant_id == row.tenant_id)
    query = (
        select(row, AssetRow.code)
        .join(AssetRow, same_asset)
        .where(
            row.is_active.is_not(False),
            AssetRow.is_active.is_not(False),
            _any(words, row.external_tag, row.description),
        )
        .order_by(row.external_tag.istartswith(words, autoescape=True).desc(), row.external_tag, row.id)
        .limit(MOST)
    )
    return [
        {
            "code": each.external_tag,
            "title": signal_name(each.description, each.internal_metric_name, "en"),
            "title_ar": signal_name(each.description, each.internal_metric_name, "ar"),
            "asset_code": code,
            "url": f"/assets/{each.asset_id}",
        }
        for each, code in (await tx.session.execute(query)).all()
    ]


async def _incidents(tx: Tx, viewer: Viewer, words: str) -> list[Json]:
    row = IncidentRow
    same_asset = (AssetRow.id == row.root_asset_id) & (AssetRow.tenant_id == row.tenant_id)
    titles = (row.title,) if sees_analysis(viewer) else ()
    query = (
        select(row, AssetRow.code)
        .outerjoin(AssetRow, same_asset)
        .where(visible(viewer), _any(words, row.incident_number, AssetRow.code, *titles))
        .order_by(row.start_time.desc(), row.id)
        .limit(MOST)
    )
    return [
        {
            "code": each.incident_number,
            "title": title_for(viewer, each),
            "asset_code": code,
            "severity": severity_key(each.severity),
            "status": each.status,
            "url": f"/blackbox/incidents/{each.id}",
        }
        for each, code in (await tx.session.execute(query)).all()
    ]


async def _orders(tx: Tx, viewer: Viewer, words: str) -> list[Json]:
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return []
    row = WorkOrderRow
    query = (
        select(row)
        .where(
            work_order_views.visible(viewer),
            _any(words, row.work_order_number, row.code, row.title, row.title_ar),
        )
        .order_by(row.id.desc())
        .limit(MOST)
    )
    return [
        {
            "code": each.work_order_number or each.code,
            "title": each.title,
            "title_ar": each.title_ar,
            "status": each.status,
            "url": f"/work-orders/{each.id}",
        }
        for each in (await tx.session.scalars(query)).all()
    ]
