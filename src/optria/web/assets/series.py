"""Signals of an asset and their series over HTTP."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Query
from starlette.responses import JSONResponse, Response

from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission
from optria.kit import clock
from optria.streams.recent import Series
from optria.web.assets.asset_views import find_asset, plants_of, source_types
from optria.web.assets.readings import point_json, read_newest
from optria.web.assets.signals import signals_of
from optria.web.deps import Given, OpenTx, RowId, require
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/api/twins", tags=["twin"])

Seeing = Annotated[Viewer, require(Permission.VIEW_TWIN)]
DEFAULT_SPAN: Final = timedelta(hours=1)
LONGEST_SPAN: Final = timedelta(days=31)


@router.get("/assets/{asset_id}/metrics", summary="Live values of an asset")
async def list_metrics(_viewer: Seeing, tx: OpenTx, services: Given, asset_id: RowId) -> Json:
    found = await find_asset(tx, asset_id)
    signals = signals_of(services, [found], plants_of(services, [found]), {})[asset_id]
    metrics = [
        {
            "name": m.metric,
            "external_tag": m.external_tag,
            "unit": m.unit,
            "integration_id": m.integration_id,
            "tag": m.id,
            "latest": signals.values.get(m.metric),
        }
        for m in signals.mappings
    ]
    return {"asset_id": asset_id, "asset_name": found[0].name, "metrics": metrics, "total": len(metrics)}


@router.get("/assets/{asset_id}/metrics/{metric_name}/series", summary="Series of a signal")
async def get_series(
    _viewer: Seeing,
    tx: OpenTx,
    services: Given,
    asset_id: RowId,
    metric_name: str,
    from_time: EdgeOfSpan | None = None,
    to_time: EdgeOfSpan | None = None,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 5_000,
) -> Response:
    """The newest ``limit`` samples in [from_time, to_time] (UTC where no offset is given), oldest first.

    ``more`` says whether the span holds older ones.
    """
    row, _, _ = await find_asset(tx, asset_id)
    mappings = services.plants(row.tenant_id).mappings_of(asset_id)
    mapping = next((m for m in mappings if m.metric == metric_name), None)
    if mapping is None:
        raise NotFound("The asset has no such metric.")
    start, end = span_of(from_time, to_time)
    series, more = await read_newest(tx, services, row.tenant_id, mapping, start, end, limit)
    head = {
        "asset_id": asset_id,
        "asset_name": row.name,
        "metric": mapping.metric,
        "external_tag": mapping.external_tag,
        "unit": mapping.unit,
        "integration_type": (await source_types(tx)).get(mapping.integration_id),
        "from_time": when(start),
        "to_time": when(end),
        "total_points": len(series),
        "more": more,
    }
    return await asyncio.to_thread(_answer, head, series, mapping.unit)


def _answer(head: Json, series: Series, unit: str) -> Response:
    """Up to 50,000 points take their time: written away from the loop that serves the others."""
    columns = (series.time.tolist(), series.value.tolist(), series.quality.tolist())
    return JSONResponse(head | {"points": [point_json(*one, unit) for one in zip(*columns, strict=True)]})


def span_of(from_time: datetime | None, to_time: datetime | None) -> tuple[datetime, datetime]:
    """The span that is asked for; the last hour by default.

    Raises:
        Invalid: it ends before it begins, or is longer than 31 days.
    """
    end = to_time or clock.now()
    start = from_time or end - DEFAULT_SPAN
    if start > end:
        raise Invalid("from_time is after to_time.")
    if end - start > LONGEST_SPAN:
        raise Invalid(f"At most {LONGEST_SPAN.days} days can be read at a time.")
    return start, end
