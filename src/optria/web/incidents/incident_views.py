"""Incidents as the API and the pages show them: who sees which, and what of each."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, or_, select

from optria.core.errors import NotFound
from optria.core.event import Severity
from optria.core.incident import cause_label, plain_title
from optria.db.blackbox import IncidentRow
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.web.orders import work_order_views
from optria.web.rows import count
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.sight import ACTIVE_INCIDENTS, concerns, sees_analysis, visible

SUMMARY_KEYS: Final = (
    "id",
    "incident_number",
    "title",
    "severity",
    "status",
    "root_asset_id",
    "root_asset_name",
    "root_asset_name_ar",
    "root_asset_code",
    "start_time",
    "end_time",
)
"""All that a viewer is told of an incident."""

_PLAIN: Final = (
    "tenant_id",
    "incident_number",
    "incident_type",
    "status",
    "severity",
    "title",
    "description",
    "root_asset_id",
    "site_id",
    "start_time",
    "end_time",
    "rca_status",
    "rca_completed_at",
    "event_story",
    "event_story_ar",
    "auto_work_order_id",
    "assigned_to",
    "resolved_by",
    "resolved_at",
    "created_at",
    "updated_at",
    "window_start",
    "window_end",
    "anchored_at",
    "analysed_at",
    "ordered_at",
    "acknowledged_at",
    "acknowledged_by",
    "confirmed_cause",
    "resolution",
    "occurrences",
)
_MAPPINGS: Final = (
    "impact_scope",
    "rca_summary",
    "root_cause_scores",
    "financial_impact_estimate",
    "carbon_impact_estimate",
    "impact_estimate",
)


async def find_incident(tx: Tx, viewer: Viewer, incident_id: UUID, *, lock: bool = False) -> IncidentRow:
    """The incident, if the viewer may see it.

    Raises:
        NotFound: there is none of this id for this viewer.
    """
    query = select(IncidentRow).where(IncidentRow.id == incident_id, visible(viewer))
    row = await tx.session.scalar(query.with_for_update(of=IncidentRow) if lock else query)
    if row is None:
        raise NotFound("There is no such incident, or it is not yours to see.")
    return row


def incident_json(row: IncidentRow) -> Json:
    """One incident with the keys of v1, and ours behind them."""
    view: Json = {"id": str(row.id)}
    view |= {name: getattr(row, name) for name in _PLAIN}
    view |= {name: getattr(row, name) or {} for name in _MAPPINGS}
    view |= {
        "trigger_event_id": str(row.trigger_event_id) if row.trigger_event_id else None,
        "recurrence_of": str(row.recurrence_of) if row.recurrence_of else None,
        "recommended_actions": row.recommended_actions or [],
        "auto_work_order_created": bool(row.auto_work_order_created),
        "root_cause_codes": row.root_cause_codes or {},
        "downtime_hours": None if row.downtime_hours is None else float(row.downtime_hours),
        "analysis_error": row.last_error if row.attempts else None,
        "analysis_attempts": row.attempts,
    }
    return view | _top_cause(row.root_cause_scores or {})


def _top_cause(scores: Mapping[str, float]) -> Json:
    if not scores:
        return {"top_cause": None, "top_probability": None}
    label, probability = max(scores.items(), key=lambda item: item[1])
    return {"top_cause": cause_label(label), "top_probability": float(probability)}


def for_viewer(view: Json, viewer: Viewer) -> Json:
    """The whole view, or its summary for those who see no more: its title then does not name the cause."""
    if sees_analysis(viewer):
        return view
    scores = view["root_cause_scores"]
    title, causes = view["title"], scores if isinstance(scores, Mapping) else ()
    plain = view | {"title": plain_title(str(title or ""), causes)}
    return {key: plain[key] for key in SUMMARY_KEYS if key in plain}


def title_for(viewer: Viewer, row: IncidentRow) -> str:
    """The title of an incident as the viewer may read it; empty where it has none."""
    title = row.title if sees_analysis(viewer) else plain_title(row.title, row.root_cause_scores or {})
    return title or ""


def asset_words(asset: AssetRow | None) -> Json:
    """How a view names its asset."""
    return {
        "root_asset_name": asset.name if asset else None,
        "root_asset_name_ar": (asset.name_ar or asset.name) if asset else None,
        "root_asset_code": asset.code if asset else None,
    }


def _filtered(viewer: Viewer, filters: Mapping[str, object]) -> list[ColumnElement[bool]]:
    """Conditions of the list: v1's filters, ``active`` and ``q`` (number, title or asset)."""
    clauses: list[ColumnElement[bool]] = [
        getattr(IncidentRow, name) == filters[name]
        for name in ("incident_type", "site_id")
        if filters.get(name) is not None
    ]
    clauses += [
        getattr(IncidentRow, name) == str(filters[name]).upper()
        for name in ("status", "severity")
        if filters.get(name)
    ]
    if filters.get("asset_id") is not None:
        clauses.append(IncidentRow.root_asset_id == filters["asset_id"])
    if filters.get("start_date") is not None:
        clauses.append(IncidentRow.start_time >= filters["start_date"])
    if filters.get("end_date") is not None:
        clauses.append(IncidentRow.start_time <= filters["end_date"])
    if filters.get("mine"):
        clauses.append(concerns(viewer.user_id))
    if filters.get("active"):
        clauses.append(IncidentRow.status.in_(ACTIVE_INCIDENTS))
    return clauses + _searched(viewer, str(filters.get("q") or "").strip())


def _searched(viewer: Viewer, words: str) -> list[ColumnElement[bool]]:
    """Titles name causes, so they are searched only for those who see causes."""
    if not words:
        return []
    titles = (IncidentRow.title,) if sees_analysis(viewer) else ()
    fields = (IncidentRow.incident_number, *titles, AssetRow.code, AssetRow.name)
    return [or_(*(field.icontains(words, autoescape=True) for field in fields))]


_GRAVITY: Final = case({s.name: int(s) for s in Severity}, value=IncidentRow.severity, else_=0)


def _listed(viewer: Viewer, filters: Mapping[str, object]) -> Select[IncidentRow, AssetRow]:
    same_asset = (AssetRow.id == IncidentRow.root_asset_id) & (AssetRow.tenant_id == IncidentRow.tenant_id)
    return (
        select(IncidentRow, AssetRow)
        .outerjoin(AssetRow, same_asset)
        .where(visible(viewer), *_filtered(viewer, filters))
    )


async def list_incidents(
    tx: Tx,
    viewer: Viewer,
    filters: Mapping[str, object],
    limit: int = 50,
    offset: int = 0,
    *,
    gravest_first: bool = False,
) -> Json:
    """A page of incidents, latest first, with ``total`` of all that fit the filters.

    ``gravest_first`` puts the more severe before the less severe, each severity latest first.
    """
    query = _listed(viewer, filters)
    total = await count(tx, query)
    latest = IncidentRow.start_time.desc(), IncidentRow.id
    order = (_GRAVITY.desc(), *latest) if gravest_first else latest
    page = query.order_by(*order).limit(limit).offset(offset)
    rows = (await tx.session.execute(page)).all()
    orders = await _orders_of(tx, viewer, [row for row, _ in rows]) if sees_analysis(viewer) else {}
    views = [
        incident_json(row) | asset_words(asset) | {"work_order": orders.get(str(row.id))}
        for row, asset in rows
    ]
    shown = [for_viewer(view, viewer) for view in views]
    return {"incidents": shown, "total": total, "limit": limit, "offset": offset}


async def _orders_of(tx: Tx, viewer: Viewer, rows: Sequence[IncidentRow]) -> dict[str, Json]:
    """The first order of each incident that the viewer may see, by incident id."""
    numbers = {row.auto_work_order_id for row in rows} - {None}
    theirs = WorkOrderRow.incident_id.in_([str(row.id) for row in rows]) | WorkOrderRow.id.in_(numbers)
    query = select(WorkOrderRow).where(theirs, work_order_views.visible(viewer))
    found = (await tx.session.scalars(query.order_by(WorkOrderRow.id.desc()))).all()
    tenants = {str(row.id): row.tenant_id for row in rows}
    mine = (order for order in found if tenants.get(str(order.incident_id)) == order.tenant_id)
    own = {str(order.incident_id): _order_words(order) for order in mine}
    by_id = {order.id: _order_words(order) for order in found}
    reopened = {str(row.id): by_id[row.auto_work_order_id] for row in rows if row.auto_work_order_id in by_id}
    return reopened | own


def _order_words(order: WorkOrderRow) -> Json:
    return {
        "id": order.id,
        "number": order.work_order_number or order.code,
        "status": order.status,
        "assigned_to": order.assigned_to,
    }


async def order_of(tx: Tx, incident: IncidentRow, *conditions: ColumnElement[bool]) -> WorkOrderRow | None:
    """The order of an incident that meets the conditions: the one it made, else the first that names it."""
    own = (WorkOrderRow.incident_id == str(incident.id)) | (WorkOrderRow.id == incident.auto_work_order_id)
    query = select(WorkOrderRow).where(WorkOrderRow.tenant_id == incident.tenant_id, own, *conditions)
    return (await tx.session.scalars(query.order_by(WorkOrderRow.id))).first()


async def asset_of(tx: Tx, incident: IncidentRow) -> AssetRow | None:
    """The asset of an incident, in its own tenant."""
    query = select(AssetRow).where(
        AssetRow.id == incident.root_asset_id, AssetRow.tenant_id == incident.tenant_id
    )
    return (await tx.session.scalars(query)).first()
