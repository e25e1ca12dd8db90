"""``/api/config/clock-drifts``: how far a source's clock is ahead, and what its naive times mean."""

import re
from typing import Annotated

from fastapi import Request
from pydantic import ConfigDict, Field
from sqlalchemy import select

from optria.core.errors import Invalid
from optria.db.plant import ClockDrift, Integration
from optria.db.session import Tx
from optria.web import bodies, changes
from optria.web.bodies import NewBody, Word100
from optria.web.changes import Change
from optria.web.config.config_scope import Managing, Reading
from optria.web.deps import Limit, Offset, OpenTx, RowId, written_tenant
from optria.web.routing import api_router
from optria.web.rows import find, page
from optria.web.shapes import Json
from optria.web.turns import lock_settings

router = api_router(prefix="/api/config/clock-drifts", tags=["configuration"])

OF_INTEGRATION = "integration:"


class ClockDriftBody(NewBody):
    """``source`` is a source system's word, or ``integration:`` and the number of a connection."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"source": "integration:2", "drift_s": 90, "time_zone": "Asia/Riyadh"}]
        }
    )

    source: Word100
    drift_s: Annotated[float, Field(ge=-86_400, le=86_400, allow_inf_nan=False)] = Field(
        0.0, description="Seconds that its clock is ahead of UTC; they are taken off."
    )
    time_zone: bodies.TimeZone | None = Field(
        None, description="In which its times without an offset are meant; else the site's."
    )


def drift_json(row: ClockDrift) -> Json:
    return {"id": row.id, "tenant_id": row.tenant_id} | _facts(row)


def _facts(row: ClockDrift) -> Json:
    return {"source": row.source, "drift_s": row.drift_s, "time_zone": row.time_zone}


@router.get("", summary="List clock corrections")
async def list_drifts(_viewer: Reading, tx: OpenTx, limit: Limit = 100, offset: Offset = 0) -> Json:
    return await page(
        tx, select(ClockDrift).order_by(ClockDrift.source, ClockDrift.id), drift_json, limit, offset
    )


@router.put("", summary="Set a clock correction")
async def set_drift(request: Request, viewer: Managing, tx: OpenTx, body: ClockDriftBody) -> Json:
    """One for each source: set again, it changes. Samples of a connection are corrected from now on."""
    await lock_settings(tx)
    await _check_source(tx, body.source)
    query = select(ClockDrift).where(
        ClockDrift.tenant_id == written_tenant(tx), ClockDrift.source == body.source
    )
    row, old = (await tx.session.scalars(query)).first(), {}
    if row is None:
        row = ClockDrift(tenant_id=written_tenant(tx), source=body.source)
        tx.session.add(row)
    else:
        old = _facts(row)
    row.drift_s, row.time_zone = body.drift_s, body.time_zone
    await tx.session.flush()
    zone = f", its times in {row.time_zone}" if row.time_zone else ""
    summary = f"Clock of {row.source} taken as {row.drift_s:g} s ahead of UTC{zone}"
    change = Change("clock_drift_set", "clock_drift", row.id, summary, old, _facts(row))
    await changes.record(tx, viewer, request, change)
    return drift_json(row)


async def _check_source(tx: Tx, source: str) -> None:
    """Raises Invalid for a connection that this tenant does not have."""
    if not source.lower().startswith(OF_INTEGRATION):
        return
    named = re.fullmatch(r"integration:([1-9][0-9]{0,9})", source)
    number = int(named[1]) if named else 0
    known = number <= bodies.LARGEST_ID and await tx.session.get(Integration, number) is not None
    if not known:
        raise Invalid(
            f"There is no connection {source.partition(':')[2]}: write integration: and its number."
        )


@router.delete("/{drift_id}", summary="Remove a clock correction", status_code=204)
async def remove_drift(request: Request, viewer: Managing, tx: OpenTx, drift_id: RowId) -> None:
    """The source's clock is believed again."""
    await lock_settings(tx)
    row = await find(tx, ClockDrift, drift_id, "clock correction", lock=True)
    await tx.session.delete(row)
    summary = f"Clock correction of {row.source} removed"
    await changes.record(
        tx, viewer, request, Change("clock_drift_removed", "clock_drift", row.id, summary, _facts(row))
    )
