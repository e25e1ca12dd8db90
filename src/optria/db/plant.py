"""Sites, assets, connections, signal mappings, and the configuration of a plant."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import (
    Base,
    Code20,
    Code50,
    Code100,
    CreatedAt,
    Json,
    Key,
    Line,
    Money,
    Prose,
    TenantOwned,
)
from optria.kit import clock


class SiteRow(TenantOwned, Base):
    __tablename__ = "sites"
    __v1__ = True
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    code: Mapped[Code50]
    name: Mapped[Line]
    name_ar: Mapped[Line | None]
    location: Mapped[Line | None]
    site_type: Mapped[Code50 | None]
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(10, 8))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(11, 8))
    is_active: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]
    # additive
    time_zone: Mapped[Code50 | None] = mapped_column(server_default="Asia/Riyadh")


class AssetRow(TenantOwned, Base):
    __tablename__ = "assets"
    __v1__ = True
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    parent_asset_id: Mapped[int | None]
    code: Mapped[Code100]
    name: Mapped[Line]
    name_ar: Mapped[Line | None]
    asset_type: Mapped[Code100 | None]
    manufacturer: Mapped[Line | None]
    model: Mapped[Line | None]
    serial_number: Mapped[Line | None]
    criticality: Mapped[Code20 | None] = mapped_column(default="medium")
    production_capacity: Mapped[Decimal | None] = mapped_column(Numeric(15, 2))
    production_unit: Mapped[Code50 | None]
    install_date: Mapped[date | None] = mapped_column(Date)
    status: Mapped[Code50 | None] = mapped_column(default="operational")
    is_active: Mapped[bool | None] = mapped_column(default=True)
    extra_data: Mapped[Json | None] = mapped_column(default=dict)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class AssetScore(TenantOwned, Base):
    """Health and risk of an asset as last computed."""

    __tablename__ = "asset_ai_scores"
    __v1__ = True
    __table_args__ = (Index(None, "tenant_id", "asset_id", "computed_at"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int] = mapped_column(ForeignKey("assets.id"))
    health_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    failure_probability: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    remaining_useful_life_days: Mapped[int | None]
    production_risk_index: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    anomaly_detected: Mapped[bool | None] = mapped_column(default=False)
    anomaly_details: Mapped[Json | None]
    computed_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    model_version: Mapped[Code50 | None]


class Integration(TenantOwned, Base):
    """A connection to a plant source; ``integration_type`` is opcua, pi, sql or demo."""

    __tablename__ = "tenant_integrations"
    __v1__ = True

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[Line]
    integration_type: Mapped[Code50]
    config: Mapped[Json] = mapped_column(default=dict)
    status: Mapped[Code20 | None] = mapped_column(default="inactive")
    last_sync_at: Mapped[datetime | None]
    last_sync_status: Mapped[Code20 | None]
    last_sync_message: Mapped[Prose | None]
    is_active: Mapped[bool | None] = mapped_column(default=True)
    demo_stream_active: Mapped[bool | None] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class IntegrationActionLog(TenantOwned, Base):
    __tablename__ = "integration_action_logs"
    __v1__ = True

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    integration_id: Mapped[int] = mapped_column(ForeignKey("tenant_integrations.id"))
    action: Mapped[Code50]
    status: Mapped[Code20]
    message: Mapped[Prose | None]
    details: Mapped[Json | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)


class MappingRow(TenantOwned, Base):
    """An external tag bound to a metric of an asset; its id is the tag id of the stream."""

    __tablename__ = "external_signal_mappings"
    __v1__ = True
    __table_args__ = (UniqueConstraint("tenant_id", "id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    integration_id: Mapped[int] = mapped_column(ForeignKey("tenant_integrations.id"))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    component_id: Mapped[int | None]
    external_tag: Mapped[Line]
    internal_metric_name: Mapped[Code100]
    unit: Mapped[Code50 | None]
    scaling_factor: Mapped[Decimal | None] = mapped_column(Numeric(15, 6), default=Decimal(1))
    offset_value: Mapped[Decimal | None] = mapped_column(Numeric(15, 6), default=Decimal(0))
    extra_data: Mapped[Json | None] = mapped_column(default=dict)
    is_active: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]
    # additive
    range_low: Mapped[float | None] = mapped_column(Double)
    range_high: Mapped[float | None] = mapped_column(Double)
    normal_low: Mapped[float | None] = mapped_column(Double)
    normal_high: Mapped[float | None] = mapped_column(Double)
    decimals: Mapped[int | None] = mapped_column(SmallInteger)
    scan_s: Mapped[float | None] = mapped_column(Double)
    description: Mapped[Line | None]


class CostModel(TenantOwned, Base):
    """v1's cost references of a tenant, per asset family."""

    __tablename__ = "tenant_cost_models"
    __v1__ = True

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[Line | None]
    description: Mapped[Prose | None]
    default_downtime_cost_per_hour: Mapped[Money | None]
    risk_appetite: Mapped[Code20 | None]
    cost_per_asset_family: Mapped[Json | None] = mapped_column(default=dict)
    production_value_per_unit: Mapped[Money | None]
    production_value_per_site: Mapped[Json | None] = mapped_column(default=dict)
    criticality_thresholds: Mapped[Json | None] = mapped_column(default=dict)
    currency: Mapped[str | None] = mapped_column(String(10), default="SAR")
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    is_active: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class AssetLink(TenantOwned, Base):
    """Process topology: what leaves ``source`` reaches ``target``."""

    __tablename__ = "asset_links"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_asset_id", "target_asset_id"),
        ForeignKeyConstraint(["tenant_id", "source_asset_id"], ["assets.tenant_id", "assets.id"]),
        ForeignKeyConstraint(["tenant_id", "target_asset_id"], ["assets.tenant_id", "assets.id"]),
    )

    id: Mapped[Key]
    source_asset_id: Mapped[int]
    target_asset_id: Mapped[int]


class ThresholdRow(TenantOwned, Base):
    """The ThresholdDatabase's operating limits, approved by the client."""

    __tablename__ = "thresholds"
    __table_args__ = (
        Index(None, "tenant_id", "metric"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
    )

    id: Mapped[Key]
    asset_type: Mapped[Code100 | None]
    asset_id: Mapped[int | None]
    metric: Mapped[Code100]
    direction: Mapped[str] = mapped_column(String(10))
    """high or low"""
    limit_value: Mapped[float] = mapped_column(Double)
    unit: Mapped[Code50 | None]
    severity: Mapped[Code20]
    is_active: Mapped[bool] = mapped_column(default=True)
    """In force. A proposal is not until somebody approves it."""
    approved_by: Mapped[int | None]
    approved_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    proposed_by: Mapped[int | None]
    replaces_id: Mapped[int | None]
    """The limit that this one takes the place of when it is approved."""
    reason: Mapped[Prose | None]
    ended_at: Mapped[datetime | None]
    """When it went out of force, or was turned down."""
    dead_band_percent: Mapped[float | None] = mapped_column(Double)
    """Of the signal's normal span: how far it must come back; None is the usual one, as of the delays."""
    on_delay_s: Mapped[float | None] = mapped_column(Double)
    off_delay_s: Mapped[float | None] = mapped_column(Double)


class CostReference(TenantOwned, Base):
    """The ThresholdDatabase's cost of an hour of downtime, of the narrowest scope that is named."""

    __tablename__ = "cost_references"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        ForeignKeyConstraint(["tenant_id", "site_id"], ["sites.tenant_id", "sites.id"]),
    )

    id: Mapped[Key]
    asset_id: Mapped[int | None]
    site_id: Mapped[int | None]
    asset_type: Mapped[Code100 | None]
    cost_per_hour: Mapped[Money]
    currency: Mapped[str] = mapped_column(String(10), default="SAR")
    source: Mapped[Line | None]
    approved_at: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    """In force. A proposal is not until somebody approves it."""
    approved_by: Mapped[int | None]
    created_at: Mapped[CreatedAt]
    proposed_by: Mapped[int | None]
    replaces_id: Mapped[int | None]
    reason: Mapped[Prose | None]
    ended_at: Mapped[datetime | None]


class DowntimeReference(TenantOwned, Base):
    """Typical downtime of a cause on an asset type, in hours, before any history is known."""

    __tablename__ = "downtime_references"
    __table_args__ = (Index(None, "tenant_id", "cause"),)

    id: Mapped[Key]
    cause: Mapped[Code100]
    asset_type: Mapped[Code100 | None]
    hours: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    source: Mapped[Line | None]


class CarbonFactor(TenantOwned, Base):
    __tablename__ = "carbon_factors"

    id: Mapped[Key]
    energy_type: Mapped[Code50]
    factor_kg_per_kwh: Mapped[Decimal] = mapped_column(Numeric(10, 5))
    source: Mapped[Line | None]
    valid_from: Mapped[date | None] = mapped_column(Date)
    is_active: Mapped[bool] = mapped_column(default=True)


class MachineSpec(TenantOwned, Base):
    """Manufacturer's data of an asset or an asset type.

    ``spec`` has ``document``, ``checklist_page``, ``checklist`` (list of lines), ``typical_power_kw``,
    ``energy_type`` and ``expected`` (metric to [low, high]).
    """

    __tablename__ = "machine_specs"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),)

    id: Mapped[Key]
    asset_id: Mapped[int | None]
    asset_type: Mapped[Code100 | None]
    spec: Mapped[Json]


class ClockDrift(TenantOwned, Base):
    """Seconds that a source's clock is ahead of UTC.

    ``source`` is a source_system word or ``integration:<id>``; ``time_zone`` is how its naive times
    are meant.
    """

    __tablename__ = "clock_drifts"
    __table_args__ = (UniqueConstraint("tenant_id", "source"),)

    id: Mapped[Key]
    source: Mapped[Code100]
    drift_s: Mapped[float] = mapped_column(Double, default=0.0)
    time_zone: Mapped[Code50 | None]


class IncidentWindow(TenantOwned, Base):
    """Minutes before and after the anchor; ``asset_type`` None holds for the tenant."""

    __tablename__ = "incident_windows"
    __table_args__ = (UniqueConstraint("tenant_id", "asset_type", postgresql_nulls_not_distinct=True),)

    id: Mapped[Key]
    asset_type: Mapped[Code100 | None]
    before_minutes: Mapped[float] = mapped_column(Double)
    after_minutes: Mapped[float] = mapped_column(Double)


class DetectorSetting(TenantOwned, Base):
    """A detector by name for an asset type (None: all) and metric (None: all)."""

    __tablename__ = "detector_settings"

    id: Mapped[Key]
    asset_type: Mapped[Code100 | None]
    metric: Mapped[Code100 | None]
    detector: Mapped[Code100]
    parameters: Mapped[Json] = mapped_column(default=dict)
    is_active: Mapped[bool] = mapped_column(default=True)


class DetectorCheckpoint(TenantOwned, Base):
    """Learned detector state as JSON, never a pickle.

    ``position`` is the message of the log up to which it has learned (0 without a log), ``epoch`` the turn
    of the lease it was stored in, ``generation`` its number; ``seal`` vouches for all of them.
    """

    __tablename__ = "detector_checkpoints"

    tenant_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[Code100] = mapped_column(primary_key=True)
    state: Mapped[Json]
    saved_at: Mapped[CreatedAt]
    epoch: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    position: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    generation: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    seal: Mapped[str | None] = mapped_column(String(100))


class HistoryChunk(TenantOwned, Base):
    """Samples of one tag over at most a minute, in daily partitions.

    Sample i is at ``t0 + dt[i]`` microseconds with ``value[i]`` and ``quality[i]`` (0 good, 1 uncertain,
    2 bad).
    """

    __tablename__ = "history_chunks"
    __table_args__ = {"postgresql_partition_by": "RANGE (t0)"}

    tenant_id: Mapped[int] = mapped_column(Integer)
    tag_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    t0: Mapped[datetime] = mapped_column(primary_key=True)
    dt: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    value: Mapped[list[float]] = mapped_column(ARRAY(Double))
    quality: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
