"""Events, incidents, their analyses, and the causal rules."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    String,
    UniqueConstraint,
    text,
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
    JsonList,
    Key,
    Line,
    Long,
    Prose,
    TenantOwned,
)
from optria.kit import clock


class EventRow(TenantOwned, Base):
    __tablename__ = "blackbox_events"
    __v1__ = True
    __table_args__ = (
        Index(None, "tenant_id", "asset_id", "event_time"),
        Index(None, "tenant_id", "event_time"),
        UniqueConstraint("idempotency_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    source_system: Mapped[Code50]
    source_type: Mapped[Code50]
    source_id: Mapped[Line | None]
    event_time: Mapped[datetime]
    ingest_time: Mapped[datetime | None] = mapped_column(default=clock.now)
    severity: Mapped[Code20 | None] = mapped_column(default="INFO")
    event_category: Mapped[Code50]
    summary: Mapped[Long | None]
    payload: Mapped[Json | None] = mapped_column(default=dict)
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(String), default=list)
    is_processed: Mapped[bool | None] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    # additive
    idempotency_key: Mapped[Line | None]
    alike: Mapped[str | None] = mapped_column(String(32))
    """The same for events that say the same, whatever their values and times."""
    folded_into: Mapped[UUID | None]
    """The event that stands for this one where many alike came in a short time."""
    suppressed_by: Mapped[Code50 | None]
    """``shelving:7`` or ``maintenance:7``: it came while that kept it quiet."""


class IncidentEvent(TenantOwned, Base):
    __tablename__ = "blackbox_incident_events"
    __v1__ = True
    __table_args__ = (
        Index(None, "incident_id"),
        UniqueConstraint("idempotency_key"),
    )

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("blackbox_incidents.id"))
    event_id: Mapped[UUID] = mapped_column(ForeignKey("blackbox_events.id"))
    role: Mapped[Code20 | None] = mapped_column(default="UNKNOWN")
    sequence_order: Mapped[int | None] = mapped_column(default=0)
    notes: Mapped[Prose | None]
    added_by: Mapped[int | None]
    added_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    # additive
    idempotency_key: Mapped[Line | None]


class IncidentRow(TenantOwned, Base):
    """An incident. The row is the queue: ``next_pass_at`` says when it wants to be analysed again.

    ``dedup_key`` (asset and mode) is unique while the episode lasts and cleared when it is over.
    """

    __tablename__ = "blackbox_incidents"
    __v1__ = True
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        Index(
            "uq_blackbox_incidents_open_episode",
            "tenant_id",
            "dedup_key",
            unique=True,
            postgresql_where=text("dedup_key IS NOT NULL"),
        ),
        Index(
            "ix_blackbox_incidents_next_pass",
            "next_pass_at",
            postgresql_where=text("next_pass_at IS NOT NULL"),
        ),
        Index(None, "tenant_id", "start_time"),
        Index(None, "tenant_id", "root_asset_id", "start_time"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    incident_number: Mapped[Code50 | None]
    incident_type: Mapped[str] = mapped_column(String(30))
    status: Mapped[Code20] = mapped_column(default="OPEN")
    severity: Mapped[Code20] = mapped_column(default="MINOR")
    title: Mapped[Line | None]
    description: Mapped[Prose | None]
    root_asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    impact_scope: Mapped[Json | None] = mapped_column(default=dict)
    start_time: Mapped[datetime]
    end_time: Mapped[datetime | None]
    trigger_event_id: Mapped[UUID | None]
    rca_status: Mapped[Code20 | None] = mapped_column(default="PENDING")
    rca_summary: Mapped[Json | None] = mapped_column(default=dict)
    rca_completed_at: Mapped[datetime | None]
    rca_completed_by: Mapped[int | None]
    event_story: Mapped[Prose | None]
    event_story_ar: Mapped[Prose | None]
    root_cause_scores: Mapped[Json | None] = mapped_column(default=dict)
    recommended_actions: Mapped[JsonList | None] = mapped_column(default=list)
    financial_impact_estimate: Mapped[Json | None] = mapped_column(default=dict)
    carbon_impact_estimate: Mapped[Json | None] = mapped_column(default=dict)
    auto_work_order_id: Mapped[int | None]
    auto_work_order_created: Mapped[bool | None] = mapped_column(default=False)
    impact_estimate: Mapped[Json | None] = mapped_column(default=dict)
    assigned_to: Mapped[int | None]
    resolved_by: Mapped[int | None]
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    # additive
    dedup_key: Mapped[Line | None]
    anchor: Mapped[Json | None]
    """core.incident.Anchor as JSON (times as ISO 8601)."""
    window_start: Mapped[datetime | None]
    window_end: Mapped[datetime | None]
    next_pass_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    last_error: Mapped[Prose | None]
    anchored_at: Mapped[datetime | None]
    """Wall-clock time at which the anchor was set (anchor.time is source time)."""
    analysed_at: Mapped[datetime | None]
    ordered_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None]
    root_cause_codes: Mapped[Json | None]
    pattern: Mapped[Json | None]
    """{"signature": {feature: number}, "event_types": [...]} for later comparison."""
    confirmed_cause: Mapped[Code100 | None]
    resolution: Mapped[Prose | None]
    downtime_hours: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    occurrences: Mapped[int] = mapped_column(server_default="1", default=1)
    recurrence_of: Mapped[UUID | None]
    """The incident whose fix turned out not to be effective, because this one came after it."""


class AnalysisRow(TenantOwned, Base):
    """One revision of the analysis of an incident; 1 is provisional, the last is final."""

    __tablename__ = "incident_analyses"
    __table_args__ = (
        UniqueConstraint("tenant_id", "incident_id", "revision"),
        ForeignKeyConstraint(
            ["tenant_id", "incident_id"], ["blackbox_incidents.tenant_id", "blackbox_incidents.id"]
        ),
    )

    id: Mapped[Key]
    incident_id: Mapped[UUID]
    revision: Mapped[int]
    is_final: Mapped[bool] = mapped_column(default=False)
    analysis: Mapped[Json]
    requested_by: Mapped[int | None]
    created_at: Mapped[CreatedAt]


class RcaRule(TenantOwned, Base):
    """A causal rule. ``tenant_id`` None is a rule of the system, seen by every tenant."""

    __tablename__ = "blackbox_rca_rules"
    __v1__ = True

    id: Mapped[Key]
    tenant_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("tenants.id"))  # type: ignore[assignment]
    name: Mapped[Code100]
    description: Mapped[Prose | None]
    pattern: Mapped[Json]
    root_cause_category: Mapped[Code100]
    confidence: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    is_active: Mapped[bool | None] = mapped_column(default=True)
    is_system: Mapped[bool | None] = mapped_column(default=False)
    priority: Mapped[int | None] = mapped_column(default=100)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """The number of the newest row of its history; 0 where nobody has changed it since it was made."""
    draft: Mapped[Json | None]
    """What it would say if it were published; the analysis knows nothing of it."""


class RuleRevision(TenantOwned, Base):
    """One step in the life of a causal rule: what it said then, who did it. Written once, never changed.

    ``deed`` is ``found``, ``drafted``, ``published``, ``reverted``, ``retired`` or ``discarded``;
    ``is_published``: the content was in force from then on. ``proof`` is what the back-test before it found.
    """

    __tablename__ = "rca_rule_revisions"
    __table_args__ = (UniqueConstraint("tenant_id", "rule_id", "version"),)

    id: Mapped[Key]
    rule_id: Mapped[int] = mapped_column(ForeignKey("blackbox_rca_rules.id", ondelete="CASCADE"))
    version: Mapped[int]
    deed: Mapped[Code20]
    is_published: Mapped[bool]
    content: Mapped[Json]
    proof: Mapped[Json | None]
    made_by: Mapped[int | None]
    made_at: Mapped[CreatedAt]
