"""Sites over HTTP: where assets stand, and in which time zone."""

from typing import Annotated

from fastapi import Request
from sqlalchemy import func, select

from optria.core.errors import Conflict
from optria.core.roles import Permission
from optria.db.plant import AssetRow, SiteRow
from optria.db.session import Tx
from optria.web import changes
from optria.web.assets.asset_bodies import SiteCreate, SiteUpdate
from optria.web.changes import Change
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.edits import apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, site_json
from optria.web.turns import take_turns

router = api_router(prefix="/api/assets/sites", tags=["assets"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_ASSETS)]
NEEDED = frozenset({"code", "name", "time_zone", "is_active"})


@router.get("", summary="List the sites")
async def list_sites(_viewer: Seeing, tx: OpenTx) -> list[Json]:
    """The sites in use, by code."""
    query = select(SiteRow).where(SiteRow.is_active.is_not(False)).order_by(SiteRow.code, SiteRow.id)
    return [site_json(row) for row in (await tx.session.scalars(query)).all()]


@router.post("", summary="Add a site")
async def create_site(viewer: Managing, request: Request, tx: OpenTx, asked: SiteCreate) -> Json:
    """The code is unique in the tenant."""
    tenant_id = written_tenant(tx)
    await _claim_code(tx, asked.code)
    row = SiteRow(tenant_id=tenant_id, **asked.model_dump())
    tx.session.add(row)
    await tx.session.flush()
    await changes.record(
        tx,
        viewer,
        request,
        Change("site_added", "site", row.id, f"Site {row.code} was added", new=plain(asked)),
    )
    return {"success": True, "site": site_json(row)}


@router.put("/{site_id}", summary="Change a site")
async def update_site(
    viewer: Managing, request: Request, tx: OpenTx, site_id: RowId, asked: SiteUpdate
) -> Json:
    """Only what is sent changes. A site with assets in use stays in use."""
    values = sent_fields(asked, NEEDED)
    row = await find_site(tx, site_id)
    if values.get("code", row.code) != row.code:
        await _claim_code(tx, str(values["code"]))
    if values.get("is_active") is False:
        await _check_empty(tx, row)
    edit = apply_edit(row, values)
    if edit:
        summary = f"Site {row.code}: {', '.join(edit.new)} changed"
        change = Change("site_changed", "site", row.id, summary, edit.old, edit.new)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "site": site_json(row)}


async def find_site(tx: Tx, site_id: int) -> SiteRow:
    """Raises NotFound when the tenant of the transaction has no such site."""
    return await find(tx, SiteRow, site_id, "site")


async def _claim_code(tx: Tx, code: str) -> None:
    await take_turns(tx, "site")
    if await tx.session.scalar(select(SiteRow.id).where(SiteRow.code == code).limit(1)) is not None:
        raise Conflict(f"There is a site {code} already.")


async def _check_empty(tx: Tx, row: SiteRow) -> None:
    in_use = (AssetRow.site_id == row.id) & AssetRow.is_active.is_not(False)
    count = await tx.session.scalar(select(func.count()).select_from(AssetRow).where(in_use))
    if count:
        raise Conflict(f"{count} assets stand at {row.code}. Move them or take them out of use first.")
