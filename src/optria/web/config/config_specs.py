"""``/api/config/machine-specs``: what the maker says of an asset or an asset type."""

from typing import Annotated

from fastapi import Request
from pydantic import ConfigDict, Field, model_validator
from sqlalchemy import select

from optria.core.errors import Conflict
from optria.core.incident import cause_label
from optria.db.plant import MachineSpec
from optria.db.session import Tx
from optria.web import bodies, changes
from optria.web.bodies import NewBody, Word50, Word100
from optria.web.changes import Change
from optria.web.config.config_bodies import Reason, Source
from optria.web.config.config_scope import (
    Managing,
    Reading,
    TypeFilter,
    check_one_scope,
    find_asset,
    known_type,
    same,
    scope_words,
)
from optria.web.deps import IdFilter, Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/machine-specs", tags=["configuration"])

SPEC = "machine spec"
Page = Annotated[int, Field(ge=1, le=100_000)]
Finite = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class StepBody(NewBody):
    """A line of a procedure, English and Arabic."""

    text: Reason
    text_ar: bodies.Prose = ""


Steps = Annotated[list[Reason | StepBody], Field(max_length=100)]


class SpecData(NewBody):
    """The maker's data. ``expected`` is metric to [low, high]; causes are named by label or code."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document": "API 610 data sheet",
                    "typical_power_kw": 132,
                    "expected": {"vibration": [0, 4.5]},
                    "cause_pages": {"Pump Cavitation": 26},
                }
            ]
        }
    )

    document: Source = "MachineSpecs"
    checklist_page: Page | None = None
    checklist: Steps = Field(default_factory=list)
    typical_power_kw: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    energy_type: Word50 = "electricity"
    expected: Annotated[dict[Word100, tuple[Finite, Finite]], Field(max_length=100)] = Field(
        default_factory=dict
    )
    cause_pages: Annotated[dict[Word100, Page], Field(max_length=100)] = Field(default_factory=dict)
    cause_steps: Annotated[dict[Word100, Steps], Field(max_length=100)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_order(self) -> "SpecData":
        for metric, (low, high) in self.expected.items():
            if low >= high:
                raise ValueError(f"expected.{metric}: the low end must be below the high end")
        return self

    def as_stored(self) -> dict[str, object]:
        """The JSON of the row: only what was said, causes by label."""
        stored: dict[str, object] = self.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        by_cause = {"cause_pages": self.cause_pages, "cause_steps": self.cause_steps}
        for name in by_cause.keys() & stored.keys():
            kept = stored[name]
            assert isinstance(kept, dict)
            stored[name] = {cause_label(cause): value for cause, value in kept.items()}
        return stored


class SpecBody(NewBody):
    """Of an asset, of an asset type, or of every machine that has none of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_type": "Pump",
                    "spec": {
                        "document": "API 610 data sheet",
                        "checklist_page": 22,
                        "checklist": ["Compare suction and discharge pressure with the pump curve."],
                        "typical_power_kw": 132,
                        "expected": {"vibration": [0, 4.5]},
                        "cause_pages": {"Pump Cavitation": 26},
                    },
                }
            ]
        }
    )

    asset_id: bodies.RowNumber | None = None
    asset_type: Word100 | None = None
    spec: SpecData


def spec_json(row: MachineSpec) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | _facts(row)


def _facts(row: MachineSpec) -> Json:
    return {"asset_id": row.asset_id, "asset_type": row.asset_type, "spec": row.spec}


@router.get("", summary="List machine specs")
async def list_specs(
    _viewer: Reading,
    tx: OpenTx,
    asset_id: IdFilter = None,
    asset_type: TypeFilter = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """Of an asset its own counts, else that of its type."""
    query = select(MachineSpec).order_by(MachineSpec.id)
    if asset_id is not None:
        query = query.where(MachineSpec.asset_id == asset_id)
    if asset_type is not None:
        query = query.where(same(MachineSpec.asset_type, asset_type))
    return await page(tx, query, spec_json, limit, offset)


@router.get("/{spec_id}", summary="Read a machine spec")
async def get_spec(_viewer: Reading, tx: OpenTx, spec_id: RowId) -> Json:
    return spec_json(await find(tx, MachineSpec, spec_id, SPEC))


@router.post("", summary="Add a machine spec", status_code=201)
async def add_spec(request: Request, viewer: Managing, tx: OpenTx, body: SpecBody) -> Json:
    """One for each asset and each asset type."""
    await lock_settings(tx)
    check_one_scope(body.asset_id, body.asset_type)
    await find_asset(tx, body.asset_id)
    row = MachineSpec(
        tenant_id=written_tenant(tx),
        asset_id=body.asset_id,
        asset_type=await known_type(tx, body.asset_type),
        spec=body.spec.as_stored(),
    )
    await _check_new(tx, row)
    tx.session.add(row)
    await tx.session.flush()
    await _record(request, viewer, tx, row, "added", new=_facts(row))
    return spec_json(row)


async def _check_new(tx: Tx, row: MachineSpec) -> None:
    """Raises Conflict where there is one of the same scope."""
    query = select(MachineSpec.id).where(
        MachineSpec.tenant_id == row.tenant_id,
        MachineSpec.asset_id.is_not_distinct_from(row.asset_id),
        same(MachineSpec.asset_type, row.asset_type),
    )
    if other := (await tx.session.scalars(query)).first():
        raise Conflict(f"Machine spec {other} is of the same scope: change that one.")


async def _record(
    request: Request,
    viewer: Managing,
    tx: Tx,
    row: MachineSpec,
    verb: str,
    old: Json | None = None,
    new: Json | None = None,
) -> None:
    summary = f"Machine spec of {await scope_words(tx, row.asset_id, row.asset_type)} {verb}"
    action = f"machine_spec_{verb}"
    change = Change(action, "machine_spec", row.id, summary, old or {}, new or {}, row.asset_id)
    await changes.record(tx, viewer, request, change)


@router.put("/{spec_id}", summary="Change a machine spec")
async def change_spec(request: Request, viewer: Managing, tx: OpenTx, spec_id: RowId, body: SpecData) -> Json:
    """The whole of the maker's data is replaced; whom it is of stays."""
    await lock_settings(tx)
    row = await find(tx, MachineSpec, spec_id, SPEC, lock=True)
    old = _facts(row)
    row.spec = body.as_stored()
    await _record(request, viewer, tx, row, "changed", old, _facts(row))
    return spec_json(row)


@router.delete("/{spec_id}", summary="Remove a machine spec", status_code=204)
async def remove_spec(request: Request, viewer: Managing, tx: OpenTx, spec_id: RowId) -> None:
    """The asset falls back to the spec of its type."""
    await lock_settings(tx)
    row = await find(tx, MachineSpec, spec_id, SPEC, lock=True)
    await tx.session.delete(row)
    await _record(request, viewer, tx, row, "removed", _facts(row))
