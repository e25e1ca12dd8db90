"""What the overview is made of, read in a constant number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import Numeric, bindparam, case, cast, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import DateTime, Integer, Interval

from optria.core.roles import Permission, can
from optria.core.work_order import ACTIVE_STATUSES
from optria.db.blackbox import IncidentRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web.filters import severity_key
from optria.web.orders import work_order_views
from optria.web.overview.periods import Period
from optria.web.sessions import Viewer
from optria.web.sight import ACTIVE_INCIDENTS, sees_analysis, visible

MOST_INCIDENTS: Final = 5_000
"""Read at most so many, the latest; the page says so when there were more."""
STEPS: Final = 96
_COVERAGE: Final = text(
    "SELECT DISTINCT asked.unit, step.i"
    " FROM unnest(:units, :tags) AS asked(unit, tag) CROSS JOIN generate_series(0, :steps - 1) AS step(i)"
    " CROSS JOIN LATERAL (SELECT 1 FROM history_chunks AS chunk WHERE chunk.tag_id = asked.tag"
    " AND chunk.t0 >= :start + step.i * :step AND chunk.t0 < :start + (step.i + 1) * :step LIMIT 1) AS found"
).bindparams(
    bindparam("units", type_=ARRAY(Integer)),
    bindparam("tags", type_=ARRAY(Integer)),
    bindparam("steps", type_=Integer),
    bindparam("start", type_=DateTime(timezone=True)),
    bindparam("step", type_=Interval),
)


@dataclass(frozen=True, slots=True)
class IncidentFact:
    """An incident as the overview counts it; money and carbon None where unknown or not for this viewer."""

    id: UUID
    asset_id: int | None
    site_id: int | None
    severity: str
    is_active: bool
    start: datetime
    end: datetime
    latency_s: float | None = None
    money: Decimal | None = None
    currency: str = ""
    carbon_kg: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OrderFact:
    """Open orders of one asset and priority."""

    asset_id: int | None
    priority: str
    count: int
    overdue: int
    to_approve: int


async def read_incidents(tx: Tx, viewer: Viewer, period: Period) -> Sequence[IncidentFact]:
    """The incidents that the viewer may see and that are active or reach into the period, latest first."""
    row = IncidentRow
    is_active = row.status.in_(ACTIVE_INCIDENTS)
    end = case((is_active, period.end), else_=func.coalesce(row.end_time, row.resolved_at, row.start_time))
    query = (
        select(
            row.id,
            row.root_asset_id,
            row.site_id,
            row.severity,
            is_active.label("is_active"),
            row.start_time,
            end.label("end"),
            row.anchored_at,
            case((row.auto_work_order_created.is_(True), row.ordered_at)).label("ordered_at"),
            cast(row.financial_impact_estimate["total_estimated_cost"].astext, Numeric).label("money"),
            row.financial_impact_estimate["currency"].astext.label("currency"),
            cast(row.carbon_impact_estimate["carbon_kg"].astext, Numeric).label("carbon_kg"),
        )
        .where(visible(viewer), row.start_time <= period.end, or_(is_active, end >= period.start))
        .order_by(row.start_time.desc(), row.id)
        .limit(MOST_INCIDENTS)
    )
    tells = sees_analysis(viewer)
    return [
        IncidentFact(
            id=found.id,
            asset_id=found.root_asset_id,
            site_id=found.site_id,
            severity=severity_key(found.severity),
            is_active=found.is_active,
            start=found.start_time,
            end=max(found.end, found.start_time),
            latency_s=_seconds(found.anchored_at, found.ordered_at),
            money=found.money if tells else None,
            currency=(found.currency or "") if tells else "",
            carbon_kg=found.carbon_kg if tells else None,
        )
        for found in (await tx.session.execute(query)).all()
    ]


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


async def read_orders(tx: Tx, viewer: Viewer, now: datetime) -> Sequence[OrderFact]:
    """Open orders that the viewer may see; none for a role that sees no orders."""
    if not can(viewer.role, Permission.VIEW_WORK_ORDERS):
        return []
    row = WorkOrderRow
    query = (
        select(
            row.asset_id,
            row.priority,
            func.count(),
            func.count().filter(row.due_at < now),
            func.count().filter(row.status == "pending_approval"),
        )
        .where(row.status.in_(ACTIVE_STATUSES), work_order_views.visible(viewer))
        .group_by(row.asset_id, row.priority)
    )
    found = (await tx.session.execute(query)).all()
    return [OrderFact(asset_id, priority or "medium", *counts) for asset_id, priority, *counts in found]


async def read_coverage(
    tx: Tx, tags: Mapping[int, Sequence[int]], period: Period
) -> Mapping[int, Sequence[bool]]:
    """Per unit, whether anything of its tags was stored in each of ``STEPS`` equal steps of the period.

    One look into the primary key per tag and step, however much is stored.
    """
    pairs = [(unit, tag) for unit, known in tags.items() for tag in known]
    asked = {
        "units": [unit for unit, _ in pairs],
        "tags": [tag for _, tag in pairs],
        "steps": STEPS,
        "start": period.start,
        "step": timedelta(hours=period.hours) / STEPS,
    }
    covered: dict[int, list[bool]] = {unit: [False] * STEPS for unit in tags}
    for unit, step in (await tx.session.execute(_COVERAGE, asked)).all():
        covered[unit][step] = True
    return covered
