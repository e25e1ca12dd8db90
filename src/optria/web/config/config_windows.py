"""``/api/config/windows``: how far around an anchor an analysis looks, for an asset type or the tenant."""

from typing import Annotated

from fastapi import Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from optria.db.plant import IncidentWindow
from optria.rca.window import DEFAULT_MINUTES
from optria.web import changes
from optria.web.bodies import NewBody, Word100
from optria.web.changes import Change
from optria.web.config.config_scope import Managing, Reading, known_type, same
from optria.web.deps import Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/windows", tags=["configuration"])

Minutes = Annotated[float, Field(ge=1, le=1440, allow_inf_nan=False)]


class WindowBody(NewBody):
    """Minutes on both sides of the anchor; without an asset type, for the whole tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"asset_type": "Compressor", "before_minutes": 60, "after_minutes": 20}]
        }
    )

    asset_type: Word100 | None = None
    before_minutes: Minutes
    after_minutes: Minutes


def window_json(row: IncidentWindow) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | _facts(row)


def _facts(row: IncidentWindow) -> Json:
    return {
        "asset_type": row.asset_type,
        "before_minutes": row.before_minutes,
        "after_minutes": row.after_minutes,
    }


@router.get("", summary="List windows")
async def list_windows(_viewer: Reading, tx: OpenTx, limit: Limit = 100, offset: Offset = 0) -> Json:
    """An incident takes that of its asset's type, else the tenant's own, else ``default``."""
    query = select(IncidentWindow).order_by(IncidentWindow.asset_type.nulls_first(), IncidentWindow.id)
    default = {"before_minutes": DEFAULT_MINUTES, "after_minutes": DEFAULT_MINUTES}
    return await page(tx, query, window_json, limit, offset) | {"default": default}


@router.put("", summary="Set a window")
async def set_window(request: Request, viewer: Managing, tx: OpenTx, body: WindowBody) -> Json:
    """Holds for incidents that begin from now on; those that run keep theirs."""
    await lock_settings(tx)
    row, old = await _window(tx, body.asset_type), {}
    if row is None:
        asset_type = await known_type(tx, body.asset_type)
        row = IncidentWindow(tenant_id=written_tenant(tx), asset_type=asset_type)
        tx.session.add(row)
    else:
        old = _facts(row)
    row.before_minutes, row.after_minutes = body.before_minutes, body.after_minutes
    await tx.session.flush()
    span = f"{row.before_minutes:g} minutes before and {row.after_minutes:g} after the anchor"
    summary = f"Window of {_whose(row)} set to {span}"
    change = Change("window_set", "incident_window", row.id, summary, old, _facts(row))
    await changes.record(tx, viewer, request, change)
    return window_json(row)


async def _window(tx: OpenTx, asset_type: str | None) -> IncidentWindow | None:
    query = select(IncidentWindow).where(
        IncidentWindow.tenant_id == written_tenant(tx), same(IncidentWindow.asset_type, asset_type)
    )
    return (await tx.session.scalars(query)).first()


def _whose(row: IncidentWindow) -> str:
    return f"every {row.asset_type}" if row.asset_type else "the tenant"


@router.delete("/{window_id}", summary="Remove a window", status_code=204)
async def remove_window(request: Request, viewer: Managing, tx: OpenTx, window_id: RowId) -> None:
    """Incidents from now on fall back to the tenant's window, or to 30 minutes on both sides."""
    await lock_settings(tx)
    row = await find(tx, IncidentWindow, window_id, "window", lock=True)
    await tx.session.delete(row)
    change = Change(
        "window_removed", "incident_window", row.id, f"Window of {_whose(row)} removed", _facts(row)
    )
    await changes.record(tx, viewer, request, change)
