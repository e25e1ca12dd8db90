"""What leaves the product: deliveries of notifications, webhooks, and how people want to be told."""

from datetime import datetime, time
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4, uuid5

from sqlalchemy import (
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code20, Code50, CreatedAt, Json, Key, Line, Prose, TenantOwned

WAITING: Final = text("next_attempt_at IS NOT NULL")


class DeliveryState(StrEnum):
    HELD = "held"
    """Waits for the end of quiet hours, of a digest's minutes or of a flood."""
    PENDING = "pending"
    SENDING = "sending"
    """Claimed until ``next_attempt_at``; then whoever claimed it counts as dead."""
    DELIVERED = "delivered"
    DIGESTED = "digested"
    """Told by the delivery ``digest_id``."""
    DROPPED = "dropped"
    """Nobody wants it any more: the person is gone, or the channel or webhook was switched off."""
    DEAD = "dead"


class Queued:
    """A row that is the queue: due when ``next_attempt_at`` is over, done when that is None."""

    status: Mapped[Code20] = mapped_column(default=DeliveryState.PENDING.value)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    last_error: Mapped[Prose | None]
    delivered_at: Mapped[datetime | None]
    claim: Mapped[UUID | None]
    """Who sends it now; an outcome without this claim is not written."""
    created_at: Mapped[CreatedAt]


class Delivery(Queued, TenantOwned, Base):
    """A notification on its way out of the product to its person, by e-mail or another channel."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "notification_id", "channel"),
        ForeignKeyConstraint(
            ["tenant_id", "notification_id"], ["notifications.tenant_id", "notifications.id"]
        ),
        Index("ix_notification_deliveries_next_attempt", "next_attempt_at", postgresql_where=WAITING),
        Index(None, "tenant_id", "user_id", "delivered_at"),
        Index(None, "digest_id"),
    )

    id: Mapped[Key]
    notification_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None]
    held_for: Mapped[Code20 | None]
    """quiet_hours, digest or flood"""
    digest_id: Mapped[int | None]
    """The delivery whose message tells this one; its own id in that delivery."""

    @property
    def key(self) -> UUID:
        """The same at every try: what a receiver knows a repeat by."""
        return uuid5(self.notification_id, self.channel)


class NotificationPreferenceRow(TenantOwned, Base):
    """How one person wants to be told outside the product; without a row: at once, of everything.

    ``channels`` is ``{"email": {"is_on": bool, "min_severity": word}}``. Quiet hours are times of
    ``time_zone`` (IANA) that begin on ``quiet_weekdays`` (ISO, Monday 1); equal ends mean a whole day.
    """

    __tablename__ = "notification_preferences"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
    )

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    channels: Mapped[Json]
    quiet_start: Mapped[time | None] = mapped_column(Time)
    quiet_end: Mapped[time | None] = mapped_column(Time)
    quiet_weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    time_zone: Mapped[Code50]
    critical_breaks_through: Mapped[bool]
    digest_minutes: Mapped[int]
    handover_digest: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Whether they are told at their hand-over what happened since the last one."""
    updated_at: Mapped[CreatedAt]


class WebhookRow(TenantOwned, Base):
    """An address of a tenant that is told of every fact of ``kinds`` (None: of all) from ``min_severity`` on.

    ``secret`` is sealed; None only until the row has its id.
    """

    __tablename__ = "webhooks"
    __table_args__ = (UniqueConstraint("tenant_id", "id"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[Key]
    name: Mapped[Line]
    url: Mapped[Prose]
    secret: Mapped[Prose | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(String(50)))
    min_severity: Mapped[Code20]
    created_by: Mapped[int | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime | None]


class WebhookDelivery(Queued, TenantOwned, Base):
    """A fact on its way to a webhook; ``id`` is what a receiver knows a repeat by, ``body`` the JSON sent."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "webhook_id", "fact"),
        ForeignKeyConstraint(
            ["tenant_id", "webhook_id"], ["webhooks.tenant_id", "webhooks.id"], ondelete="CASCADE"
        ),
        Index("ix_webhook_deliveries_next_attempt", "next_attempt_at", postgresql_where=WAITING),
        Index(None, "tenant_id", "webhook_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    webhook_id: Mapped[int]
    fact: Mapped[Line]
    kind: Mapped[Code50]
    body: Mapped[Prose]
