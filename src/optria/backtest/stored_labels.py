"""Incidents that people have judged, and how would-be incidents compare with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from optria.blackbox.incidents import reached
from optria.core.causes import NO_FAULT
from optria.core.incident import cause_label
from optria.db.blackbox import IncidentRow
from optria.db.learning import CauseConfirmation
from optria.db.session import Tx

TOLERANCE = timedelta(minutes=30)
"""A would-be incident this much before or after a judged one may still be the same."""
MOST_LABELS = 1_000


@dataclass(frozen=True, slots=True)
class Label:
    """A stored incident of the period whose cause people have confirmed, or that they called false."""

    incident_id: str
    number: str
    asset_id: int
    assets: frozenset[int]
    start: datetime
    end: datetime
    severity: str
    cause: str
    is_false: bool
    """People looked and found nothing wrong."""

    def fits(self, assets: set[int], at: datetime) -> bool:
        """Whether an incident of these assets at that time is this one."""
        return bool(self.assets & assets) and self.start - TOLERANCE <= at <= self.end + TOLERANCE


async def load_labels(tx: Tx, start: datetime, end: datetime, assets: frozenset[int]) -> tuple[Label, ...]:
    """The judged incidents that began in [start, end) on one of ``assets``, oldest first."""
    found = CauseConfirmation
    query = (
        select(IncidentRow, found.is_fault)
        .join(found, (found.incident_id == IncidentRow.id) & found.is_withdrawn.is_(False), isouter=True)
        .where(
            IncidentRow.tenant_id == tx.tenant_id,
            IncidentRow.start_time >= start,
            IncidentRow.start_time < end,
            or_(IncidentRow.confirmed_cause.is_not(None), found.is_fault.is_(False)),
        )
        .order_by(IncidentRow.start_time, IncidentRow.id)
        .limit(MOST_LABELS)
    )
    rows = (await tx.session.execute(query)).all()
    labels = (_label(row, is_false=is_fault is False) for row, is_fault in rows)
    return tuple(label for label in labels if label.assets & assets)


def _label(row: IncidentRow, *, is_false: bool) -> Label:
    cause = cause_label(row.confirmed_cause or "")
    is_false = is_false or cause == NO_FAULT
    return Label(
        incident_id=str(row.id),
        number=row.incident_number or str(row.id),
        asset_id=row.root_asset_id or 0,
        assets=frozenset(reached(row)),
        start=row.start_time,
        end=max(row.end_time or row.start_time, row.start_time),
        severity=row.severity,
        cause="" if is_false else cause,
        is_false=is_false,
    )


def nearest(labels: Sequence[Label], assets: set[int], at: datetime) -> Label | None:
    """The judged incident that a would-be one is; of several the one that began closest."""
    fitting = [label for label in labels if label.fits(assets, at)]
    return min(fitting, key=lambda label: abs(label.start - at), default=None)
