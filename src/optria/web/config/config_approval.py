"""``/api/config/approval``: whether a limit or a cost takes two people to come into force."""

from fastapi import Request
from pydantic import ConfigDict

from optria.core.errors import NotFound
from optria.db.identity import Tenant
from optria.web import changes
from optria.web.bodies import NewBody
from optria.web.changes import Change
from optria.web.config.config_proposals import FOUR_EYES, demands_four_eyes, set_four_eyes
from optria.web.config.config_scope import Managing, Reading
from optria.web.deps import OpenTx, written_tenant
from optria.web.routing import api_router
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/approval", tags=["configuration"])


class ApprovalBody(NewBody):
    """Whether somebody else than the proposer has to approve."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"four_eyes": True}]})

    four_eyes: bool


def approval_json(tenant: Tenant) -> Json:
    return {"tenant_id": tenant.id, FOUR_EYES: demands_four_eyes(tenant)}


@router.get("", summary="Read how proposals are approved")
async def get_approval(_viewer: Reading, tx: OpenTx) -> Json:
    """Without four eyes, whoever proposes a limit or a cost may also approve it."""
    tenant = await tx.session.get(Tenant, written_tenant(tx))
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return approval_json(tenant)


@router.put("", summary="Set how proposals are approved")
async def set_approval(request: Request, viewer: Managing, tx: OpenTx, body: ApprovalBody) -> Json:
    """Switched on it holds for proposals that wait, too. Switched off it still holds for what was proposed
    before, and for whoever switched it off, until another administrator does."""
    tenant = await lock_settings(tx)
    old = approval_json(tenant)
    set_four_eyes(tenant, body.four_eyes, viewer)
    new = approval_json(tenant)
    whom = "somebody else than the proposer" if body.four_eyes else "any administrator"
    summary = f"Limits and costs are approved by {whom}"
    await changes.record(tx, viewer, request, Change("approval_set", "tenant", tenant.id, summary, old, new))
    return new
