"""The parts of an asset and its ways to fail, over HTTP."""

from typing import Annotated

from fastapi import Request
from sqlalchemy import select

from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.roles import Permission
from optria.db.asset_details import AssetComponent, FailureMode
from optria.db.plant import AssetRow
from optria.db.session import Tx
from optria.web import changes
from optria.web.assets.asset_bodies import (
    ComponentCreate,
    ComponentUpdate,
    FailureModeCreate,
    FailureModeUpdate,
)
from optria.web.assets.asset_checks import lock_asset
from optria.web.assets.asset_views import component_json, failure_mode_json
from optria.web.changes import Change
from optria.web.deps import OpenTx, RowId, require
from optria.web.edits import apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json

router = api_router(prefix="/api/assets/{asset_id}", tags=["assets"])

Managing = Annotated[Viewer, require(Permission.MANAGE_ASSETS)]
PART_NEEDS = frozenset({"code", "name", "criticality"})
MODE_NEEDS = frozenset({"code", "name"})


@router.post("/components", summary="Add a part to an asset")
async def create_component(
    viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId, asked: ComponentCreate
) -> Json:
    """The code is unique among the parts of the asset."""
    asset = await lock_asset(tx, asset_id)
    await _check_code(tx, AssetComponent, asset, asked.code)
    await _check_parent(tx, asset, asked.parent_component_id, None)
    row = AssetComponent(tenant_id=asset.tenant_id, asset_id=asset.id, **asked.model_dump())
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Part {row.code} was added to {asset.code}"
    change = Change("component_added", "component", row.id, summary, new=plain(asked), asset_id=asset.id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "component": component_json(row)}


@router.put("/components/{component_id}", summary="Change a part")
async def update_component(
    viewer: Managing,
    request: Request,
    tx: OpenTx,
    asset_id: RowId,
    component_id: RowId,
    asked: ComponentUpdate,
) -> Json:
    """Only what is sent changes."""
    values = sent_fields(asked, PART_NEEDS)
    asset = await lock_asset(tx, asset_id)
    row = await _find_component(tx, asset, component_id)
    if asked.code is not None and asked.code != row.code:
        await _check_code(tx, AssetComponent, asset, asked.code)
    await _check_parent(tx, asset, asked.parent_component_id, row.id)
    edit = apply_edit(row, values)
    if edit:
        summary = f"Part {row.code} of {asset.code}: {', '.join(edit.new)} changed"
        change = Change("component_changed", "component", row.id, summary, edit.old, edit.new, asset.id)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "component": component_json(row)}


@router.delete("/components/{component_id}", summary="Remove a part")
async def remove_component(
    viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId, component_id: RowId
) -> Json:
    """It is no longer shown; what was recorded of it stays."""
    asset = await lock_asset(tx, asset_id)
    row = await _find_component(tx, asset, component_id)
    edit = apply_edit(row, {"is_active": False})
    summary = f"Part {row.code} of {asset.code} was removed"
    change = Change("component_removed", "component", row.id, summary, edit.old, edit.new, asset.id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "message": f"Part {row.code} is removed."}


@router.post("/failure-modes", summary="Add a way that an asset may fail")
async def create_failure_mode(
    viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId, asked: FailureModeCreate
) -> Json:
    """The code is unique among the failure modes of the asset."""
    asset = await lock_asset(tx, asset_id)
    await _check_code(tx, FailureMode, asset, asked.code)
    if asked.component_id is not None:
        await _find_component(tx, asset, asked.component_id)
    row = FailureMode(tenant_id=asset.tenant_id, asset_id=asset.id, **asked.model_dump())
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Failure mode {row.code} was added to {asset.code}"
    change = Change(
        "failure_mode_added", "failure_mode", row.id, summary, new=plain(asked), asset_id=asset.id
    )
    await changes.record(tx, viewer, request, change)
    return {"success": True, "failure_mode": failure_mode_json(row)}


@router.put("/failure-modes/{mode_id}", summary="Change a failure mode")
async def update_failure_mode(
    viewer: Managing,
    request: Request,
    tx: OpenTx,
    asset_id: RowId,
    mode_id: RowId,
    asked: FailureModeUpdate,
) -> Json:
    """Only what is sent changes."""
    values = sent_fields(asked, MODE_NEEDS)
    asset = await lock_asset(tx, asset_id)
    row = await _find_mode(tx, asset, mode_id)
    if asked.code is not None and asked.code != row.code:
        await _check_code(tx, FailureMode, asset, asked.code)
    if asked.component_id is not None:
        await _find_component(tx, asset, asked.component_id)
    edit = apply_edit(row, values)
    if edit:
        summary = f"Failure mode {row.code} of {asset.code}: {', '.join(edit.new)} changed"
        change = Change("failure_mode_changed", "failure_mode", row.id, summary, edit.old, edit.new, asset.id)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "failure_mode": failure_mode_json(row)}


@router.delete("/failure-modes/{mode_id}", summary="Remove a failure mode")
async def remove_failure_mode(
    viewer: Managing, request: Request, tx: OpenTx, asset_id: RowId, mode_id: RowId
) -> Json:
    """It is no longer shown."""
    asset = await lock_asset(tx, asset_id)
    row = await _find_mode(tx, asset, mode_id)
    edit = apply_edit(row, {"is_active": False})
    summary = f"Failure mode {row.code} of {asset.code} was removed"
    change = Change("failure_mode_removed", "failure_mode", row.id, summary, edit.old, edit.new, asset.id)
    await changes.record(tx, viewer, request, change)
    return {"success": True, "message": f"Failure mode {row.code} is removed."}


async def _find_component(tx: Tx, asset: AssetRow, component_id: int) -> AssetComponent:
    row = await tx.session.get(AssetComponent, component_id)
    if row is None or row.asset_id != asset.id or row.is_active is False:
        raise NotFound(f"{asset.code} has no part {component_id}.")
    return row


async def _find_mode(tx: Tx, asset: AssetRow, mode_id: int) -> FailureMode:
    row = await tx.session.get(FailureMode, mode_id)
    if row is None or row.asset_id != asset.id or row.is_active is False:
        raise NotFound(f"{asset.code} has no failure mode {mode_id}.")
    return row


async def _check_code(
    tx: Tx, table: type[AssetComponent] | type[FailureMode], asset: AssetRow, code: str
) -> None:
    taken = select(table.id).where(
        table.asset_id == asset.id, table.code == code, table.is_active.is_not(False)
    )
    if await tx.session.scalar(taken.limit(1)) is not None:
        raise Conflict(f"{asset.code} has a {code} already.")


async def _check_parent(tx: Tx, asset: AssetRow, parent_id: int | None, own_id: int | None) -> None:
    """Follow the parts upwards: none may stand above itself."""
    seen: set[int] = set()
    while parent_id is not None and parent_id not in seen:
        if parent_id == own_id:
            raise Invalid("A part cannot be a part of itself.")
        seen.add(parent_id)
        parent_id = (await _find_component(tx, asset, parent_id)).parent_component_id
