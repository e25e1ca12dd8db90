"""Seals of recordings: what an incident's window held when it was over, as a hash in a chain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Json, Key, TenantOwned


class SealRow(TenantOwned, Base):
    """The seal of one recording, added once and never changed (:mod:`optria.blackbox.sealing`).

    ``content`` says what was hashed: per tag the number, the hash and the times of its samples, per event
    its hash. ``sequence`` counts the seals of a tenant from 1; each holds the hash of the one before it.
    """

    __tablename__ = "incident_seals"
    __table_args__ = (
        UniqueConstraint("tenant_id", "incident_id"),
        UniqueConstraint("tenant_id", "sequence"),
        ForeignKeyConstraint(
            ["tenant_id", "incident_id"], ["blackbox_incidents.tenant_id", "blackbox_incidents.id"]
        ),
    )

    id: Mapped[Key]
    incident_id: Mapped[UUID]
    sequence: Mapped[int]
    sealed_at: Mapped[datetime]
    sha256: Mapped[str] = mapped_column(String(64))
    previous_sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[Json]
