"""Assets over HTTP: the list, one with its parts, its readings and scores, and its changes."""

from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import func, select

from optria.core.errors import Invalid
from optria.core.roles import Permission
from optria.db.asset_details import AssetComponent, FailureMode, MetricSnapshot
from optria.db.plant import AssetRow, AssetScore
from optria.db.session import Tx
from optria.web import changes
from optria.web.assets.asset_bodies import AssetCreate, AssetUpdate
from optria.web.assets.asset_checks import (
    NEEDED,
    check_parent,
    check_unneeded,
    claim_code,
    lock_asset,
)
from optria.web.assets.asset_views import (
    component_json,
    failure_mode_json,
    find_asset,
    find_assets,
    snapshot_json,
)
from optria.web.assets.readings import latest_readings
from optria.web.assets.sites import find_site
from optria.web.changes import Change
from optria.web.config.known_words import type_warnings
from optria.web.deps import Given, IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.edits import apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, asset_json, score_json

router = api_router(prefix="/api/assets", tags=["assets"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_ASSETS)]
Word = Annotated[str | None, Query(max_length=50)]


@router.get("/", summary="List the assets")
async def list_assets(
    _viewer: Seeing,
    tx: OpenTx,
    site_id: IdFilter = None,
    criticality: Word = None,
    status: Word = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """The assets in use, by code, each with its latest score."""
    wanted = {"site_id": site_id, "criticality": criticality, "status": status}
    conditions = [getattr(AssetRow, name) == value for name, value in wanted.items() if value is not None]
    count = select(func.count()).select_from(AssetRow).where(AssetRow.is_active.is_not(False), *conditions)
    total = await tx.session.scalar(count)
    rows = await find_assets(tx, *conditions, limit=limit, offset=offset)
    assets = [asset_json(row) | {"ai_score": score_json(score) if score else None} for row, _, score in rows]
    return {"total": total, "assets": assets}


@router.post("/", summary="Add an asset")
async def create_asset(viewer: Managing, request: Request, tx: OpenTx, asked: AssetCreate) -> Json:
    """The code is unique in the tenant, also among assets that are out of use.

    ``warnings`` names an asset type that nothing else knows.
    """
    tenant_id = written_tenant(tx)
    await claim_code(tx, asked.code)
    await _check_place(tx, asked.site_id, asked.parent_asset_id, None)
    row = AssetRow(tenant_id=tenant_id, **asked.model_dump())
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Asset {row.code} was added"
    change = Change("asset_added", "asset", row.id, summary, new=plain(asked), asset_id=row.id)
    await changes.record(tx, viewer, request, change)
    warnings = await type_warnings(tx, row.asset_type, row.id)
    return {"success": True, "asset": asset_json(row), "warnings": warnings}


async def _check_place(tx: Tx, site_id: int | None, parent_id: int | None, own_id: int | None) -> None:
    if site_id is not None and (site := await find_site(tx, site_id)).is_active is False:
        raise Invalid(f"Site {site.code} is out of use.")
    if parent_id is not None:
        await check_parent(tx, parent_id, own_id)


@router.get("/{asset_id}", summary="Read an asset")
async def get_asset(_viewer: Seeing, tx: OpenTx, asset_id: RowId) -> Json:
    """With its parts and its ways to fail."""
    row, _, score = await find_asset(tx, asset_id)
    parts = select(AssetComponent).where(
        AssetComponent.asset_id == row.id, AssetComponent.is_active.is_not(False)
    )
    modes = select(FailureMode).where(FailureMode.asset_id == row.id, FailureMode.is_active.is_not(False))
    found_parts = await tx.session.scalars(parts.order_by(AssetComponent.code, AssetComponent.id))
    found_modes = await tx.session.scalars(modes.order_by(FailureMode.code, FailureMode.id))
    return asset_json(row) | {
        "ai_score": score_json(score) if score else None,
        "components": [component_json(part) for part in found_parts.all()],
        "failure_modes": [failure_mode_json(mode) for mode in found_modes.all()],
    }


@router.put("/{asset_id}", summary="Change an asset")
async def update_asset(
    viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId, asked: AssetUpdate
) -> Json:
    """Only what is sent changes. ``is_active`` false asks for the same as taking the asset out of use."""
    values = sent_fields(asked, NEEDED)
    row = await lock_asset(tx, asset_id)
    if values.get("code", row.code) != row.code:
        await claim_code(tx, str(values["code"]))
    if values.get("is_active") is False:
        await check_unneeded(tx, row)
    await _check_place(
        tx,
        asked.site_id if asked.site_id != row.site_id else None,
        asked.parent_asset_id if asked.parent_asset_id != row.parent_asset_id else None,
        row.id,
    )
    edit = apply_edit(row, values)
    if edit:
        summary = f"Asset {row.code}: {', '.join(edit.new)} changed"
        change = Change("asset_changed", "asset", row.id, summary, edit.old, edit.new, row.id)
        await changes.record(tx, viewer, request, change)
    warnings = await type_warnings(tx, row.asset_type, row.id) if "asset_type" in edit.new else []
    return {"success": True, "asset": asset_json(row), "warnings": warnings}


@router.delete("/{asset_id}", summary="Take an asset out of use")
async def remove_asset(viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId) -> Json:
    """Its history stays. Refused while it has open incidents, signals or parts of the plant below it."""
    row = await lock_asset(tx, asset_id)
    await check_unneeded(tx, row)
    edit = apply_edit(row, {"is_active": False})
    if edit:
        summary = f"Asset {row.code} was taken out of use"
        change = Change("asset_removed", "asset", row.id, summary, edit.old, edit.new, row.id)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "message": f"Asset {row.code} is out of use."}


@router.get("/{asset_id}/metrics", summary="Read the newest values of an asset")
async def get_metrics(
    _viewer: Seeing, tx: OpenTx, services: Given, asset_id: RowId, limit: Limit = 100
) -> list[Json]:
    """The readings that version 1 stored, newest first.

    Where it stored none, the newest value of each mapped signal; ``id`` is then the signal mapping's.
    """
    row, _, _ = await find_asset(tx, asset_id)
    query = (
        select(MetricSnapshot)
        .where(MetricSnapshot.asset_id == row.id, MetricSnapshot.tenant_id == row.tenant_id)
        .order_by(MetricSnapshot.recorded_at.desc(), MetricSnapshot.id.desc())
        .limit(limit)
    )
    stored = (await tx.session.scalars(query)).all()
    return [snapshot_json(one) for one in stored] or _live_values(services, row)[:limit]


def _live_values(services: Services, row: AssetRow) -> list[Json]:
    mappings = {m.id: m for m in services.plants(row.tenant_id).mappings_of(row.id)}
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
        for tag, reading in latest_readings(services, row.tenant_id, list(mappings)).items()
    ]


@router.get("/{asset_id}/ai-scores", summary="List the scores of an asset")
async def get_scores(_viewer: Seeing, tx: OpenTx, asset_id: RowId, limit: Limit = 30) -> list[Json]:
    """Health and risk as computed, newest first."""
    row, _, _ = await find_asset(tx, asset_id)
    query = (
        select(AssetScore)
        .where(AssetScore.asset_id == row.id, AssetScore.tenant_id == row.tenant_id)
        .order_by(AssetScore.computed_at.desc(), AssetScore.id.desc())
        .limit(limit)
    )
    return [score_json(score) for score in (await tx.session.scalars(query)).all()]
