"""``/api/config/carbon-factors`` and ``/downtime-references``: the figures that impact is estimated with."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Request
from pydantic import ConfigDict, Field
from sqlalchemy import func, select

from optria.core.errors import Conflict
from optria.core.incident import cause_code, cause_label
from optria.db.plant import CarbonFactor, DowntimeReference
from optria.db.session import Tx
from optria.web import bodies, changes
from optria.web.bodies import NewBody, Word50, Word100
from optria.web.changes import Change
from optria.web.config.config_bodies import Source
from optria.web.config.config_scope import Managing, Reading, TypeFilter, known_type, same
from optria.web.deps import Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json, number, when
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config", tags=["configuration"])

FACTOR, DOWNTIME = "carbon factor", "downtime reference"


class CarbonFactorBody(NewBody):
    """kg of CO2 per kWh of an energy type, from a day on; without a day, from always."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "energy_type": "electricity",
                    "factor_kg_per_kwh": 0.568,
                    "valid_from": "2027-01-01",
                    "source": "Grid emission factor 2026",
                }
            ]
        }
    )

    energy_type: Word50
    factor_kg_per_kwh: Annotated[Decimal, Field(ge=0, lt=10, decimal_places=5)]
    valid_from: bodies.Day | None = None
    source: Source | None = None


class DowntimeBody(NewBody):
    """Hours that a cause typically takes; without an asset type, on every asset."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"cause": "Bearing Fault", "asset_type": "Pump", "hours": 14}]}
    )

    cause: Word100 = Field(description="A label or a code: Bearing Fault, BEARING_FAULT.")
    asset_type: Word100 | None = None
    hours: Annotated[Decimal, Field(ge=0, le=99_999, decimal_places=2)]
    source: Source | None = None


def factor_json(row: CarbonFactor) -> Json:
    view: Json = {"id": row.id, "tenant_id": row.tenant_id, "energy_type": row.energy_type}
    return view | {
        "factor_kg_per_kwh": number(row.factor_kg_per_kwh),
        "valid_from": when(row.valid_from),
        "source": row.source,
        "is_active": row.is_active,
    }


def downtime_json(row: DowntimeReference) -> Json:
    label = cause_label(row.cause)
    view: Json = {"id": row.id, "tenant_id": row.tenant_id, "cause": label, "cause_code": cause_code(label)}
    return view | {"asset_type": row.asset_type, "hours": number(row.hours), "source": row.source}


def _facts(view: Json) -> Json:
    return {name: value for name, value in view.items() if name not in ("id", "tenant_id")}


@router.get("/carbon-factors", summary="List carbon factors")
async def list_factors(
    _viewer: Reading, tx: OpenTx, is_active: bool | None = None, limit: Limit = 100, offset: Offset = 0
) -> Json:
    """An incident is weighed with the latest one of its energy type that had begun by then."""
    latest = CarbonFactor.valid_from.desc().nulls_last()
    query = select(CarbonFactor).order_by(CarbonFactor.energy_type, latest, CarbonFactor.id.desc())
    if is_active is not None:
        query = query.where(CarbonFactor.is_active.is_(is_active))
    return await page(tx, query, factor_json, limit, offset)


@router.post("/carbon-factors", summary="Add a carbon factor", status_code=201)
async def add_factor(request: Request, viewer: Managing, tx: OpenTx, body: CarbonFactorBody) -> Json:
    """A new factor does not end an older one: incidents before ``valid_from`` keep theirs."""
    await lock_settings(tx)
    await _check_new_factor(tx, body.energy_type, body.valid_from)
    row = CarbonFactor(**body.model_dump(), tenant_id=written_tenant(tx), is_active=True)
    tx.session.add(row)
    await tx.session.flush()
    began = f" from {row.valid_from}" if row.valid_from else ""
    summary = f"Carbon factor of {row.energy_type} set to {row.factor_kg_per_kwh:f} kg/kWh{began}"
    change = Change("carbon_factor_added", "carbon_factor", row.id, summary, new=_facts(factor_json(row)))
    await changes.record(tx, viewer, request, change)
    return factor_json(row)


async def _check_new_factor(tx: Tx, energy_type: str, valid_from: date | None) -> None:
    """Raises Conflict where one begins on the same day."""
    query = select(CarbonFactor.id).where(
        CarbonFactor.tenant_id == written_tenant(tx),
        CarbonFactor.is_active,
        func.lower(CarbonFactor.energy_type) == energy_type.lower(),
        CarbonFactor.valid_from.is_not_distinct_from(valid_from),
    )
    if other := await tx.session.scalar(query):
        raise Conflict(f"Carbon factor {other} of {energy_type} begins then already: retire it first.")


@router.post("/carbon-factors/{factor_id}/retire", summary="Take a carbon factor out of force")
async def retire_factor(request: Request, viewer: Managing, tx: OpenTx, factor_id: RowId) -> Json:
    """As if it had never been: analyses from now on use the one before it."""
    await lock_settings(tx)
    row = await find(tx, CarbonFactor, factor_id, FACTOR, lock=True)
    if not row.is_active:
        raise Conflict(f"Carbon factor {row.id} is not in force.")
    old = _facts(factor_json(row))
    row.is_active = False
    summary = f"Carbon factor of {row.energy_type} ({row.factor_kg_per_kwh:f} kg/kWh) taken out of force"
    new = _facts(factor_json(row))
    await changes.record(
        tx, viewer, request, Change("carbon_factor_retired", "carbon_factor", row.id, summary, old, new)
    )
    return factor_json(row)


@router.get("/downtime-references", summary="List downtime references")
async def list_downtimes(
    _viewer: Reading, tx: OpenTx, asset_type: TypeFilter = None, limit: Limit = 100, offset: Offset = 0
) -> Json:
    """Typical hours before history is known; what failures really took moves the estimate away from them."""
    query = select(DowntimeReference).order_by(DowntimeReference.cause, DowntimeReference.id)
    if asset_type is not None:
        query = query.where(same(DowntimeReference.asset_type, asset_type))
    return await page(tx, query, downtime_json, limit, offset)


@router.put("/downtime-references", summary="Set a downtime reference")
async def set_downtime(request: Request, viewer: Managing, tx: OpenTx, body: DowntimeBody) -> Json:
    """One for each cause and asset type: set again, it changes."""
    await lock_settings(tx)
    row, old = await _downtime(tx, body), {}
    if row is None:
        asset_type = await known_type(tx, body.asset_type)
        row = DowntimeReference(
            tenant_id=written_tenant(tx), cause=cause_label(body.cause), asset_type=asset_type
        )
        tx.session.add(row)
    else:
        old = _facts(downtime_json(row))
    row.hours, row.source = body.hours, body.source
    await tx.session.flush()
    new = _facts(downtime_json(row))
    summary = f"Downtime of {new['cause']} on {_whom(row)} set to {row.hours:f} h"
    change = Change("downtime_reference_set", "downtime_reference", row.id, summary, old, new)
    await changes.record(tx, viewer, request, change)
    return downtime_json(row)


async def _downtime(tx: Tx, body: DowntimeBody) -> DowntimeReference | None:
    """The one of this cause, be it stored by label or by code."""
    query = select(DowntimeReference).where(
        DowntimeReference.tenant_id == written_tenant(tx),
        DowntimeReference.cause.in_((cause_label(body.cause), cause_code(cause_label(body.cause)))),
        same(DowntimeReference.asset_type, body.asset_type),
    )
    return (await tx.session.scalars(query.order_by(DowntimeReference.id))).first()


def _whom(row: DowntimeReference) -> str:
    return f"every {row.asset_type}" if row.asset_type else "every asset"


@router.delete("/downtime-references/{reference_id}", summary="Remove a downtime reference", status_code=204)
async def remove_downtime(request: Request, viewer: Managing, tx: OpenTx, reference_id: RowId) -> None:
    """Estimates fall back to the cause's figure for every asset, else to a built-in one marked as assumed."""
    await lock_settings(tx)
    row = await find(tx, DowntimeReference, reference_id, DOWNTIME, lock=True)
    await tx.session.delete(row)
    summary = f"Downtime of {cause_label(row.cause)} on {_whom(row)} removed"
    old = _facts(downtime_json(row))
    await changes.record(
        tx, viewer, request, Change("downtime_reference_removed", "downtime_reference", row.id, summary, old)
    )
