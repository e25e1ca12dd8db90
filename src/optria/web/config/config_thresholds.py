"""``/api/config/thresholds``: operating limits, proposed by one and approved before they hold."""

from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from optria.db.plant import ThresholdRow
from optria.kit import clock
from optria.web import audit, bodies, changes
from optria.web.bodies import NewBody, SeverityWord, Word50, Word100
from optria.web.changes import Change
from optria.web.config import config_proposals
from optria.web.config.config_bodies import Reason, Rejection
from optria.web.config.config_limits import LIMIT, check_fits, facts, limit_warnings, limit_words
from optria.web.config.config_proposals import ProposalStatus, has_status, life_json
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

router = api_router(prefix="/api/config/thresholds", tags=["configuration"])


Delay = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]


class ThresholdProposal(NewBody):
    """A limit for an asset, for an asset type, or for the metric wherever it is measured."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "asset_id": 6,
                    "metric": "vibration",
                    "direction": "high",
                    "limit_value": 6.3,
                    "unit": "mm/s",
                    "severity": "CRITICAL",
                    "replaces_id": 41,
                    "reason": "The coupling was renewed; alarm earlier.",
                }
            ]
        }
    )

    asset_id: bodies.RowNumber | None = None
    asset_type: Word100 | None = None
    metric: Word100
    direction: Literal["high", "low"]
    limit_value: Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
    unit: Word50 | None = Field(None, description="That of the tags, which it also is when it is left out.")
    severity: SeverityWord
    replaces_id: bodies.RowNumber | None = Field(
        None, description="The limit that this one takes the place of."
    )
    reason: Reason | None = None
    dead_band_percent: Annotated[float, Field(ge=0, le=50, allow_inf_nan=False)] | None = Field(
        None,
        description="How far the value must come back, in percent of the signal's normal span; null: 2 %.",
    )
    on_delay_s: Delay | None = Field(
        None, description="How long the value must be beyond the limit; null: three samples."
    )
    off_delay_s: Delay | None = Field(
        None, description="How long the value must be back inside; null: five samples."
    )


def threshold_json(row: ThresholdRow) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | facts(row) | life_json(row)


@router.get("", summary="List limits")
async def list_thresholds(
    _viewer: Reading,
    tx: OpenTx,
    asset_id: IdFilter = None,
    asset_type: TypeFilter = None,
    metric: Annotated[str | None, Query(max_length=100)] = None,
    status: ProposalStatus | None = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Json:
    """Limits in force, proposals that wait, and what has ended; the filters are of the limit's own scope."""
    query = select(ThresholdRow).order_by(ThresholdRow.metric, ThresholdRow.id)
    if asset_id is not None:
        query = query.where(ThresholdRow.asset_id == asset_id)
    if asset_type is not None:
        query = query.where(same(ThresholdRow.asset_type, asset_type))
    if metric is not None:
        query = query.where(ThresholdRow.metric == metric)
    if status is not None:
        query = query.where(has_status(ThresholdRow, status))
    return await page(tx, query, threshold_json, limit, offset)


@router.get("/{threshold_id}", summary="Read a limit")
async def get_threshold(_viewer: Reading, tx: OpenTx, threshold_id: RowId) -> Json:
    return threshold_json(await find(tx, ThresholdRow, threshold_id, LIMIT))


@router.post("", summary="Propose a limit", status_code=201)
async def propose_threshold(request: Request, viewer: Managing, tx: OpenTx, body: ThresholdProposal) -> Json:
    """Nothing is watched differently until the proposal is approved. A change names what it replaces.

    ``warnings`` says when no tag measures the metric there, so that the limit would watch nothing.
    """
    await lock_settings(tx)
    check_one_scope(body.asset_id, body.asset_type)
    await find_asset(tx, body.asset_id)
    replaced = await config_proposals.replaced_by(tx, ThresholdRow, body.replaces_id, LIMIT)
    row = ThresholdRow(
        **body.model_dump() | {"asset_type": await known_type(tx, body.asset_type)},
        tenant_id=written_tenant(tx),
        is_active=False,
        proposed_by=viewer.user_id,
        created_at=clock.now(),
    )
    await check_fits(tx, row, replaced)
    tx.session.add(row)
    await tx.session.flush()
    deed = "threshold_proposed", "threshold", row.id
    audit.record(tx, viewer.user_id, row.tenant_id, *deed, request, new=facts(row))
    return threshold_json(row) | {"warnings": await limit_warnings(tx, row)}


@router.post("/{threshold_id}/approve", summary="Approve a limit")
async def approve_threshold(request: Request, viewer: Managing, tx: OpenTx, threshold_id: RowId) -> Json:
    """The limit is in force at once and ends the one it replaces.

    403 for the proposer where the tenant's setting ``four_eyes`` is on.
    """
    tenant, row = await config_proposals.to_decide(tx, ThresholdRow, threshold_id, LIMIT)
    config_proposals.check_four_eyes(tenant, row, viewer)
    replaced = await config_proposals.replaced_by(tx, ThresholdRow, row.replaces_id, LIMIT)
    await check_fits(tx, row, replaced)
    config_proposals.put_in_force(row, replaced, viewer)
    old = facts(replaced) if replaced else {}
    instead = f", instead of {limit_words(replaced)}" if replaced else ""
    summary = f"Limit of {await _of(tx, row)} set to {limit_words(row)}{instead}"
    change = Change("threshold_approved", "threshold", row.id, summary, old, facts(row), row.asset_id)
    await changes.record(tx, viewer, request, change)
    return threshold_json(row)


async def _of(tx: OpenTx, row: ThresholdRow) -> str:
    return f"{row.metric} of {await scope_words(tx, row.asset_id, row.asset_type)}"


@router.post("/{threshold_id}/reject", summary="Turn a proposed limit down")
async def reject_threshold(
    request: Request, viewer: Managing, tx: OpenTx, threshold_id: RowId, body: Rejection
) -> Json:
    """Its proposer may do so too, to take it back."""
    _, row = await config_proposals.to_decide(tx, ThresholdRow, threshold_id, LIMIT)
    config_proposals.turn_down(row, body.reason)
    deed = "threshold_rejected", "threshold", row.id
    said = {"reason": body.reason}
    audit.record(tx, viewer.user_id, row.tenant_id, *deed, request, old=facts(row), new=said)
    return threshold_json(row)


@router.post("/{threshold_id}/retire", summary="Take a limit out of force")
async def retire_threshold(request: Request, viewer: Managing, tx: OpenTx, threshold_id: RowId) -> Json:
    """Nothing takes its place: those of the asset's type hold again, if there are any."""
    row = await config_proposals.take_out_of_force(tx, ThresholdRow, threshold_id, LIMIT)
    summary = f"Limit of {await _of(tx, row)} at {limit_words(row)} is no longer in force"
    change = Change(
        "threshold_retired", "threshold", row.id, summary, facts(row), {"is_active": False}, row.asset_id
    )
    await changes.record(tx, viewer, request, change)
    return threshold_json(row)
