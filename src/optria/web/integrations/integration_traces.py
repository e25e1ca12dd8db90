"""What is left in the audit log of trying, browsing and reading a source: who, which kind, which host."""

from collections.abc import Mapping
from typing import Literal

from fastapi import Request

from optria.web import audit
from optria.web.integrations.integration_config import target
from optria.web.services import Services
from optria.web.sessions import Viewer

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
