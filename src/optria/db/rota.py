"""The on-call rota: who takes over from whom, in the plant's own time."""

from datetime import date, datetime, time

from sqlalchemy import Date, ForeignKeyConstraint, Index, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code50, CreatedAt, Key, Line, TenantOwned


class OnCallRotation(TenantOwned, Base):
    """People in turn, each for ``shift_days`` days from ``starts_on``, handing over at ``handover_at``.

    Dates and times are of ``time_zone`` (IANA). ``site_id`` None is every site. A shift of
    ``on_call_shifts`` goes before a rotation: that is an override.
    """

    __tablename__ = "on_call_rotations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "site_id"], ["sites.tenant_id", "sites.id"]),
    )

    id: Mapped[Key]
    name: Mapped[Line]
    site_id: Mapped[int | None]
    time_zone: Mapped[Code50]
    starts_on: Mapped[date] = mapped_column(Date)
    handover_at: Mapped[time] = mapped_column(Time)
    shift_days: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[CreatedAt]


class OnCallMember(TenantOwned, Base):
    """The place of a person in a rotation, from 0."""

    __tablename__ = "on_call_members"
    __table_args__ = (
        UniqueConstraint("rotation_id", "position"),
        Index(None, "tenant_id", "rotation_id"),
        ForeignKeyConstraint(
            ["tenant_id", "rotation_id"],
            ["on_call_rotations.tenant_id", "on_call_rotations.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    )

    id: Mapped[Key]
    rotation_id: Mapped[int]
    position: Mapped[int]
    user_id: Mapped[int]


class OnCallShift(TenantOwned, Base):
    """Who is on call in [starts_at, ends_at), whatever the rotations say; ``site_id`` None is every site."""

    __tablename__ = "on_call_shifts"
    __table_args__ = (
        Index(None, "tenant_id", "starts_at"),
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"]),
    )

    id: Mapped[Key]
    user_id: Mapped[int]
    site_id: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
