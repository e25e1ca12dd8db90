"""Cost models over HTTP: v1's money of a tenant, of which one is in force."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Request
from sqlalchemy import or_, select

from optria.core.errors import Conflict, Invalid, NotFound
from optria.core.roles import Permission
from optria.db.plant import CostModel
from optria.db.session import Tx
from optria.kit import clock
from optria.web import changes
from optria.web.changes import Change
from optria.web.config.config_proposals import needs_another
from optria.web.config.cost_model_bodies import CostModelCreate, CostModelUpdate
from optria.web.deps import OpenTx, RowId, require, written_tenant
from optria.web.edits import apply_edit, plain, sent_fields
from optria.web.routing import api_router
from optria.web.rows import find
from optria.web.sessions import Viewer
from optria.web.shapes import Json, number
from optria.web.turns import lock_settings, take_turns

router = api_router(prefix="/api/integrations/cost-models", tags=["cost models"])

Reading = Annotated[Viewer, require(Permission.VIEW_RULES)]
Managing = Annotated[Viewer, require(Permission.MANAGE_RULES)]
NEEDED: Final = frozenset(
    {
        "name",
        "currency",
        "is_active",
        "cost_per_asset_family",
        "production_value_per_site",
        "criticality_thresholds",
    }
)
WORDS: Final = frozenset({"name", "description"})
"""What no estimate goes by."""


@router.get("", summary="List the cost models")
async def list_cost_models(_viewer: Reading, tx: OpenTx) -> list[Json]:
    """The one in force first."""
    query = select(CostModel).order_by(CostModel.is_active.is_not(False).desc(), CostModel.id.desc())
    return [cost_model_json(row) for row in (await tx.session.scalars(query)).all()]


@router.get("/active", summary="Read the cost model in force")
async def get_active_cost_model(_viewer: Reading, tx: OpenTx) -> Json:
    """What an analysis of now falls back on where no cost reference is approved."""
    if tx.tenant_id is None:
        raise Invalid("Say which tenant this is for: add ?tenant_id= to the address.")
    now = clock.now()
    query = (
        select(CostModel)
        .where(CostModel.is_active.is_not(False))
        .where(or_(CostModel.valid_from.is_(None), CostModel.valid_from <= now))
        .where(or_(CostModel.valid_to.is_(None), CostModel.valid_to >= now))
        .order_by(CostModel.valid_from.desc().nulls_last(), CostModel.id.desc())
        .limit(1)
    )
    row = await tx.session.scalar(query)
    if row is None:
        raise NotFound("No cost model is in force. Add one, or put one in force.")
    return cost_model_json(row)


@router.post("", summary="Add a cost model")
async def create_cost_model(viewer: Managing, request: Request, tx: OpenTx, asked: CostModelCreate) -> Json:
    """It comes into force at once, and the one before goes out of it, unless ``is_active`` is false.

    409 for one in force where the tenant's setting ``four_eyes`` is on.
    """
    tenant_id = written_tenant(tx)
    if asked.is_active:
        await _refuse_alone(tx, viewer)
    await take_turns(tx, "cost_model")
    row = CostModel(tenant_id=tenant_id, **_storable(asked.model_dump()))
    tx.session.add(row)
    await tx.session.flush()
    await _keep_one_active(tx, row)
    summary = f"Cost model {row.name} was added"
    change = Change("cost_model_added", "cost_model", row.id, summary, new=plain(asked))
    await changes.record(tx, viewer, request, change)
    return {"success": True, "cost_model": cost_model_json(row)}


@router.put("/{model_id}", summary="Change a cost model")
async def update_cost_model(
    viewer: Managing, request: Request, tx: OpenTx, model_id: RowId, asked: CostModelUpdate
) -> Json:
    """Only what is sent changes; a table that is sent replaces the table.

    Where the tenant's setting ``four_eyes`` is on, 409 for all but the words of the model in force, and for
    putting one in force.
    """
    values = sent_fields(asked, NEEDED)
    await take_turns(tx, "cost_model")
    row = await find(tx, CostModel, model_id, "cost model")
    counts = row.is_active is not False
    edit = apply_edit(row, _storable(values))
    if edit.new.keys() - WORDS and (counts or row.is_active is not False):
        await _refuse_alone(tx, viewer)
    if edit:
        await _keep_one_active(tx, row)
        summary = f"Cost model {row.name or row.id}: {', '.join(edit.new)} changed"
        change = Change("cost_model_changed", "cost_model", row.id, summary, edit.old, edit.new)
        await changes.record(tx, viewer, request, change)
    return {"success": True, "cost_model": cost_model_json(row)}


def _storable(values: Mapping[str, object]) -> dict[str, object]:
    """Tables as JSON numbers, whole ones as such: a column of JSON holds no decimals."""
    return {
        name: {key: _json_number(each) for key, each in value.items()}
        if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }


def _json_number(value: Decimal | float) -> float:
    return int(value) if value == int(value) else float(value)


async def _refuse_alone(tx: Tx, viewer: Viewer) -> None:
    """Raises Conflict where a second person is wanted: cost models have no proposals."""
    if needs_another(await lock_settings(tx), viewer):
        raise Conflict(
            "Here, costs take two people to come into force. Propose a cost reference "
            "(/api/config/cost-references) and have somebody else approve it."
        )


async def _keep_one_active(tx: Tx, row: CostModel) -> None:
    if row.is_active is False:
        return
    query = select(CostModel).where(
        CostModel.tenant_id == row.tenant_id, CostModel.id != row.id, CostModel.is_active.is_not(False)
    )
    for other in (await tx.session.scalars(query)).all():
        apply_edit(other, {"is_active": False})


def cost_model_json(row: CostModel) -> Json:
    """v1's keys."""
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": row.name,
        "description": row.description,
        "default_downtime_cost_per_hour": number(row.default_downtime_cost_per_hour),
        "risk_appetite": row.risk_appetite,
        "cost_per_asset_family": row.cost_per_asset_family or {},
        "production_value_per_unit": number(row.production_value_per_unit),
        "production_value_per_site": row.production_value_per_site or {},
        "criticality_thresholds": row.criticality_thresholds or {},
        "currency": row.currency,
        "is_active": row.is_active,
    }
