"""Work orders as the API and the pages show them: who sees which, what of each, and what may be done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, case, func, nulls_last, or_, select, true
from sqlalchemy.sql.elements import SQLCoreOperations

from optria.core.errors import NotFound
from optria.core.roles import Role
from optria.core.work_order import ACTIVE_STATUSES, AUTO_SOURCE, WorkOrderStatus
from optria.db.identity import User
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.work import WorkOrderRow
from optria.kit import clock
from optria.web.people.people import user_name, user_words
from optria.web.rows import count
from optria.web.sessions import Viewer
from optria.web.shapes import Json

_PLAIN: Final = (
    "id",
    "tenant_id",
    "asset_id",
    "incident_id",
    "code",
    "work_order_number",
    "title",
    "title_ar",
    "description",
    "work_type",
    "priority",
    "status",
    "source",
    "assigned_to",
    "scheduled_date",
    "due_date",
    "scheduled_start",
    "scheduled_end",
    "started_at",
    "completed_at",
    "notes",
    "created_at",
    "updated_at",
    "version",
    "due_at",
    "failure_note",
    "actual_cause",
    "not_effective_count",
)
_HOURS: Final = ("estimated_hours", "actual_hours", "downtime_hours")


def order_json(row: WorkOrderRow) -> Json:
    """One order with the keys of v1, and ours behind them."""
    view: Json = {name: getattr(row, name) for name in _PLAIN}
    for name in _HOURS:
        hours = getattr(row, name)
        view[name] = None if hours is None else float(hours)
    return view | {"checklist": row.checklist or [], "is_overdue": is_overdue(row, clock.now())}


def is_overdue(row: WorkOrderRow, now: datetime) -> bool:
    """Whether unfinished work is past its time."""
    return row.status in ACTIVE_STATUSES and row.due_at is not None and row.due_at < now


def visible(viewer: Viewer) -> ColumnElement[bool]:
    """Engineers see the orders assigned to them; the others their tenant's."""
    return WorkOrderRow.assigned_to == viewer.user_id if viewer.role is Role.ENGINEER else true()


async def find_order(tx: Tx, viewer: Viewer, order_id: int, *, lock: bool = False) -> WorkOrderRow:
    """The order, if the viewer may see it; ``lock`` holds it until the transaction ends.

    Raises:
        NotFound: there is none of this id for this viewer.
    """
    query = select(WorkOrderRow).where(WorkOrderRow.id == order_id, visible(viewer))
    locked = query.with_for_update(of=WorkOrderRow).execution_options(populate_existing=True)
    row = await tx.session.scalar(locked if lock else query)
    if row is None:
        raise NotFound("There is no such work order, or it is not yours to see.")
    return row


def _filtered(filters: Mapping[str, object]) -> list[ColumnElement[bool]]:
    """Conditions of the list: v1's filters, and ``stands``, ``auto``, ``overdue`` and ``q``."""
    names = ("status", "priority", "asset_id", "assigned_to", "incident_id")
    clauses = [getattr(WorkOrderRow, n) == filters[n] for n in names if filters.get(n) not in (None, "")]
    if filters.get("stands"):
        clauses.append(_stands(str(filters["stands"])))
    if filters.get("auto"):
        clauses.append(WorkOrderRow.source == AUTO_SOURCE)
    if filters.get("overdue"):
        clauses += [WorkOrderRow.status.in_(ACTIVE_STATUSES), WorkOrderRow.due_at < clock.now()]
    words = str(filters.get("q") or "").strip()
    if words:
        fields = (WorkOrderRow.code, WorkOrderRow.title, AssetRow.code, AssetRow.name)
        clauses.append(or_(*(field.icontains(words, autoescape=True) for field in fields)))
    return clauses


def _stands(status: str) -> ColumnElement[bool]:
    """Where an order stands, as :func:`optria.work.orders.status_of` reads it: one unknown is open."""
    if status != WorkOrderStatus.OPEN:
        return WorkOrderRow.status == status
    unknown = WorkOrderRow.status.is_(None) | WorkOrderRow.status.not_in(list(WorkOrderStatus))
    return (WorkOrderRow.status == status) | unknown


def _listed(viewer: Viewer, filters: Mapping[str, object]) -> Select[WorkOrderRow, AssetRow, User]:
    same_asset = (AssetRow.id == WorkOrderRow.asset_id) & (AssetRow.tenant_id == WorkOrderRow.tenant_id)
    same_user = (User.id == WorkOrderRow.assigned_to) & (User.tenant_id == WorkOrderRow.tenant_id)
    return (
        select(WorkOrderRow, AssetRow, User)
        .outerjoin(AssetRow, same_asset)
        .outerjoin(User, same_user)
        .where(visible(viewer), *_filtered(filters))
    )


async def list_orders(
    tx: Tx,
    viewer: Viewer,
    filters: Mapping[str, object],
    limit: int = 50,
    offset: int = 0,
    sort: str = "-created",
) -> Json:
    """A page of orders, newest first or by one of ``SORTS``, with ``total`` of all that fit the filters."""
    query = _listed(viewer, filters)
    total = await count(tx, query)
    page = query.order_by(*_ordered(sort)).limit(limit).offset(offset)
    rows = (await tx.session.execute(page)).all()
    orders = [order_json(row) | asset_words(asset) | user_words(user) for row, asset, user in rows]
    return {"total": total, "work_orders": orders}


async def visible_counts(tx: Tx, viewer: Viewer) -> dict[str, int]:
    """Unfinished orders behind each quick filter of the page."""
    active = WorkOrderRow.status.in_(ACTIVE_STATUSES)
    query = select(
        func.count().filter(active, WorkOrderRow.assigned_to == viewer.user_id),
        func.count().filter(active, WorkOrderRow.source == AUTO_SOURCE),
        func.count().filter(active, WorkOrderRow.due_at < clock.now()),
    ).where(visible(viewer))
    mine, auto, overdue = (await tx.session.execute(query)).one()
    return {"mine": mine, "auto": auto, "overdue": overdue}


def asset_words(asset: AssetRow | None) -> Json:
    """How an order names its asset."""
    return {
        "asset_code": asset.code if asset else None,
        "asset_name": asset.name if asset else None,
        "asset_name_ar": (asset.name_ar or asset.name) if asset else None,
    }


async def assignable(tx: Tx, tenant_id: int) -> list[Json]:
    """The active people of the tenant who may be given an order."""
    doing = [Role.ENGINEER, Role.OPTIMIZATION_ENGINEER, Role.TENANT_ADMIN]
    query = (
        select(User)
        .where(User.tenant_id == tenant_id, User.role.in_(doing), User.is_active.is_not(False))
        .order_by(User.full_name, User.id)
    )
    return [{"id": user.id, "name": user_name(user)} for user in await tx.session.scalars(query)]


_PRIORITY: Final = case(
    (WorkOrderRow.priority.in_(("emergency", "urgent", "critical")), 0),
    (WorkOrderRow.priority == "high", 1),
    (WorkOrderRow.priority == "low", 3),
    else_=2,
)
_STATUS: Final = case(
    {"in_progress": 0, "pending_approval": 2, "completed": 3, "closed": 4, "cancelled": 5},
    value=WorkOrderRow.status,
    else_=1,
)
SORTS: Final[Mapping[str, tuple[SQLCoreOperations[object], ...]]] = {
    "urgency": (_STATUS, _PRIORITY, WorkOrderRow.due_at),
    "created": (WorkOrderRow.created_at,),
    "completed": (WorkOrderRow.completed_at,),
    "number": (WorkOrderRow.code,),
    "title": (WorkOrderRow.title,),
    "priority": (_PRIORITY, WorkOrderRow.due_at),
    "asset": (AssetRow.code,),
    "assignee": (User.full_name,),
    "due": (WorkOrderRow.due_at,),
    "status": (_STATUS, _PRIORITY),
}
"""Orders of the list by name; with a minus before it, the other way round. What is not known comes last."""


def _ordered(sort: str) -> list[SQLCoreOperations[object]]:
    columns = SORTS.get(sort.removeprefix("-"), SORTS["urgency"])
    turned = [column.desc() if sort.startswith("-") else column.asc() for column in columns]
    newest: SQLCoreOperations[object] = WorkOrderRow.id.desc()
    return [*(nulls_last(column) for column in turned), newest]
