"""A tenant's configuration, read whole as one :class:`PlantModel`."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy import select

from optria.core.asset import Asset, DetectorChoice, Link, PlantModel, Site, Threshold
from optria.core.event import Severity
from optria.core.tag import SignalMapping
from optria.db.base import TenantOwned
from optria.db.plant import (
    AssetLink,
    AssetRow,
    ClockDrift,
    DetectorSetting,
    Integration,
    MappingRow,
    SiteRow,
    ThresholdRow,
)
from optria.db.session import Tx

LONGEST_LATENESS_S = 3600.0

Row = TypeVar("Row", bound=TenantOwned)


async def load_plant(tx: Tx, tenant_id: int) -> PlantModel:
    """Everything the stream and the analysis need to know of a tenant's plant."""
    return PlantModel(
        tenant_id=tenant_id,
        sites=tuple(_site(row) for row in await _rows(tx, SiteRow, tenant_id) if row.is_active is not False),
        assets=tuple(
            asset_of(row) for row in await _rows(tx, AssetRow, tenant_id) if row.is_active is not False
        ),
        links=tuple(
            Link(row.source_asset_id, row.target_asset_id) for row in await _rows(tx, AssetLink, tenant_id)
        ),
        mappings=tuple(
            mapping_of(row)
            for row in await _rows(tx, MappingRow, tenant_id)
            if row.is_active is not False and row.asset_id is not None
        ),
        thresholds=tuple(
            threshold_of(row) for row in await _rows(tx, ThresholdRow, tenant_id) if row.is_active
        ),
        detectors=tuple(
            choice_of(row) for row in await _rows(tx, DetectorSetting, tenant_id) if row.is_active
        ),
        clock_drift_s={
            int(number): row.drift_s
            for row in await _rows(tx, ClockDrift, tenant_id)
            if (number := row.source.removeprefix("integration:")) != row.source and number.isdecimal()
        },
        lateness_s={
            row.id: wait
            for row in await _rows(tx, Integration, tenant_id)
            if (wait := lateness_of(row.config))
        },
    )


def lateness_of(config: Mapping[str, object]) -> float:
    """How long samples of a connection may come out of order, in seconds; 0 where nothing usable is said."""
    wait = config.get("lateness_s")
    if isinstance(wait, bool) or not isinstance(wait, (int, float, str)):
        return 0.0
    try:
        seconds = float(wait)
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_LATENESS_S) if math.isfinite(seconds) else 0.0


async def _rows(tx: Tx, table: type[Row], tenant_id: int) -> Sequence[Row]:
    statement = select(table).where(table.tenant_id == tenant_id).order_by("id")
    return (await tx.session.execute(statement)).scalars().all()


def asset_of(row: AssetRow) -> Asset:
    return Asset(
        row.id,
        row.code,
        row.name,
        row.asset_type or "Asset",
        row.site_id,
        (row.criticality or "medium").lower(),
        row.name_ar or "",
    )


def _site(row: SiteRow) -> Site:
    return Site(row.id, row.code, row.name, row.name_ar or "", row.time_zone or "UTC")


def mapping_of(row: MappingRow) -> SignalMapping:
    """A stored mapping as the stream uses it. Raises ValueError for one without an asset."""
    if row.asset_id is None:
        raise ValueError(f"mapping {row.id} has no asset")
    return SignalMapping(
        id=row.id,
        integration_id=row.integration_id,
        asset_id=row.asset_id,
        external_tag=row.external_tag,
        metric=row.internal_metric_name,
        unit=row.unit or "",
        scale=1.0 if row.scaling_factor is None else float(row.scaling_factor),
        offset=float(row.offset_value or 0),
        low=row.range_low,
        high=row.range_high,
        normal_low=row.normal_low,
        normal_high=row.normal_high,
        decimals=row.decimals,
        scan_s=row.scan_s or 1.0,
        description=row.description or "",
    )


def threshold_of(row: ThresholdRow) -> Threshold:
    """A stored limit as the stream takes it."""
    return Threshold(
        metric=row.metric,
        direction=row.direction,
        limit=row.limit_value,
        severity=Severity.parse(row.severity),
        asset_type=row.asset_type,
        asset_id=row.asset_id,
        unit=row.unit or "",
        dead_band_percent=row.dead_band_percent,
        on_delay_s=row.on_delay_s,
        off_delay_s=row.off_delay_s,
    )


def choice_of(row: DetectorSetting) -> DetectorChoice:
    """A stored setting as the stream takes it."""
    return DetectorChoice(row.detector, row.parameters, row.asset_type, row.metric)
