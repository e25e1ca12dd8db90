"""The nodes of a drawing over HTTP: the shapes of version 1's editor."""

from typing import Annotated, Final

from fastapi import Request
from sqlalchemy import select, update

from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.db.twin import TwinNode
from optria.web import changes
from optria.web.changes import Change
from optria.web.deps import IdFilter, OpenTx, RowId, require
from optria.web.edits import apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json
from optria.web.turns import take_turns
from optria.web.twin.layout_views import node_json
from optria.web.twin.layouts import find_layout
from optria.web.twin.twin_bodies import TwinNodeCreate, TwinNodeUpdate

router = api_router(prefix="/api/twins", tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
Drawing = Annotated[Viewer, require(Permission.MANAGE_TWIN)]
NEEDED: Final = frozenset(
    {
        "position_x",
        "position_y",
        "width",
        "height",
        "rotation",
        "style",
        "data_bindings",
        "z_index",
        "is_visible",
    }
)
MOST_NODES: Final = 5_000


@router.get("/layouts/{layout_id}/nodes", summary="List the nodes of a drawing")
async def list_nodes(_viewer: Seeing, tx: OpenTx, layout_id: RowId, asset_id: IdFilter = None) -> Json:
    """The lowest first."""
    layout = await find_layout(tx, layout_id)
    query = select(TwinNode).where(TwinNode.layout_id == layout.id)
    if asset_id is not None:
        query = query.where(TwinNode.asset_id == asset_id)
    rows = (await tx.session.scalars(query.order_by(TwinNode.z_index, TwinNode.id))).all()
    return {"nodes": [node_json(row) for row in rows], "total": len(rows)}


@router.post("/layouts/{layout_id}/nodes", summary="Add a node to a drawing")
async def create_node(
    viewer: Drawing, request: Request, tx: OpenTx, layout_id: RowId, asked: TwinNodeCreate
) -> Json:
    """Its parent, where it has one, is a node of the same drawing."""
    if asked.layout_id not in (None, layout_id):
        raise Invalid("The body names another drawing than the address.")
    await take_turns(tx, "twin_layout")
    layout = await find_layout(tx, layout_id)
    await _check_asset(tx, asked.asset_id)
    nodes = (await tx.session.scalars(select(TwinNode.id).where(TwinNode.layout_id == layout.id))).all()
    if asked.parent_node_id is not None and asked.parent_node_id not in nodes:
        raise NotFound(f"The drawing has no node {asked.parent_node_id}.")
    if len(nodes) >= MOST_NODES:
        raise Invalid(f"A drawing has at most {MOST_NODES} nodes.")
    row = TwinNode(tenant_id=layout.tenant_id, **asked.model_dump() | {"layout_id": layout.id})
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Node {row.label or row.node_type} was added to drawing {layout.name}"
    change = Change("node_added", "twin_node", row.id, summary, new=plain(asked), asset_id=row.asset_id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "node": node_json(row)}


@router.put("/nodes/{node_id}", summary="Change a node")
async def update_node(
    viewer: Drawing, request: Request, tx: OpenTx, node_id: RowId, asked: TwinNodeUpdate
) -> Json:
    """Only what is sent changes."""
    values = sent_fields(asked, NEEDED)
    await take_turns(tx, "twin_layout")
    row = await find(tx, TwinNode, node_id, "node")
    edit = apply_edit(row, values)
    if edit:
        summary = f"Node {row.label or row.node_type}: {', '.join(edit.new)} changed"
        change = Change("node_changed", "twin_node", row.id, summary, edit.old, edit.new, row.asset_id)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "node": node_json(row)}


@router.delete("/nodes/{node_id}", summary="Delete a node")
async def delete_node(viewer: Drawing, request: Request, tx: OpenTx, node_id: RowId) -> Json:
    """Nodes that stood on it stand on the drawing."""
    await take_turns(tx, "twin_layout")
    row = await find(tx, TwinNode, node_id, "node")
    orphans = update(TwinNode).where(TwinNode.parent_node_id == row.id, TwinNode.layout_id == row.layout_id)
    await tx.session.execute(orphans.values(parent_node_id=None))
    await tx.session.delete(row)
    name = row.label or row.node_type
    old = plain(node_json(row))
    change = Change("node_deleted", "twin_node", row.id, f"Node {name} was deleted", old=old)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "message": f"Node {name} is deleted."}


async def _check_asset(tx: Tx, asset_id: int | None) -> None:
    if asset_id is not None:
        await find(tx, AssetRow, asset_id, "asset")
