"""``/admin/tenants``: the tenants of the installation, for platform owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Request
from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import InstrumentedAttribute
from starlette.responses import Response

from optria.core.roles import Permission
from optria.db.blackbox import IncidentRow
from optria.db.identity import Tenant, User
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.sight import ACTIVE_INCIDENTS

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class TenantLine:
    """A tenant, with how many people may sign in, assets are in use and incidents are active."""

    tenant: Tenant
    people: int
    assets: int
    incidents: int

    @property
    def status(self) -> str:
        return (self.tenant.status or "active").lower()

    @property
    def fill(self) -> dict[str, object]:
        tenant = self.tenant
        return {"name": tenant.name, "name_ar": tenant.name_ar or "", "industry": tenant.industry or ""}


@router.get("/admin/tenants")
async def tenants_page(
    request: Request, viewer: Annotated[Viewer, require(Permission.MANAGE_TENANTS)], tx: OpenTx
) -> Response:
    return render_page(
        request, "tenants.html", await shell_for(tx, viewer, "admin"), lines=await tenant_lines(tx)
    )


async def tenant_lines(tx: Tx) -> Sequence[TenantLine]:
    """The tenants that the transaction sees, by name."""
    people = _count(User.id, User.tenant_id == Tenant.id, User.is_active.is_not(False))
    assets = _count(AssetRow.id, AssetRow.tenant_id == Tenant.id, AssetRow.is_active.is_not(False))
    active = IncidentRow.status.in_(ACTIVE_INCIDENTS)
    incidents = _count(IncidentRow.id, IncidentRow.tenant_id == Tenant.id, active)
    query = select(Tenant, people, assets, incidents).order_by(func.lower(Tenant.name)).limit(MOST_SHOWN)
    return [TenantLine(*row) for row in (await tx.session.execute(query)).all()]


def _count(key: InstrumentedAttribute[Any], *which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count(key)).where(*which).correlate(Tenant).scalar_subquery()
