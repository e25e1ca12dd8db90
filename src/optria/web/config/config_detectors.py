"""``/api/config/detectors``: which detector watches an asset type or a metric, with its parameters."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from optria.core.asset import DetectorChoice
from optria.core.errors import ConfigurationError, Conflict, Invalid
from optria.db.plant import DetectorSetting
from optria.db.session import Tx
from optria.web import changes
from optria.web.bodies import NewBody, Word100
from optria.web.changes import Change
from optria.web.config.config_scope import Managing, Reading, known_type, same
from optria.web.deps import Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/detectors", tags=["configuration"])

SETTING = "detector setting"
LARGEST: Final[Mapping[str, float]] = {"height": 10, "n_trees": 50, "n_bins": 500, "n_random_cuts": 500}
"""Memory of these grows with their product, or with a power of them."""
LARGEST_OTHER: Final = 100_000.0
TRIAL_SAMPLES: Final = 5
Scalar = bool | int | Annotated[float, Field(allow_inf_nan=False)] | Annotated[str, Field(max_length=100)]


class DetectorBody(NewBody):
    """Without an asset type, for every asset; without a metric, for all tags of the asset together."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_type": "Compressor",
                    "metric": "vibration",
                    "detector": "GaussianScorer",
                    "parameters": {"window_size": 600},
                }
            ]
        }
    )

    asset_type: Word100 | None = None
    metric: Word100 | None = None
    detector: Word100
    parameters: Annotated[dict[Word100, Scalar], Field(max_length=20)] = Field(default_factory=dict)


def setting_json(row: DetectorSetting) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | _facts(row)


def _facts(row: DetectorSetting) -> Json:
    names = ("asset_type", "metric", "detector", "parameters", "is_active")
    return {name: getattr(row, name) for name in names}


@router.get("", summary="List detector settings")
async def list_settings(_viewer: Reading, tx: OpenTx, limit: Limit = 100, offset: Offset = 0) -> Json:
    """What replaces the built-in detectors, and the names that may be chosen (``available``)."""
    from optria.streams.detectors.registry import names

    query = select(DetectorSetting).order_by(DetectorSetting.id)
    return await page(tx, query, setting_json, limit, offset) | {"available": names()}


@router.post("", summary="Choose a detector", status_code=201)
async def add_setting(request: Request, viewer: Managing, tx: OpenTx, body: DetectorBody) -> Json:
    """Made and tried on a few samples before it is stored. It warms up anew before it can set an anchor."""
    await lock_settings(tx)
    choice = DetectorChoice(body.detector, body.parameters, metric=body.metric)
    await asyncio.to_thread(check_choice, choice)
    row = DetectorSetting(
        **body.model_dump() | {"asset_type": await known_type(tx, body.asset_type)},
        tenant_id=written_tenant(tx),
        is_active=True,
    )
    await _check_new(tx, row)
    tx.session.add(row)
    await tx.session.flush()
    summary = f"Detector {row.detector} chosen for {_whom(row)}"
    change = Change("detector_chosen", "detector_setting", row.id, summary, new=_facts(row))
    await changes.record(tx, viewer, request, change)
    return setting_json(row)


def check_choice(choice: DetectorChoice) -> None:
    """Raises Invalid for a detector that cannot run in line: unknown, oversized, or failing on a sample."""
    from optria.streams.detectors.registry import BUILT_IN, Attached, build, looks_at_one_tag

    if choice.name == BUILT_IN:
        _check_built_in(choice)
        return
    _check_sizes(choice.parameters)
    try:
        single = looks_at_one_tag(build(choice))
        attached = Attached(choice, [0] if single else [0, 1], [None] if single else [(0.0, 1.0)] * 2)
        for step in range(TRIAL_SAMPLES):
            attached.observe([0.4 + 0.01 * step] if single else [0.4 + 0.01 * step, 0.6])
    except ConfigurationError as error:
        raise Invalid(str(error)) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Invalid(f"The detector {choice.name} fails with these parameters: {error}.") from error


def _check_built_in(choice: DetectorChoice) -> None:
    from optria.streams.detectors.registry import build

    try:
        build(choice)
    except ConfigurationError as error:
        raise Invalid(str(error)) from error
    if choice.parameters and choice.metric is not None:
        raise Invalid("Settings of the built-in detectors are those of an asset type, not of a metric.")


def _check_sizes(parameters: Mapping[str, object]) -> None:
    for name, value in parameters.items():
        largest = LARGEST.get(name, LARGEST_OTHER)
        if isinstance(value, int | float) and abs(value) > largest:
            raise Invalid(f"{name} is at most {largest:g}.")


async def _check_new(tx: Tx, row: DetectorSetting) -> None:
    """Raises Conflict where the same detector is chosen for the same tags."""
    query = select(DetectorSetting.id).where(
        DetectorSetting.tenant_id == row.tenant_id,
        DetectorSetting.detector == row.detector,
        DetectorSetting.metric.is_not_distinct_from(row.metric),
        same(DetectorSetting.asset_type, row.asset_type),
        DetectorSetting.is_active,
    )
    if other := (await tx.session.scalars(query)).first():
        raise Conflict(f"Detector setting {other} chooses the same: remove it first.")


def _whom(row: DetectorSetting) -> str:
    what = row.metric or "all tags"
    return f"{what} of every {row.asset_type or 'asset'}"


@router.delete("/{setting_id}", summary="Remove a detector setting", status_code=204)
async def remove_setting(request: Request, viewer: Managing, tx: OpenTx, setting_id: RowId) -> None:
    """Its tags go back to the built-in detectors, unless another setting is for them."""
    await lock_settings(tx)
    row = await find(tx, DetectorSetting, setting_id, SETTING, lock=True)
    await tx.session.delete(row)
    summary = f"Detector {row.detector} of {_whom(row)} removed"
    change = Change("detector_removed", "detector_setting", row.id, summary, _facts(row))
    await changes.record(tx, viewer, request, change)
