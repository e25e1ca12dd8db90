"""The registers as pages: ``/assets``, ``/integrations``, ``/users`` and ``/admin/tenants``, each a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request
from sqlalchemy import func, select
from starlette.responses import Response

from optria.core.arabic import TYPE_AR
from optria.core.roles import Permission
from optria.db.identity import Tenant, User
from optria.db.plant import Integration
from optria.db.session import Tx
from optria.web.assets.asset_views import active_incidents, detector_scores, find_assets
from optria.web.assets.condition import Condition
from optria.web.deps import Given, OpenTx, require
from optria.web.filters import severity_key
from optria.web.frame import shell_for
from optria.web.incidents.incident_views import title_for
from optria.web.people.people import user_name
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.services import Services, SourceState
from optria.web.sessions import Viewer
from optria.web.twin.twin_scene import reached_assets

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 500
HEALTH_GLYPHS: Final = {"normal": "normal", "warning": "minor", "critical": "major", "unknown": "bad"}


@dataclass(frozen=True, slots=True)
class AssetLine:
    """An asset in the register; ``glyph`` is its gravest incident, else its health."""

    id: int
    code: str
    name: str
    name_ar: str
    asset_type: str
    site_name: str
    site_name_ar: str
    criticality: str
    glyph: str
    health: float | None
    incident_id: str | None
    incident_title: str


@router.get("/assets")
async def assets_page(
    request: Request,
    viewer: Annotated[Viewer, require(Permission.VIEW_ASSETS)],
    tx: OpenTx,
    services: Given,
) -> Response:
    lines = await asset_lines(tx, viewer, services)
    return render_page(request, "assets.html", await shell_for(tx, viewer, "assets"), lines=lines)


async def asset_lines(tx: Tx, viewer: Viewer, services: Services) -> list[AssetLine]:
    """The assets by code, each with what is going on at it."""
    found = await find_assets(tx, limit=MOST_SHOWN)
    begun = await active_incidents(tx, viewer)
    incidents = {**reached_assets(begun), **begun}
    scores = {k: v for row, _, _ in found for k, v in detector_scores(services, row.tenant_id).items()}
    lines = []
    for row, site, stored in found:
        condition = Condition(row, stored, scores)
        worst = next(iter(incidents.get(row.id, ())), None)
        lines.append(
            AssetLine(
                id=row.id,
                code=row.code,
                name=row.name,
                name_ar=row.name_ar or row.name,
                asset_type=_type_word(row.asset_type or "", viewer.language),
                site_name=site.name if site else "",
                site_name_ar=(site.name_ar or site.name) if site else "",
                criticality=(row.criticality or "medium").lower(),
                glyph=severity_key(worst.severity) if worst else HEALTH_GLYPHS[condition.status],
                health=condition.health,
                incident_id=str(worst.id) if worst else None,
                incident_title=(title_for(viewer, worst) or worst.incident_number or "") if worst else "",
            )
        )
    return lines


def _type_word(asset_type: str, language: str) -> str:
    return TYPE_AR.get(asset_type, asset_type) if language == "ar" else asset_type


@router.get("/integrations")
async def integrations_page(
    request: Request,
    viewer: Annotated[Viewer, require(Permission.VIEW_INTEGRATIONS)],
    tx: OpenTx,
    services: Given,
) -> Response:
    rows = (await tx.session.scalars(select(Integration).order_by(Integration.id).limit(MOST_SHOWN))).all()
    return render_page(
        request,
        "integrations.html",
        await shell_for(tx, viewer, "integrations"),
        rows=rows,
        links=_links(services, {row.tenant_id for row in rows}),
    )


def _links(services: Services, tenant_ids: set[int]) -> Mapping[int, SourceState]:
    return {link.integration_id: link for tenant in tenant_ids for link in services.links(tenant)}


@router.get("/users")
async def users_page(
    request: Request, viewer: Annotated[Viewer, require(Permission.MANAGE_USERS)], tx: OpenTx
) -> Response:
    rows = (await tx.session.scalars(select(User).order_by(User.email).limit(MOST_SHOWN))).all()
    return render_page(
        request,
        "users.html",
        await shell_for(tx, viewer, "admin"),
        people=[(user_name(row, viewer.language), row) for row in rows],
    )


@router.get("/admin/tenants")
async def tenants_page(
    request: Request, viewer: Annotated[Viewer, require(Permission.MANAGE_TENANTS)], tx: OpenTx
) -> Response:
    return render_page(
        request,
        "tenants.html",
        await shell_for(tx, viewer, "admin"),
        tenants=await _tenants(tx),
    )


async def _tenants(tx: Tx) -> Sequence[tuple[Tenant, int]]:
    """Tenants by name, each with how many of its people may sign in."""
    query = (
        select(Tenant, func.count(User.id))
        .join(User, (User.tenant_id == Tenant.id) & User.is_active.is_not(False), isouter=True)
        .group_by(Tenant.id)
        .order_by(Tenant.name)
        .limit(MOST_SHOWN)
    )
    return [(tenant, people) for tenant, people in (await tx.session.execute(query)).all()]
