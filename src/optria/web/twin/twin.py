"""The digital twin over HTTP: condition and live values of every asset, and series of its signals."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import Query
from sqlalchemy import select

from optria.core.asset import PlantModel
from optria.core.roles import Permission
from optria.core.tag import SignalMapping
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.assets.asset_views import (
    Found,
    active_incidents,
    detector_scores,
    find_asset,
    find_assets,
    plants_of,
    source_types,
)
from optria.web.assets.condition import Condition, Scores
from optria.web.assets.readings import reading_json
from optria.web.assets.signals import Signals, signals_of
from optria.web.deps import Given, IdFilter, OpenTx, RowId, require
from optria.web.incidents.incident_views import for_viewer, incident_json
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, asset_json, when
from optria.web.sight import visible
from optria.web.twin.twin_scene import reached_assets

router = api_router(prefix="/api/twins", tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
Word = Annotated[str | None, Query(max_length=100)]
RECENT_INCIDENTS: Final = 10


@router.get("/summary", summary="Read the condition of every asset")
async def get_summary(viewer: Seeing, tx: OpenTx, services: Given) -> Json:
    """Condition, live values, and the gravest active incident that began at the asset or has reached it."""
    rows = await find_assets(tx)
    incidents = await active_incidents(tx, viewer)
    plants = plants_of(services, rows)
    signals = signals_of(services, rows, plants, await source_types(tx))
    now = clock.now()
    scores = _scores(services, plants)
    of_asset = _incidents_by_asset(incidents)
    assets = [_summary(found, signals[found[0].id], of_asset, scores) for found in rows]
    live = sum(signals[row.id].data_status(now) != "disconnected" for row, _, _ in rows)
    return {"stats": _stats(assets, live), "assets": assets}


def _scores(services: Services, plants: Mapping[int, PlantModel]) -> Scores:
    return {k: v for tenant_id in plants for k, v in detector_scores(services, tenant_id).items()}


def _incidents_by_asset(incidents: Mapping[int, list[IncidentRow]]) -> Mapping[int, IncidentRow]:
    """The worst incident at each asset; where none began, the worst that has reached it."""
    reached = {asset_id: rows[0] for asset_id, rows in reached_assets(incidents).items()}
    return reached | {asset_id: rows[0] for asset_id, rows in incidents.items()}


def _summary(found: Found, signals: Signals, incidents: Mapping[int, IncidentRow], scores: Scores) -> Json:
    row, site, stored = found
    condition = Condition(row, stored, scores)
    worst = incidents.get(row.id)
    return {
        "id": row.id,
        "name": row.name,
        "asset_code": row.code,
        "asset_type": row.asset_type,
        "site_name": site.name if site else None,
        "criticality": row.criticality,
        "health": condition.health,
        "failure_probability": condition.failure_probability,
        "risk_index": condition.risk_index,
        "status": condition.status,
        "data_sources": signals.sources,
        "last_updated": when(signals.last_updated or condition.computed_at),
        "live_values": signals.values,
        "has_open_incident": worst is not None,
        "open_incident_id": str(worst.id) if worst else None,
    }


def _stats(assets: Sequence[Json], live: int) -> Json:
    words = [asset["status"] for asset in assets]
    return {
        "total_assets": len(assets),
        "live_assets": live,
        "disconnected": len(assets) - live,
        "critical": words.count("critical"),
        "warning": words.count("warning"),
        "normal": words.count("normal"),
    }


@router.get("/assets", summary="List the assets with their condition")
async def list_twin_assets(
    _viewer: Seeing,
    tx: OpenTx,
    services: Given,
    site_id: IdFilter = None,
    asset_type: Word = None,
    criticality: Word = None,
) -> Json:
    """``filters`` offers the words that the filters take."""
    rows = await find_assets(tx)
    wanted = {"site_id": site_id, "asset_type": asset_type, "criticality": criticality}
    chosen = [f for f in rows if all(v is None or getattr(f[0], name) == v for name, v in wanted.items())]
    plants = plants_of(services, chosen)
    signals = signals_of(services, chosen, plants, await source_types(tx))
    scores = _scores(services, plants)
    assets = [_twin_asset(found, signals[found[0].id], scores) for found in chosen]
    return {
        "assets": assets,
        "total": len(assets),
        "filters": _filters(rows),
        "summary": _twin_stats(assets),
    }


def _twin_asset(found: Found, signals: Signals, scores: Scores) -> Json:
    row, site, stored = found
    condition = Condition(row, stored, scores)
    data_status = signals.data_status(clock.now())
    return {
        "id": row.id,
        "code": row.code,
        "name": row.name,
        "name_ar": row.name_ar,
        "asset_type": row.asset_type,
        "criticality": row.criticality,
        "status": row.status,
        "site_id": row.site_id,
        "site_name": site.name if site else None,
        "health_score": condition.health,
        "failure_probability": condition.failure_probability,
        "remaining_useful_life_days": condition.remaining_days,
        "health_status": condition.status,
        "data_status": data_status,
        "is_data_connected": data_status != "disconnected",
    }


def _filters(rows: Sequence[Found]) -> Json:
    sites = {site.id: site.name for _, site, _ in rows if site is not None}
    return {
        "sites": [{"id": site_id, "name": name} for site_id, name in sorted(sites.items())],
        "asset_types": sorted({row.asset_type for row, _, _ in rows if row.asset_type}),
        "criticalities": sorted({row.criticality for row, _, _ in rows if row.criticality}),
    }


def _twin_stats(assets: Sequence[Json]) -> Json:
    data = [asset["data_status"] for asset in assets]
    health = [asset["health_status"] for asset in assets]
    return {
        "total_assets": len(assets),
        "live_data": data.count("live"),
        "demo_data": data.count("demo"),
        "disconnected": data.count("disconnected"),
        "normal": health.count("normal"),
        "warning": health.count("warning"),
        "critical": health.count("critical"),
    }


@router.get("/assets/{asset_id}", summary="Read the condition of an asset")
async def get_twin_asset(viewer: Seeing, tx: OpenTx, services: Given, asset_id: RowId) -> Json:
    """With its signals, their latest values, and the latest incidents that the viewer may see."""
    found = await find_asset(tx, asset_id)
    row, site, stored = found
    plants = plants_of(services, [found])
    signals = signals_of(services, [found], plants, await source_types(tx))[row.id]
    condition = Condition(row, stored, _scores(services, plants))
    return {
        "asset": asset_json(row) | {"site_name": site.name if site else None},
        "health": {
            "health_score": condition.health,
            "failure_probability": condition.failure_probability,
            "remaining_useful_life_days": condition.remaining_days,
            "production_risk_index": condition.risk_index,
            "health_status": condition.status,
            "data_status": signals.data_status(clock.now()),
            "computed_at": when(condition.computed_at),
        },
        "signal_mappings": [_signal(m, signals) for m in signals.mappings],
        "recent_incidents": await _recent_incidents(tx, viewer, row),
    }


def _signal(m: SignalMapping, signals: Signals) -> Json:
    reading = signals.readings.get(m.id)
    return {
        "id": m.id,
        "integration_id": m.integration_id,
        "external_tag": m.external_tag,
        "internal_metric_name": m.metric,
        "unit": m.unit,
        "description": m.description,
        "integration_type": signals.types.get(m.integration_id),
        "latest": reading_json(reading, m) if reading else None,
    }


async def _recent_incidents(tx: Tx, viewer: Viewer, row: AssetRow) -> list[Json]:
    query = (
        select(IncidentRow)
        .where(
            IncidentRow.root_asset_id == row.id,
            IncidentRow.tenant_id == row.tenant_id,
            visible(viewer),
        )
        .order_by(IncidentRow.start_time.desc())
        .limit(RECENT_INCIDENTS)
    )
    return [for_viewer(incident_json(found), viewer) for found in (await tx.session.scalars(query)).all()]
