"""Alarms that are kept quiet on purpose: shelved by a person, or of an asset that is in maintenance."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, INTEGER
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code20, Key, Prose, TenantOwned


class Shelving(TenantOwned, Base):
    """Alarms of an asset, or of one of its signals, that a person has taken aside until ``until``.

    ``mode`` None is of every kind, "process" or "sensor" of what the detectors call so. ``returned_at``: it
    is over, and what goes on was looked at.
    """

    __tablename__ = "alarm_shelvings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "mapping_id"],
            ["external_signal_mappings.tenant_id", "external_signal_mappings.id"],
            ondelete="CASCADE",
        ),
        Index(None, "tenant_id", "asset_id"),
        Index("ix_alarm_shelvings_not_returned", "until", postgresql_where=text("returned_at IS NULL")),
    )

    id: Mapped[Key]
    asset_id: Mapped[int]
    mapping_id: Mapped[int | None]
    mode: Mapped[Code20 | None]
    reason: Mapped[Prose]
    includes_critical: Mapped[bool]
    shelved_by: Mapped[int]
    shelved_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When somebody took it back before its time."""
    ended_by: Mapped[int | None]
    returned_at: Mapped[datetime | None]


class MaintenanceWindow(TenantOwned, Base):
    """Planned work on a site, or on ``asset_ids`` of it: nothing of them alarms in [starts_at, ends_at).

    ``learn_anew``: afterwards the detectors learn the assets as new. ``returned_at`` as of a shelving.
    """

    __tablename__ = "maintenance_windows"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "site_id"], ["sites.tenant_id", "sites.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
        Index(None, "tenant_id", "ends_at"),
        Index("ix_maintenance_windows_not_returned", "ends_at", postgresql_where=text("returned_at IS NULL")),
    )

    id: Mapped[Key]
    site_id: Mapped[int]
    asset_ids: Mapped[list[int]] = mapped_column(ARRAY(INTEGER))
    """Empty: the whole site."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[Prose]
    work_order_id: Mapped[int | None]
    learn_anew: Mapped[bool]
    planned_by: Mapped[int]
    planned_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When somebody ended it early, or called it off."""
    ended_by: Mapped[int | None]
    returned_at: Mapped[datetime | None]
