"""Process drawings over HTTP: one default for each site."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Request
from sqlalchemy import delete, select

from optria.core.errors import Conflict
from optria.core.roles import Permission
from optria.db.session import Tx
from optria.db.twin import TwinLayout, TwinNode
from optria.web import changes
from optria.web.assets.sites import find_site
from optria.web.changes import Change
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, require, written_tenant
from optria.web.edits import Edit, apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.rows import count, find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, layout_json
from optria.web.turns import take_turns
from optria.web.twin.layout_views import layout_with_nodes, recorded
from optria.web.twin.twin_bodies import TwinLayoutCreate, TwinLayoutUpdate

router = api_router(prefix="/api/twins/layouts", tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
Drawing = Annotated[Viewer, require(Permission.MANAGE_TWIN)]
NEEDED: Final = frozenset({"name", "width", "height", "config", "is_default", "is_active"})


@router.get("", summary="List the drawings")
async def list_layouts(
    _viewer: Seeing,
    tx: OpenTx,
    site_id: IdFilter = None,
    is_active: bool | None = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """The defaults first."""
    conditions = [TwinLayout.site_id == site_id] if site_id is not None else []
    if is_active is not None:
        conditions.append(TwinLayout.is_active == is_active)
    query = select(TwinLayout).where(*conditions)
    total = await count(tx, query)
    page = query.order_by(TwinLayout.is_default.desc(), TwinLayout.id).limit(limit).offset(offset)
    layouts = [layout_json(row) for row in (await tx.session.scalars(page)).all()]
    return {"layouts": layouts, "total": total, "limit": limit, "offset": offset}


@router.post("", summary="Add a drawing")
async def create_layout(viewer: Drawing, request: Request, tx: OpenTx, asked: TwinLayoutCreate) -> Json:
    """A new default takes the place of the one before at its site."""
    tenant_id = written_tenant(tx)
    await take_turns(tx, "twin_layout")
    if asked.site_id is not None:
        await find_site(tx, asked.site_id)
    row = TwinLayout(tenant_id=tenant_id, is_active=True, **asked.model_dump())
    tx.session.add(row)
    await tx.session.flush()
    await _keep_one_default(tx, row)
    new = recorded(Edit({}, plain(asked))).new
    change = Change("layout_added", "twin_layout", row.id, f"Drawing {row.name} was added", new=new)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "layout": layout_json(row)}


@router.get("/{layout_id}", summary="Read a drawing")
async def get_layout(_viewer: Seeing, tx: OpenTx, layout_id: RowId) -> Json:
    """With the nodes of version 1's editor; a process drawing has its parts in ``config``."""
    row = await find_layout(tx, layout_id)
    nodes = select(TwinNode).where(TwinNode.layout_id == row.id).order_by(TwinNode.z_index, TwinNode.id)
    return layout_with_nodes(row, list((await tx.session.scalars(nodes)).all()))


@router.put("/{layout_id}", summary="Change a drawing")
async def update_layout(
    viewer: Drawing, request: Request, tx: OpenTx, layout_id: RowId, asked: TwinLayoutUpdate
) -> Json:
    """Only what is sent changes; refused (409) when somebody has saved after ``unchanged_since``."""
    values = sent_fields(asked, NEEDED)
    values.pop("unchanged_since", None)
    await take_turns(tx, "twin_layout")
    row = await find_layout(tx, layout_id)
    _refuse_overwriting(row, asked.unchanged_since)
    edit = apply_edit(row, values)
    if edit:
        await _keep_one_default(tx, row)
        short = recorded(edit)
        summary = f"Drawing {row.name}: {', '.join(edit.new)} changed"
        change = Change("layout_changed", "twin_layout", row.id, summary, short.old, short.new)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "layout": layout_json(row)}


@router.delete("/{layout_id}", summary="Delete a drawing")
async def delete_layout(viewer: Drawing, request: Request, tx: OpenTx, layout_id: RowId) -> Json:
    """It is gone for good, with its nodes. To put it aside, change ``is_active``."""
    await take_turns(tx, "twin_layout")
    row = await find_layout(tx, layout_id)
    old = recorded(Edit(plain(layout_json(row)), {})).old
    await tx.session.execute(delete(TwinNode).where(TwinNode.layout_id == row.id))
    await tx.session.delete(row)
    change = Change("layout_deleted", "twin_layout", row.id, f"Drawing {row.name} was deleted", old=old)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "message": f"Drawing {row.name} is deleted."}


async def find_layout(tx: Tx, layout_id: int) -> TwinLayout:
    """Raises NotFound when the tenant of the transaction has no such drawing."""
    return await find(tx, TwinLayout, layout_id, "drawing")


def _refuse_overwriting(row: TwinLayout, unchanged_since: datetime | None) -> None:
    """Raises Conflict when the drawing has been saved after it was read."""
    saved = row.updated_at or row.created_at
    if unchanged_since is not None and saved is not None and saved > unchanged_since:
        raise Conflict("Somebody has saved this drawing meanwhile.")


async def _keep_one_default(tx: Tx, row: TwinLayout) -> None:
    """Where ``row`` is the default of its site (or of no site), the others there are not."""
    if not row.is_default:
        return
    same_site = TwinLayout.site_id.is_not_distinct_from(row.site_id)
    query = select(TwinLayout).where(
        TwinLayout.tenant_id == row.tenant_id,
        same_site,
        TwinLayout.id != row.id,
        TwinLayout.is_default.is_(True),
    )
    for other in (await tx.session.scalars(query)).all():
        apply_edit(other, {"is_default": False})
