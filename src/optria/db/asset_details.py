"""What the existing application keeps beside an asset: parts, failure modes, readings, alerts."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code20, Code50, Code100, Json, Key, Line, Prose, TenantOwned
from optria.kit import clock


class AssetComponent(TenantOwned, Base):
    """A part of an asset, such as a pump's drive-end bearing."""

    __tablename__ = "asset_components"
    __table_args__ = (Index(None, "tenant_id", "asset_id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"))
    parent_component_id: Mapped[int | None]
    code: Mapped[Code100]
    name: Mapped[Line]
    name_ar: Mapped[Line | None]
    component_type: Mapped[Code100 | None]
    criticality: Mapped[Code20 | None] = mapped_column(default="medium")
    is_active: Mapped[bool | None] = mapped_column(default=True)
    extra_data: Mapped[Json | None] = mapped_column(default=dict)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class FailureMode(TenantOwned, Base):
    """How an asset may fail, with its FMEA ratings from 1 to 10 (IEC 60812)."""

    __tablename__ = "asset_failure_modes"
    __table_args__ = (Index(None, "tenant_id", "asset_id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"))
    component_id: Mapped[int | None]
    code: Mapped[Code100]
    name: Mapped[Line]
    name_ar: Mapped[Line | None]
    description: Mapped[Prose | None]
    failure_effect: Mapped[Prose | None]
    severity: Mapped[int | None]
    occurrence: Mapped[int | None]
    detection: Mapped[int | None]
    mitigation_action: Mapped[Prose | None]
    is_active: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class MetricSnapshot(TenantOwned, Base):
    """One reading as the existing application stored it; ours are in the history."""

    __tablename__ = "asset_metrics_snapshot"
    __table_args__ = (Index(None, "tenant_id", "asset_id", "recorded_at"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"))
    component_id: Mapped[int | None]
    metric_name: Mapped[Code100]
    metric_value: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    unit: Mapped[Code50 | None]
    quality: Mapped[Code20 | None]
    recorded_at: Mapped[datetime]
    source: Mapped[Code100 | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)


class AlertRow(TenantOwned, Base):
    """An alert of the existing application; the collector makes events of them."""

    __tablename__ = "alerts"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    component_id: Mapped[int | None]
    alert_type: Mapped[Code50]
    severity: Mapped[Code20]
    title: Mapped[Line]
    title_ar: Mapped[Line | None]
    description: Mapped[Prose | None]
    status: Mapped[Code20 | None] = mapped_column(default="open")
    acknowledged_by: Mapped[int | None]
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    extra_data: Mapped[Json | None] = mapped_column(default=dict)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
