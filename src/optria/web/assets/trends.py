"""The trends of an asset over HTTP: a bounded number of points a signal, however long the span."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Query

from optria.core.asset import PlantModel
from optria.core.errors import Invalid, NotFound
from optria.core.roles import Permission
from optria.core.tag import SignalMapping
from optria.streams.history import CHUNK
from optria.web.assets.asset_views import find_asset
from optria.web.assets.series import span_of
from optria.web.assets.trend_history import WHOLE_UP_TO, Stretch, read_stretches
from optria.web.assets.trend_marks import mark_json, marks_of
from optria.web.assets.trend_points import quiet_us, trend_of
from optria.web.deps import Given, OpenTx, RowId, require
from optria.web.filters import severity_key
from optria.web.moments import EdgeOfSpan
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.shapes import Json, when

router = api_router(prefix="/api/assets", tags=["assets"])

Seeing = Annotated[Viewer, require(Permission.VIEW_ASSETS)]
Metrics = Annotated[list[Annotated[str, Query(max_length=100)]], Query(alias="metric", max_length=24)]
MOST_SIGNALS: Final = 24


@router.get("/{asset_id}/trends", summary="Trends of an asset")
async def get_trends(
    viewer: Seeing,
    tx: OpenTx,
    services: Given,
    asset_id: RowId,
    from_time: Annotated[EdgeOfSpan | None, Query(alias="from")] = None,
    to_time: Annotated[EdgeOfSpan | None, Query(alias="to")] = None,
    metric: Metrics = [],  # noqa: B006 - the framework copies it
) -> Json:
    """Signals of the asset in [from, to] (UTC where no offset is given; the last hour by default), at most 31
    days; of some metrics only where ``metric`` names them, once each.

    A signal has at most 600 values: every good sample where there are no more, else the lowest and the
    highest of each 300th of the span (``thinned``). ``times_ms`` and ``values`` are columns; a null value is
    a gap: nothing good was measured for longer than the signal may be silent. Over more than five hours the
    times are exact to the minute. ``samples`` counts the samples behind the points. ``expected`` is the range
    of normal operation, ``limits`` are those in force. ``marks`` are anchors, and orders and maintenance for
    those who may see them.
    """
    row, _, _ = await find_asset(tx, asset_id)
    start, end = span_of(from_time, to_time)
    plant = services.plants(row.tenant_id)
    mappings = _chosen(plant, row.id, metric)
    tags = [m.id for m in mappings]
    found = await read_stretches(tx, services.pipelines.get(row.tenant_id), tags, start, end)
    marks = await marks_of(tx, viewer, row, start, end)
    return {
        "asset_id": row.id,
        "from": when(start),
        "to": when(end),
        "from_ms": int(start.timestamp() * 1000),
        "to_ms": int(end.timestamp() * 1000),
        "resolution": "samples" if end - start <= WHOLE_UP_TO else "minutes",
        "signals": await asyncio.to_thread(_signals, plant, mappings, found, start, end),
        "marks": [mark_json(mark) for mark in marks],
    }


def _chosen(plant: PlantModel, asset_id: int, metrics: Sequence[str]) -> list[SignalMapping]:
    mappings = list(plant.mappings_of(asset_id))
    if metrics:
        unknown = set(metrics) - {m.metric for m in mappings}
        if unknown:
            raise NotFound(f"The asset has no metric {min(unknown)}.")
        return [m for m in mappings if m.metric in metrics]
    if len(mappings) > MOST_SIGNALS:
        raise Invalid(f"The asset has {len(mappings)} signals: name at most {MOST_SIGNALS} by metric.")
    return mappings


def _signals(
    plant: PlantModel,
    mappings: Sequence[SignalMapping],
    found: Mapping[int, Stretch],
    start: datetime,
    end: datetime,
) -> list[Json]:
    """Away from the loop that serves the others: ten signals of five hours take their time."""
    return [_signal_json(plant, mapping, found[mapping.id], start, end) for mapping in mappings]


def _signal_json(
    plant: PlantModel, mapping: SignalMapping, stretch: Stretch, start: datetime, end: datetime
) -> Json:
    by_minute = end - start > WHOLE_UP_TO
    quiet = quiet_us(mapping.scan_s) + (CHUNK // timedelta(microseconds=1) if by_minute else 0)
    trend = trend_of(stretch.series, start, end, quiet)
    asset = plant.asset(mapping.asset_id)
    limits = plant.thresholds_of(asset, mapping.metric) if asset else ()
    normal = mapping.normal_low, mapping.normal_high
    return {
        "tag": mapping.id,
        "metric": mapping.metric,
        "external_tag": mapping.external_tag,
        "unit": mapping.unit,
        "decimals": mapping.decimals,
        "expected": None if None in normal else normal,
        "limits": [
            {"severity": severity_key(t.severity.name), "direction": t.direction, "value": t.limit}
            for t in limits
        ],
        "samples": stretch.samples,
        "thinned": trend.thinned or (by_minute and stretch.samples > len(stretch.series)),
        "gap_ms": quiet // 1000,
        "times_ms": [ms for ms, _ in trend.points],
        "values": [value for _, value in trend.points],
    }
