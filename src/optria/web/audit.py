"""Who did what: rows of ``audit_logs``, which are added and never changed, in the transaction of the deed."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import Request

from optria.db.identity import AuditLog
from optria.db.session import Tx

Words = Mapping[str, object]


def record(
    tx: Tx,
    user_id: int,
    tenant_id: int | None,
    action: str,
    entity_type: str,
    entity_id: int | UUID,
    request: Request,
    *,
    old: Words | None = None,
    new: Words | None = None,
) -> None:
    """Write down one deed. The id column is a number: a UUID stands in ``new_values`` as ``id``."""
    by_uuid = isinstance(entity_id, UUID)
    after = {**({"id": str(entity_id)} if by_uuid else {}), **(new or {})}
    tx.session.add(
        AuditLog(
            tenant_id=tenant_id,
            user_id=user_id,
            action=action,
            entity_type=entity_type,
            entity_id=None if by_uuid else entity_id,
            old_values=dict(old) if old else None,
            new_values=after or None,
            ip_address=request.client.host[:45] if request.client else None,
            user_agent=request.headers.get("user-agent", "")[:500] or None,
        )
    )


def moved(
    tx: Tx,
    user_id: int,
    action: str,
    entity_type: str,
    entity_id: int | UUID,
    request: Request,
    before: str | None,
    after: str | None,
) -> None:
    """Write down a change of status in the tenant of the transaction; nothing where it stayed the same."""
    if before != after:
        old, new = {"status": before}, {"status": after}
        record(tx, user_id, tx.tenant_id, action, entity_type, entity_id, request, old=old, new=new)
