"""The plant as it was at a moment: last values from history, incidents and orders as they stood then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Integer, and_, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from optria.core.incident import Analysis, cause_label
from optria.core.tag import Quality, to_micros
from optria.core.work_order import ACTIVE_STATUSES, WorkOrderStatus
from optria.db.blackbox import AnalysisRow, IncidentRow
from optria.db.identity import User
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.rca.storage import from_json
from optria.web.assets.readings import Reading
from optria.web.filters import severity_key
from optria.web.orders import work_order_views
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.sight import ACTIVE_INCIDENTS, visible
from optria.web.twin.past_view import Mark
from optria.web.twin.twin_page_model import IncidentView

BEFORE: Final = timedelta(hours=1)
"""How long before the moment the last value of a tag may lie; without one the tag had none."""
UNWRITTEN: Final = timedelta(minutes=1)
"""Samples younger than this may still be in memory only."""
SPAN: Final = timedelta(hours=24)
MOST_MARKS: Final = 200
CHUNKS: Final = 12
"""The newest rows of a tag that are opened: those of a minute, which is as far as rows can overlap."""

LAST_BEFORE: Final = text(
    "SELECT asked.tag_id, found.time, found.v, found.q FROM unnest(:tags) AS asked(tag_id)"
    " CROSS JOIN LATERAL (SELECT newest.t0 + d * interval '1 microsecond' AS time, v, q FROM"
    " (SELECT t0, dt, value, quality FROM history_chunks WHERE tag_id = asked.tag_id AND t0 <= :at"
    " AND t0 >= :since ORDER BY t0 DESC LIMIT :chunks) AS newest,"
    " unnest(newest.dt, newest.value, newest.quality) AS sample(d, v, q)"
    " WHERE newest.t0 + d * interval '1 microsecond' <= :at ORDER BY time DESC LIMIT 1) AS found"
).bindparams(
    bindparam("tags", type_=ARRAY(Integer)),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("since", type_=DateTime(timezone=True)),
    bindparam("chunks", CHUNKS, type_=Integer),
)


async def readings_at(
    tx: Tx, services: Services, tenant_id: int, tags: Sequence[int], at: datetime
) -> Mapping[int, Reading]:
    """The last sample of each tag at or before ``at``, in one statement."""
    asked = {"tags": list(tags), "at": at, "since": at - BEFORE}
    rows = (await tx.session.execute(LAST_BEFORE, asked)).all() if tags else []
    found = {tag: _reading(tag, time, value, quality) for tag, time, value, quality in rows}
    if clock.now() - at > UNWRITTEN:
        return found
    return found | _from_memory(services, tenant_id, tags, at)


def _reading(tag: int, time: datetime, value: float, quality: int) -> Reading:
    return Reading(tag, time, value if isfinite(value) else None, Quality(quality))


def _from_memory(services: Services, tenant_id: int, tags: Sequence[int], at: datetime) -> dict[int, Reading]:
    pipeline = services.pipelines.get(tenant_id)
    windows = pipeline.recent.windows(tags, at - UNWRITTEN, at) if pipeline else {}
    return {
        tag: _reading(
            tag,
            at - timedelta(microseconds=to_micros(at) - int(series.time[-1])),
            float(series.value[-1]),
            int(series.quality[-1]),
        )
        for tag, series in windows.items()
        if len(series)
    }


async def incidents_at(tx: Tx, viewer: Viewer, tenant_id: int, at: datetime) -> list[IncidentRow]:
    """Incidents that had begun and were not over, as far as the viewer may see them."""
    ended = func.coalesce(IncidentRow.end_time, IncidentRow.resolved_at, IncidentRow.updated_at)
    query = select(IncidentRow).where(
        IncidentRow.tenant_id == tenant_id,
        IncidentRow.start_time <= at,
        or_(IncidentRow.status.in_(ACTIVE_INCIDENTS), ended > at),
        visible(viewer),
    )
    return list((await tx.session.scalars(query.order_by(IncidentRow.start_time.desc()))).all())


async def analyses_at(tx: Tx, incidents: Sequence[IncidentRow], at: datetime) -> Mapping[UUID, Analysis]:
    """The analysis of each incident that was in force then."""
    query = (
        select(AnalysisRow)
        .where(AnalysisRow.incident_id.in_([row.id for row in incidents]), AnalysisRow.created_at <= at)
        .order_by(AnalysisRow.incident_id, AnalysisRow.revision.desc())
        .ext(distinct_on(AnalysisRow.incident_id))
    )
    return {row.incident_id: from_json(row.analysis) for row in await tx.session.scalars(query)}


def with_analysis(
    summary: IncidentView, row: IncidentRow, at: datetime, known: Analysis | None
) -> IncidentView:
    """``summary`` with what was known of its cause at that moment."""
    seen = replace(summary, acknowledged=row.acknowledged_at is not None and row.acknowledged_at <= at)
    if known is None:
        return seen
    causes = tuple((cause_label(label), p) for label, p in known.scores.items())
    actions = [(action.action, action.action_ar or action.action) for action in known.actions]
    return replace(
        seen,
        top_cause=causes[0][0] if causes else "",
        top_probability=causes[0][1] if causes else None,
        financial_impact=known.financial.amount if known.financial else None,
        currency=known.financial.currency if known.financial else "",
        carbon_kg=Decimal(known.carbon.carbon_kg) if known.carbon else None,
        story=known.story,
        story_ar=known.story_ar,
        causes=causes,
        actions=tuple(english for english, _ in actions),
        actions_ar=tuple(arabic for _, arabic in actions),
        provisional=known.provisional,
    )


async def orders_at(
    tx: Tx, viewer: Viewer, tenant_id: int, at: datetime
) -> Sequence[tuple[WorkOrderRow, User | None]]:
    """Orders that had been made and were not done with."""
    ended = func.coalesce(WorkOrderRow.completed_at, WorkOrderRow.updated_at)
    query = (
        select(WorkOrderRow, User)
        .join(User, User.id == WorkOrderRow.assigned_to, isouter=True)
        .where(
            WorkOrderRow.tenant_id == tenant_id,
            WorkOrderRow.created_at <= at,
            or_(WorkOrderRow.status.in_(ACTIVE_STATUSES), ended > at),
            work_order_views.visible(viewer),
        )
        .order_by(WorkOrderRow.id)
    )
    return [(row, user) for row, user in (await tx.session.execute(query)).all()]


def status_at(row: WorkOrderRow, at: datetime) -> str:
    """In progress once it had been started; approval is not dated, so an order counts as open before."""
    if row.started_at is not None and row.started_at <= at:
        return WorkOrderStatus.IN_PROGRESS.value
    is_waiting = row.status == WorkOrderStatus.PENDING_APPROVAL
    return (WorkOrderStatus.PENDING_APPROVAL if is_waiting else WorkOrderStatus.OPEN).value


async def marks_in(
    tx: Tx, viewer: Viewer, tenant_id: int, start: datetime, end: datetime
) -> tuple[Mark, ...]:
    """When incidents began in a span, oldest first, for the slider."""
    query = (
        select(IncidentRow.start_time, IncidentRow.incident_number, IncidentRow.severity)
        .where(
            and_(IncidentRow.tenant_id == tenant_id, IncidentRow.start_time.between(start, end)),
            visible(viewer),
        )
        .order_by(IncidentRow.start_time.desc())
        .limit(MOST_MARKS)
    )
    rows = (await tx.session.execute(query)).all()
    return tuple(Mark(at, number or "", severity_key(severity)) for at, number, severity in reversed(rows))


def span_around(at: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The 24 hours of the slider: the last ones, or those around a moment further back."""
    end = now if now - at <= SPAN else at + SPAN / 2
    return end - SPAN, end
