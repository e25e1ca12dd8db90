"""Sites and assets over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import func, select

from optria.core.roles import Permission
from optria.db.plant import AssetRow, AssetScore, SiteRow
from optria.web.asset_views import find_asset, find_assets
from optria.web.deps import Given, IdFilter, Limit, Offset, OpenTx, RowId, require
from optria.web.readings import latest_readings
from optria.web.sessions import Viewer
from optria.web.shapes import Json, asset_json, score_json, site_json

router = APIRouter(prefix="/api/assets", tags=["assets"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Word = Annotated[str | None, Query(max_length=50)]


@router.get("/sites")
async def list_sites(_viewer: Seeing, tx: OpenTx) -> list[Json]:
    query = select(SiteRow).where(SiteRow.is_active.is_not(False)).order_by(SiteRow.code, SiteRow.id)
    return [site_json(row) for row in (await tx.session.scalars(query)).all()]


@router.get("/")
async def list_assets(
    _viewer: Seeing,
    tx: OpenTx,
    site_id: IdFilter = None,
    criticality: Word = None,
    status: Word = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    wanted = {"site_id": site_id, "criticality": criticality, "status": status}
    conditions = [getattr(AssetRow, name) == value for name, value in wanted.items() if value is not None]
    count = select(func.count()).select_from(AssetRow).where(AssetRow.is_active.is_not(False), *conditions)
    total = await tx.session.scalar(count)
    rows = await find_assets(tx, *conditions, limit=limit, offset=offset)
    assets = [asset_json(row) | {"ai_score": score_json(score) if score else None} for row, _, score in rows]
    return {"total": total, "assets": assets}


@router.get("/{asset_id}")
async def get_asset(_viewer: Seeing, tx: OpenTx, asset_id: RowId) -> Json:
    row, _, score = await find_asset(tx, asset_id)
    return asset_json(row) | {
        "ai_score": score_json(score) if score else None,
        "components": [],
        "failure_modes": [],
    }


@router.get("/{asset_id}/metrics")
async def get_metrics(
    _viewer: Seeing, tx: OpenTx, services: Given, asset_id: RowId, limit: Limit = 100
) -> list[Json]:
    """The newest value of each mapped metric, in v1's shape; ``id`` is the signal mapping's."""
    row, _, _ = await find_asset(tx, asset_id)
    mappings = {m.id: m for m in services.plants(row.tenant_id).mappings_of(asset_id)}
    readings = latest_readings(services, row.tenant_id, list(mappings))
    return [
        {
            "id": tag,
            "metric_name": mappings[tag].metric,
            "metric_value": reading.value,
            "unit": mappings[tag].unit,
            "quality": reading.quality.name.lower(),
            "recorded_at": reading.time.isoformat(),
            "source": mappings[tag].external_tag,
        }
        for tag, reading in list(readings.items())[:limit]
    ]


@router.get("/{asset_id}/ai-scores")
async def get_scores(_viewer: Seeing, tx: OpenTx, asset_id: RowId, limit: Limit = 30) -> list[Json]:
    row, _, _ = await find_asset(tx, asset_id)
    query = (
        select(AssetScore)
        .where(AssetScore.asset_id == row.id, AssetScore.tenant_id == row.tenant_id)
        .order_by(AssetScore.computed_at.desc(), AssetScore.id.desc())
        .limit(limit)
    )
    return [score_json(score) for score in (await tx.session.scalars(query)).all()]
