"""``/assets``: every asset under its site, with its condition, what is going on and how its signals do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from fastapi import Query, Request
from sqlalchemy import ColumnElement, func, or_, select
from starlette.responses import Response

from optria.core.arabic import TYPE_AR
from optria.core.roles import Permission, can
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.web.asset_pages.asset_scene import AssetLine, lines_of
from optria.web.assets.asset_views import find_assets
from optria.web.config.config_scope import same
from optria.web.deps import Given, OpenTx, require
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer
from optria.web.shapes import Json, site_json
from optria.web.sight import sees_analysis

router = api_router(include_in_schema=False)

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Word = Annotated[str, Query(max_length=100)]
MOST_SHOWN: Final = 500
MOST_CHOICES: Final = 1_000
STATES: Final[Mapping[str, Callable[[AssetLine], bool]]] = {
    "incident": lambda line: line.is_troubled,
    "abnormal": lambda line: line.view.health is not None and line.view.health < 80,
    "silent": lambda line: line.is_silent,
    "out_of_service": lambda line: line.view.state == "out_of_service",
}
"""What the filter of the state lets through; ``abnormal`` begins where the condition is no longer normal."""

Group = tuple[SiteRow | None, list[AssetLine]]


@router.get("/assets")
async def assets_page(
    request: Request,
    viewer: Seeing,
    tx: OpenTx,
    services: Given,
    site: Word = "",
    asset_type: Annotated[str, Query(alias="type", max_length=100)] = "",
    state: Word = "",
    q: Word = "",
) -> Response:
    """All assets in use, or those that the filters leave."""
    asked = {"site": site, "type": asset_type, "state": state, "q": q}
    lines = await register(tx, services, viewer, asked)
    total = await tx.session.scalar(
        select(func.count()).select_from(AssetRow).where(AssetRow.is_active.is_not(False))
    )
    manages = can(viewer.role, Permission.MANAGE_ASSETS)
    sites = await _sites(tx)
    return render_page(
        request,
        "assets.html",
        await shell_for(tx, viewer, "assets"),
        groups=grouped(lines),
        found=len(lines),
        total=total or 0,
        most=MOST_SHOWN,
        asked=asked,
        sites=[row for row in sites if row.is_active is not False],
        site_values={row.id: site_json(row) for row in sites},
        types=await asset_types(tx),
        type_word=type_words(viewer.language),
        sees_analysis=sees_analysis(viewer),
        sees_orders=can(viewer.role, Permission.VIEW_WORK_ORDERS),
        manages=manages,
        may_manage=manages and tx.tenant_id is not None,
        query=tenant_query(viewer, tx.tenant_id),
        retired=await _retired(tx) if manages else [],
        closed_sites=[row for row in sites if row.is_active is False] if manages else [],
        parents=await asset_choices(tx) if manages else [],
    )


async def register(tx: Tx, services: Services, viewer: Viewer, asked: Mapping[str, str]) -> list[AssetLine]:
    """The assets that the filters leave, by code; at most :data:`MOST_SHOWN`."""
    lines = await lines_of(tx, services, viewer, await find_assets(tx, *_conditions(asked)))
    lets_through = STATES.get(asked.get("state", ""))
    return [line for line in lines if lets_through is None or lets_through(line)][:MOST_SHOWN]


def _conditions(asked: Mapping[str, str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.get("site"):
        conditions.append(SiteRow.code == asked["site"])
    if asked.get("type"):
        conditions.append(same(AssetRow.asset_type, asked["type"]))
    words = asked.get("q", "").strip()
    if words:
        fields = (AssetRow.code, AssetRow.name, AssetRow.name_ar, AssetRow.asset_type)
        conditions.append(or_(*(field.icontains(words, autoescape=True) for field in fields)))
    return conditions


def grouped(lines: Sequence[AssetLine]) -> list[Group]:
    """Assets under their sites, by the code of the site; those without one last."""
    groups: dict[int, Group] = {}
    for line in lines:
        groups.setdefault(line.site.id if line.site else 0, (line.site, []))[1].append(line)
    return sorted(groups.values(), key=lambda group: (group[0] is None, group[0].code if group[0] else ""))


async def _sites(tx: Tx) -> Sequence[SiteRow]:
    return (await tx.session.scalars(select(SiteRow).order_by(SiteRow.code).limit(MOST_SHOWN))).all()


def type_words(language: str) -> Callable[[str], str]:
    """Asset types in the language of a page, for its template."""
    return lambda kind: TYPE_AR.get(kind, kind) if language == "ar" else kind


async def asset_types(tx: Tx) -> list[str]:
    """The types that assets in use have, each once however it is written."""
    query = select(AssetRow.asset_type).where(AssetRow.is_active.is_not(False)).distinct()
    found = sorted((kind for kind in await tx.session.scalars(query) if kind), reverse=True)
    return sorted({kind.casefold(): kind for kind in found}.values())


async def _retired(tx: Tx) -> Sequence[AssetRow]:
    query = select(AssetRow).where(AssetRow.is_active.is_(False)).order_by(AssetRow.code).limit(MOST_SHOWN)
    return (await tx.session.scalars(query)).all()


async def asset_choices(tx: Tx, *conditions: ColumnElement[bool]) -> list[Json]:
    """The assets in use as choices of a form, by code."""
    in_use = AssetRow.is_active.is_not(False)
    query = select(AssetRow.id, AssetRow.code, AssetRow.name).where(in_use, *conditions)
    rows = await tx.session.execute(query.order_by(AssetRow.code).limit(MOST_CHOICES))
    return [{"id": row.id, "code": row.code, "name": row.name} for row in rows]


def tenant_query(viewer: Viewer, tenant_id: int | None) -> str:
    """What a platform owner adds to the address of a change: which tenant it is in."""
    return f"?tenant_id={tenant_id}" if viewer.tenant_id is None and tenant_id is not None else ""
