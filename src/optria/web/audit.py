"""Who did what: rows of ``audit_logs``, which are added and never changed, in the transaction of the deed.

They are stored and chained when it commits (:mod:`optria.db.audit`).
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from starlette.requests import HTTPConnection

from optria.db.identity import AuditLog
from optria.db.session import Tx

Words = Mapping[str, object]
COMMAND_LINE: Final = "optria command line"
"""The user agent of what is done on the machine itself."""


def record(
    tx: Tx,
    user_id: int | None,
    tenant_id: int | None,
    action: str,
    entity_type: str,
    entity_id: int | UUID | None,
    request: HTTPConnection | None,
    *,
    old: Words | None = None,
    new: Words | None = None,
) -> None:
    """Write down one deed. The id column is a number: a UUID stands in ``new_values`` as ``id``.

    ``user_id`` None is nobody known, or the command line, which has no ``request`` either.
    """
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
            ip_address=request.client.host[:45] if request and request.client else None,
            user_agent=_agent(request),
        )
    )


def _agent(request: HTTPConnection | None) -> str | None:
    return COMMAND_LINE if request is None else request.headers.get("user-agent", "")[:500] or None


def moved(
    tx: Tx,
    user_id: int,
    action: str,
    entity_type: str,
    entity_id: int | UUID,
    request: HTTPConnection,
    before: str | None,
    after: str | None,
) -> None:
    """Write down a change of status in the tenant of the transaction; nothing where it stayed the same."""
    if before != after:
        old, new = {"status": before}, {"status": after}
        record(tx, user_id, tx.tenant_id, action, entity_type, entity_id, request, old=old, new=new)
