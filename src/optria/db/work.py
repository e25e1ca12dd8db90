"""Work orders, notes and notifications."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    Date,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import (
    Base,
    Code20,
    Code50,
    Code100,
    CreatedAt,
    Hours,
    Json,
    JsonList,
    Key,
    Line,
    Long,
    Prose,
    TenantOwned,
)
from optria.kit import clock


class WorkOrderRow(TenantOwned, Base):
    __tablename__ = "work_orders"
    __v1__ = True
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("idempotency_key"),
        Index(None, "tenant_id", "status"),
        Index(None, "tenant_id", "asset_id"),
        Index(None, "tenant_id", "incident_id"),
    )

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    recommendation_id: Mapped[int | None]
    incident_id: Mapped[Line | None]
    code: Mapped[Code100]
    work_order_number: Mapped[Code50 | None]
    title: Mapped[Line]
    title_ar: Mapped[Line | None]
    description: Mapped[Prose | None]
    work_type: Mapped[Code50 | None]
    priority: Mapped[Code20 | None] = mapped_column(default="medium")
    status: Mapped[Code20 | None] = mapped_column(default="open")
    source: Mapped[Code50 | None] = mapped_column(default="MANUAL")
    assigned_to: Mapped[int | None]
    scheduled_date: Mapped[date | None] = mapped_column(Date)
    due_date: Mapped[date | None] = mapped_column(Date)
    scheduled_start: Mapped[datetime | None]
    scheduled_end: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    estimated_hours: Mapped[Hours | None]
    actual_hours: Mapped[Hours | None]
    notes: Mapped[Prose | None]
    created_by: Mapped[int | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    # additive
    idempotency_key: Mapped[Line | None]
    version: Mapped[int] = mapped_column(server_default="1", default=1)
    checklist: Mapped[JsonList | None]
    """[{"text", "text_ar", "done": bool}] from the recommended actions."""
    due_at: Mapped[datetime | None]
    failure_note: Mapped[Prose | None]
    actual_cause: Mapped[Code100 | None]
    downtime_hours: Mapped[Hours | None]
    not_effective_count: Mapped[int] = mapped_column(server_default="0", default=0)
    """How often the anomaly came back after the work was done."""


class WorkOrderHistory(TenantOwned, Base):
    """What happened to an order: moves and notes."""

    __tablename__ = "work_order_history"
    __table_args__ = (
        Index(None, "tenant_id", "work_order_id"),
        ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    )

    id: Mapped[Key]
    work_order_id: Mapped[int]
    user_id: Mapped[int | None]
    kind: Mapped[Code20]
    """created, moved, note, amended, assigned"""
    body: Mapped[Prose]
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]


class WorkOrderPolicyRow(TenantOwned, Base):
    """When incidents get orders; one row a tenant."""

    __tablename__ = "work_order_policies"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    min_probability: Mapped[float] = mapped_column(Double, default=0.6)
    initial_status: Mapped[Code20] = mapped_column(default="open")
    watchers: Mapped[list[int]] = mapped_column(ARRAY(INTEGER), default=list)
    min_severity: Mapped[Code20] = mapped_column(server_default="MAJOR", default="MAJOR")
    verification_hours: Mapped[float] = mapped_column(Double, server_default="24", default=24.0)
    """How long after the work a returning anomaly reopens its order; 0 never does."""
    rebaseline_when_closed: Mapped[bool] = mapped_column(server_default="true", default=True)
    """Whether the detectors learn an asset anew when its corrective order is closed."""
    longest_shelving_hours: Mapped[float] = mapped_column(Double, server_default="24", default=24.0)
    """For how long alarms may be shelved at most."""


class NotificationRow(TenantOwned, Base):
    __tablename__ = "notifications"
    __v1__ = True
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("idempotency_key"),
        Index(None, "tenant_id", "user_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    notification_type: Mapped[Code50]
    title: Mapped[Line]
    title_ar: Mapped[Line | None]
    body: Mapped[Prose | None]
    body_ar: Mapped[Prose | None]
    severity: Mapped[Code20 | None] = mapped_column(default="INFO")
    entity_type: Mapped[Code50 | None]
    entity_id: Mapped[Line | None]
    action_url: Mapped[Long | None]
    payload: Mapped[Json | None] = mapped_column(default=dict)
    is_read: Mapped[bool | None] = mapped_column(default=False)
    read_at: Mapped[datetime | None]
    is_dismissed: Mapped[bool | None] = mapped_column(default=False)
    dismissed_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    # additive
    idempotency_key: Mapped[Line | None]
    folded_into: Mapped[UUID | None]
    """The digest that tells it, because it came in a flood."""


class Counter(TenantOwned, Base):
    """The last number given out per tenant, kind and year; taken under the row's lock."""

    __tablename__ = "counters"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True, autoincrement=False)
    name: Mapped[Code50] = mapped_column(primary_key=True)
    value: Mapped[int]
