"""One work order in full: asset, assignee, incident, history and what the viewer may do with it."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import or_, select

from optria.core.incident import cause_label
from optria.core.roles import Permission, can
from optria.db.blackbox import IncidentRow
from optria.db.identity import User
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.db.work import WorkOrderHistory, WorkOrderRow
from optria.web.iso_codes import iso_json
from optria.web.orders.work_order_verbs import may_correct, permitted
from optria.web.orders.work_order_views import asset_words, order_json
from optria.web.people.people import user_name, user_words
from optria.web.sessions import Viewer
from optria.web.shapes import Json


async def order_detail(tx: Tx, viewer: Viewer, row: WorkOrderRow) -> Json:
    """One order with its asset, assignee, incident, history and what the viewer may do with it."""
    asset = await tx.session.scalar(select(AssetRow).where(AssetRow.id == row.asset_id))
    site = await tx.session.get(SiteRow, asset.site_id) if asset and asset.site_id else None
    user = await tx.session.scalar(select(User).where(User.id == row.assigned_to))
    return (
        order_json(row)
        | asset_words(asset)
        | user_words(user)
        | {
            "asset": {"id": asset.id, "code": asset.code, "name": asset.name} if asset else None,
            "site_name": site.name if site else None,
            "site_name_ar": (site.name_ar or site.name) if site else None,
            "assigned_user": {"id": user.id, "name": user_name(user)} if user else None,
            "incident": await _incident_of(tx, row),
            "history": await history(tx, viewer, row),
            "may": permitted(viewer, row),
            "may_correct_cause": may_correct(viewer, row),
        }
    )


async def _incident_of(tx: Tx, row: WorkOrderRow) -> Json | None:
    """The incident behind an order: number, cause and money at risk."""
    found = await newest_incident(tx, row)
    if found is None:
        return None
    scores = found.root_cause_scores or {}
    top = max(scores, key=lambda label: scores[label]) if scores else None
    impact = found.financial_impact_estimate or {}
    return {
        "id": str(found.id),
        "number": found.incident_number,
        "severity": found.severity,
        "top_cause": top,
        "top_probability": scores[top] if top else None,
        "iso14224": iso_json(cause_label(top)) if top else None,
        "amount": impact.get("total_estimated_cost"),
        "currency": impact.get("currency") or "",
        "anchored_at": found.anchored_at,
        "event_story": found.event_story,
        "event_story_ar": found.event_story_ar,
    }


async def newest_incident(tx: Tx, row: WorkOrderRow) -> IncidentRow | None:
    """The incident that made an order, or the last one that came back after its fix."""
    theirs = [IncidentRow.auto_work_order_id == row.id]
    with suppress(ValueError):
        theirs.append(IncidentRow.id == UUID(row.incident_id or ""))
    query = select(IncidentRow).where(IncidentRow.tenant_id == row.tenant_id, or_(*theirs))
    return (await tx.session.scalars(query.order_by(IncidentRow.start_time.desc()).limit(1))).first()


async def history(tx: Tx, viewer: Viewer, row: WorkOrderRow) -> list[Json]:
    """Moves and notes, latest first; sensitive notes only for those who may see them."""
    query = (
        select(WorkOrderHistory, User)
        .outerjoin(User, User.id == WorkOrderHistory.user_id)
        .where(WorkOrderHistory.work_order_id == row.id, WorkOrderHistory.tenant_id == row.tenant_id)
        .order_by(WorkOrderHistory.created_at.desc(), WorkOrderHistory.id.desc())
    )
    open_to_all = can(viewer.role, Permission.VIEW_SENSITIVE_NOTES)
    rows = (await tx.session.execute(query)).all()
    return [_line(line, user, viewer.language) for line, user in rows if open_to_all or not line.is_sensitive]


def _line(line: WorkOrderHistory, user: User | None, language: str) -> Json:
    return {
        "id": line.id,
        "kind": line.kind,
        "body": line.body,
        "is_sensitive": line.is_sensitive,
        "user_id": line.user_id,
        "user_name": user_name(user, language) if user else None,
        "created_at": line.created_at,
    }
