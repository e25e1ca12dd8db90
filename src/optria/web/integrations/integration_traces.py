"""What is left of trying, browsing and reading a source: in the audit log, and in the connection's own."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from fastapi import Request

from optria.db.plant import Integration, IntegrationActionLog
from optria.db.session import Tx
from optria.web import audit
from optria.web.integrations.integration_config import target
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json

Deed = Literal["probe", "browse", "read"]


async def note_trial(
    services: Services,
    viewer: Viewer,
    request: Request,
    tenant_id: int | None,
    deed: Deed,
    kind: str,
    config: Mapping[str, object],
    integration_id: int | None = None,
) -> None:
    """Written before the source is called, so that it stays whatever becomes of that.

    Of the settings only the host: an address may hold a password.
    """
    what = {"deed": deed, "kind": kind, "host": target(config)[1] or None}
    database = services.database
    begun = database.platform("note a trial") if tenant_id is None else database.transaction(tenant_id)
    async with begun as tx:
        audit.record(
            tx,
            viewer.user_id,
            tenant_id,
            "connection_tried",
            "integration",
            integration_id,
            request,
            new=what,
        )


def log_deed(
    tx: Tx,
    row: Integration,
    action: str,
    status: str,
    message: str,
    moment: datetime,
    details: Json | None = None,
) -> None:
    """Add a line to what was done with a connection."""
    entry = IntegrationActionLog(
        tenant_id=row.tenant_id,
        integration_id=row.id,
        action=action,
        status=status,
        message=message,
        details=details or {},
        created_at=moment,
    )
    tx.session.add(entry)
