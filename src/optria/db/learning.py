"""What finished work taught: causes as people confirmed them, beside what the analysis had said."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code20, Code100, CreatedAt, Hours, Json, Key, TenantOwned


class CauseConfirmation(TenantOwned, Base):
    """What people found at one incident (or one order of no incident): one row, corrected in place.

    ``subject`` is ``incident:<uuid>`` or ``order:<id>``: completing twice teaches once. ``ordered_said`` and
    ``final_said`` are what the analysis said when the order was made and when the window had closed:
    ``{"scores": {label: p}, "calibration": factor, "final": bool}``.
    """

    __tablename__ = "cause_confirmations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject"),
        Index(None, "tenant_id", "confirmed_at"),
        ForeignKeyConstraint(
            ["tenant_id", "incident_id"], ["blackbox_incidents.tenant_id", "blackbox_incidents.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    )

    id: Mapped[Key]
    subject: Mapped[Code100]
    incident_id: Mapped[UUID | None]
    work_order_id: Mapped[int | None]
    asset_id: Mapped[int | None]
    asset_type: Mapped[Code100 | None]
    cause: Mapped[Code100 | None]
    """A label; None where nobody said, or nothing was wrong."""
    is_fault: Mapped[bool] = mapped_column(default=True)
    """False: people looked and found nothing wrong."""
    is_effective: Mapped[bool] = mapped_column(default=True)
    """False: the anomaly came back within the verification period."""
    is_withdrawn: Mapped[bool] = mapped_column(default=False)
    """The order was opened again by a person: nothing is known for the time being."""
    downtime_hours: Mapped[Hours | None]
    labour_hours: Mapped[Hours | None]
    ordered_said: Mapped[Json | None]
    final_said: Mapped[Json | None]
    lead_s: Mapped[float | None] = mapped_column(Double)
    """Seconds from the anchor to ``lead_until``: the asset's first ``critical`` event, or the ``work``."""
    lead_until: Mapped[Code20 | None]
    corrections: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[int | None]


class CauseCalibration(TenantOwned, Base):
    """How the probabilities of a tenant's analyses are to be sharpened; the newest row holds.

    ``p ~ p ** (1 / factor)``: above 1 the analysis had been too sure. ``cases`` confirmed orders taught it;
    the losses are the mean -ln p of the confirmed cause, as said and with the factor.
    """

    __tablename__ = "cause_calibrations"
    __table_args__ = (Index(None, "tenant_id", "fitted_at"),)

    id: Mapped[Key]
    factor: Mapped[float] = mapped_column(Double)
    cases: Mapped[int]
    log_loss_before: Mapped[float | None] = mapped_column(Double)
    log_loss_after: Mapped[float | None] = mapped_column(Double)
    fitted_at: Mapped[CreatedAt]
