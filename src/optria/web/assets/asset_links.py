"""The lines between assets over HTTP: what leaves one reaches the other."""

from typing import Annotated

from fastapi import Request
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from optria.core.errors import Conflict, Invalid
from optria.core.roles import Permission
from optria.db.plant import AssetLink, AssetRow
from optria.web import changes
from optria.web.assets.asset_bodies import LinkCreate
from optria.web.assets.asset_checks import lock_asset
from optria.web.changes import Change
from optria.web.deps import IdFilter, OpenTx, RowId, require, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.turns import take_turns

router = api_router(prefix="/api/assets/links", tags=["assets"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Managing = Annotated[Viewer, require(Permission.MANAGE_ASSETS)]


@router.get("", summary="List the lines between assets")
async def list_links(_viewer: Seeing, tx: OpenTx, site_id: IdFilter = None) -> Json:
    """Every line whose ends are in use; with ``site_id``, those with an end at that site."""
    source, target = aliased(AssetRow), aliased(AssetRow)
    query = (
        select(AssetLink, source, target)
        .join(source, AssetLink.source_asset_id == source.id)
        .join(target, AssetLink.target_asset_id == target.id)
        .where(source.is_active.is_not(False), target.is_active.is_not(False))
        .order_by(source.code, target.code, AssetLink.id)
    )
    if site_id is not None:
        query = query.where(or_(source.site_id == site_id, target.site_id == site_id))
    found = (await tx.session.execute(query)).all()
    links = [link_json(link, first, second) for link, first, second in found]
    return {"links": links, "total": len(links)}


@router.post("", summary="Add a line between two assets")
async def create_link(viewer: Managing, request: Request, tx: OpenTx, asked: LinkCreate) -> Json:
    """A line may close a circle: recycle streams do."""
    if asked.source_asset_id == asked.target_asset_id:
        raise Invalid("A line goes from one asset to another.")
    source, target = [
        await lock_asset(tx, asset_id) for asset_id in (asked.source_asset_id, asked.target_asset_id)
    ]
    same = (AssetLink.source_asset_id == source.id) & (AssetLink.target_asset_id == target.id)
    if await tx.session.scalar(select(AssetLink.id).where(same)) is not None:
        raise Conflict(f"There is a line from {source.code} to {target.code} already.")
    row = AssetLink(tenant_id=written_tenant(tx), source_asset_id=source.id, target_asset_id=target.id)
    tx.session.add(row)
    await tx.session.flush()
    summary = f"A line from {source.code} to {target.code} was added"
    new = asked.model_dump()
    change = Change("link_added", "asset_link", row.id, summary, new=new, asset_id=source.id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "link": link_json(row, source, target)}


@router.delete("/{link_id}", summary="Remove a line between two assets")
async def remove_link(viewer: Managing, request: Request, tx: OpenTx, link_id: RowId) -> Json:
    """The assets stay."""
    await take_turns(tx, "asset")
    row = await find(tx, AssetLink, link_id, "line")
    ends = {"source_asset_id": row.source_asset_id, "target_asset_id": row.target_asset_id}
    await tx.session.delete(row)
    source, target = [await lock_asset(tx, asset_id) for asset_id in ends.values()]
    summary = f"The line from {source.code} to {target.code} was removed"
    change = Change("link_removed", "asset_link", link_id, summary, old=ends, asset_id=source.id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "message": "The line is removed."}


def link_json(row: AssetLink, source: AssetRow, target: AssetRow) -> Json:
    return {
        "id": row.id,
        "source_asset_id": row.source_asset_id,
        "source_code": source.code,
        "target_asset_id": row.target_asset_id,
        "target_code": target.code,
    }
