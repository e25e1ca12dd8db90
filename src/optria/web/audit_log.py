"""The audit log over HTTP: who did what, and whether the chain of it is whole."""

from typing import Annotated, Final

from fastapi import Query
from sqlalchemy import ColumnElement, func, select

from optria.core.roles import Permission
from optria.db.audit_check import check_chain
from optria.db.identity import AuditLog, User
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, require
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.shapes import Json, when
from optria.web.texts import Text

router = api_router(
    prefix="/api/audit-logs", tags=["audit"], dependencies=[require(Permission.VIEW_AUDIT_LOG)]
)

Action = Annotated[Text | None, Query(max_length=100)]
EntityType = Annotated[Text | None, Query(max_length=50)]
From = Annotated[EdgeOfSpan | None, Query(alias="from", description="The first moment.")]
To = Annotated[EdgeOfSpan | None, Query(description="The moment after the last.")]
Newest = Annotated[int, Query(ge=1, le=20_000, description="How many of the last rows are checked.")]
NEWEST: Final = 5_000


@router.get("", summary="List what people did")
async def list_audit_logs(
    tx: OpenTx,
    user_id: IdFilter = None,
    action: Action = None,
    entity_type: EntityType = None,
    entity_id: IdFilter = None,
    start: From = None,
    to: To = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """The newest first. ``sequence`` and ``hash`` are null in rows of version 1, which belong to no chain.

    A platform owner sees every tenant's rows, or those of ``tenant_id``.
    """
    wanted = {
        AuditLog.user_id: user_id,
        AuditLog.action: action,
        AuditLog.entity_type: entity_type,
        AuditLog.entity_id: entity_id,
    }
    filters: list[ColumnElement[bool]] = [
        column == value for column, value in wanted.items() if value is not None
    ]
    if start is not None:
        filters.append(AuditLog.created_at >= start)
    if to is not None:
        filters.append(AuditLog.created_at < to)
    rows = (
        select(AuditLog, User.email)
        .join(User, User.id == AuditLog.user_id, isouter=True)
        .where(*filters)
        .order_by(AuditLog.created_at.desc(), AuditLog.id.desc())
    )
    page = (await tx.session.execute(rows.limit(limit).offset(offset))).all()
    total = await tx.session.scalar(select(func.count()).select_from(AuditLog).where(*filters))
    return {
        "audit_logs": [_audit_json(row, email) for row, email in page],
        "total": total or 0,
        "limit": limit,
        "offset": offset,
    }


@router.get("/verify", summary="Check the end of the chain")
async def verify_audit_log(tx: OpenTx, newest: Newest = NEWEST) -> Json:
    """Checks the last rows of one chain: the tenant's, or without ``tenant_id`` a platform owner's own deeds.

    ``checked_from`` 1 means the whole chain was checked; the hash before a later one is believed, and
    `optria audit verify` checks everything. ``first_bad`` names the first row that is not as it was written.
    """
    report = await check_chain(tx, tx.tenant_id, newest=newest)
    bad = report.first_bad
    return {
        "tenant_id": tx.tenant_id,
        "intact": bad is None,
        "length": report.length,
        "checked": report.checked,
        "checked_from": max(1, report.length - newest + 1),
        "unchained": report.unchained,
        "first_bad": None if bad is None else {"sequence": bad.sequence, "reason": bad.reason},
    }


def _audit_json(row: AuditLog, email: str | None) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "user_id": row.user_id,
        "user_email": email,
        "action": row.action,
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "old_values": row.old_values,
        "new_values": row.new_values,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "created_at": when(row.created_at),
        "sequence": row.sequence,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
    }
