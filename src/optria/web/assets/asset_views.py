"""Assets with their site and latest score in one statement, and what is going on at each."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import aliased

from optria.core.asset import PlantModel
from optria.core.errors import NotFound
from optria.core.event import Severity
from optria.db.asset_details import AssetComponent, FailureMode, MetricSnapshot
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow, AssetScore, Integration, SiteRow
from optria.db.session import Tx
from optria.web.assets.condition import BLIND, Scores
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, number, when
from optria.web.sight import ACTIVE_INCIDENTS, visible

Found = tuple[AssetRow, SiteRow | None, AssetScore | None]
MOST_ASSETS: Final = 10_000


async def find_assets(
    tx: Tx, *conditions: ColumnElement[bool], limit: int = MOST_ASSETS, offset: int = 0
) -> Sequence[Found]:
    """Active assets that meet the conditions, by code, each with its site and latest score."""
    newest = (
        select(AssetScore)
        .where(AssetScore.tenant_id == AssetRow.tenant_id, AssetScore.asset_id == AssetRow.id)
        .order_by(AssetScore.computed_at.desc(), AssetScore.id.desc())
        .limit(1)
        .lateral()
    )
    score = aliased(AssetScore, newest)
    own_site = and_(SiteRow.id == AssetRow.site_id, SiteRow.tenant_id == AssetRow.tenant_id)
    query = (
        select(AssetRow, SiteRow, score)
        .join(SiteRow, own_site, isouter=True)
        .join(score, true(), isouter=True)
        .where(AssetRow.is_active.is_not(False), *conditions)
        .order_by(AssetRow.code, AssetRow.id)
        .limit(limit)
        .offset(offset)
    )
    return [(asset, site, found) for asset, site, found in (await tx.session.execute(query)).all()]


async def find_asset(tx: Tx, asset_id: int) -> Found:
    """Raises NotFound when the tenant of the transaction has no such asset."""
    found = await find_assets(tx, AssetRow.id == asset_id)
    if not found:
        raise NotFound(f"There is no asset {asset_id}.")
    return found[0]


async def active_incidents(
    tx: Tx, viewer: Viewer, *conditions: ColumnElement[bool]
) -> Mapping[int, list[IncidentRow]]:
    """The active incidents that the viewer may see, by asset, worst first."""
    query = (
        select(IncidentRow)
        .where(IncidentRow.status.in_(ACTIVE_INCIDENTS), visible(viewer), *conditions)
        .order_by(IncidentRow.start_time.desc())
    )
    return by_root((await tx.session.scalars(query)).all())


def by_root(incidents: Sequence[IncidentRow]) -> Mapping[int, list[IncidentRow]]:
    """Incidents by the asset that each began on, worst first."""
    by_asset: dict[int, list[IncidentRow]] = {}
    for row in incidents:
        if row.root_asset_id is not None:
            by_asset.setdefault(row.root_asset_id, []).append(row)
    for rows in by_asset.values():
        rows.sort(key=lambda row: Severity.parse(row.severity), reverse=True)
    return by_asset


async def source_types(tx: Tx) -> Mapping[int, str]:
    """Integration id to its type: opcua, pi, sql or demo."""
    rows = await tx.session.execute(select(Integration.id, Integration.integration_type))
    return {row.id: row.integration_type for row in rows}


def detector_scores(services: Services, tenant_id: int) -> Scores:
    """Asset id to its detector score over its limit and P(fault); empty while nothing streams."""
    pipeline = services.pipelines.get(tenant_id)
    if pipeline is None:
        return {}
    return {**pipeline.anchoring.scores(), **dict.fromkeys(pipeline.blind_assets(), BLIND)}


def plants_of(services: Services, rows: Sequence[Found]) -> Mapping[int, PlantModel]:
    """The configuration of each tenant that the assets belong to."""
    return {tenant_id: services.plants(tenant_id) for tenant_id in {row.tenant_id for row, _, _ in rows}}


def component_json(row: AssetComponent) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "asset_id": row.asset_id,
        "parent_component_id": row.parent_component_id,
        "code": row.code,
        "name": row.name,
        "name_ar": row.name_ar,
        "component_type": row.component_type,
        "criticality": row.criticality,
        "is_active": row.is_active,
    }


def failure_mode_json(row: FailureMode) -> Json:
    """``rpn`` is the risk priority number of IEC 60812, severity x occurrence x detection; None unrated."""
    ratings = (row.severity, row.occurrence, row.detection)
    rated = [rating for rating in ratings if rating is not None]
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "asset_id": row.asset_id,
        "component_id": row.component_id,
        "code": row.code,
        "name": row.name,
        "name_ar": row.name_ar,
        "description": row.description,
        "failure_effect": row.failure_effect,
        "severity": row.severity,
        "occurrence": row.occurrence,
        "detection": row.detection,
        "rpn": math.prod(rated) if len(rated) == len(ratings) else None,
        "mitigation_action": row.mitigation_action,
        "is_active": row.is_active,
    }


def snapshot_json(row: MetricSnapshot) -> Json:
    return {
        "id": row.id,
        "metric_name": row.metric_name,
        "metric_value": number(row.metric_value),
        "unit": row.unit,
        "quality": row.quality,
        "recorded_at": when(row.recorded_at),
        "source": row.source,
    }
